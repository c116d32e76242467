"""What a sandbox sees mounted. Every call here runs in the sandbox's own mount namespace: the host's table never changes.

The order is Docker's, so that `cat /proc/mounts` in a sandbox reads as it does in a container of Docker's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from ..facts import Hierarchy
from . import syscalls
from .syscalls import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_RDONLY, MS_REC, mount

SIZE = 64 << 20
"""Bytes that a sandbox may write; they count as its memory as well."""
STRICT = MS_NOSUID | MS_NODEV | MS_NOEXEC
NODES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "core": "/proc/kcore",
}
# Docker's lists: what tells of, or reaches, the kernel that all containers share.
MASKED = ("acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "sched_debug", "scsi", "timer_list", "timer_stats")
MASKED_SYS = ("firmware", "devices/virtual/powercap")
READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")


def make_root(over: str, lower: int | str) -> str:
    """Mount the image, with a sized tmpfs to write to above it; returns where.

    `over` is any directory of the host's: what is mounted there is seen in this namespace only. `lower` is the image: a
    descriptor of an identity-mapped copy of its mount, or a path where there is one identity only.
    """
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", over, "tmpfs", MS_NOSUID | MS_NODEV, f"size={SIZE},mode=755")
    for name in ("lower", "upper", "work", "root"):
        os.mkdir(f"{over}/{name}")
    if isinstance(lower, int):
        syscalls.move_mount(lower, f"{over}/lower")
        lower = f"{over}/lower"
    root = f"{over}/root"
    layers = f"lowerdir={_escaped(lower)},upperdir={over}/upper,workdir={over}/work,userxattr"
    mount("overlay", root, "overlay", 0, layers)
    return root


def mount_own(root: str, image_owner_known: bool) -> None:
    """Mount what shows the kernel, and the devices, each of the sandbox's own namespaces."""
    mount("proc", f"{root}/proc", "proc", STRICT)
    _make_dev(f"{root}/dev", image_owner_known)
    mount("sysfs", f"{root}/sys", "sysfs", STRICT | MS_RDONLY)


def _escaped(path: str) -> str:
    """A path in overlay's options, where a comma and a colon have meanings."""
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _make_dev(dev: str, groups: bool) -> None:
    """/dev: six harmless nodes of the host's, terminals of its own, shared memory and queues of its own."""
    mount("tmpfs", dev, "tmpfs", MS_NOSUID, "size=65536k,mode=755")
    for name in ("pts", "shm", "mqueue"):
        os.mkdir(f"{dev}/{name}")
    # gid 5 is tty's; an ordinary user's map has no such group.
    mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620" + ",gid=5" * groups)
    for name in NODES:
        _touch(f"{dev}/{name}")
        mount(f"/dev/{name}", f"{dev}/{name}", flags=MS_BIND)
    for name, target in LINKS.items():
        os.symlink(target, f"{dev}/{name}")
    mount("mqueue", f"{dev}/mqueue", "mqueue", STRICT)
    mount("shm", f"{dev}/shm", "tmpfs", STRICT, f"mode=1777,size={SIZE}")


def mount_cgroups(root: str, hierarchies: Sequence[Hierarchy]) -> None:
    """The sandbox's own groups at /sys/fs/cgroup, read-only: its cgroup namespace makes them the top of the tree."""
    top = f"{root}/sys/fs/cgroup"
    if [one.version for one in hierarchies] == [2]:
        mount("cgroup", top, "cgroup2", STRICT | MS_RDONLY)
    elif hierarchies:
        mount("tmpfs", top, "tmpfs", STRICT, "mode=755,size=64k")
        for one in hierarchies:
            name = "unified" if one.version == 2 else ",".join(one.controllers)
            os.mkdir(f"{top}/{name}")
            kind = "cgroup2" if one.version == 2 else "cgroup"
            mount("cgroup", f"{top}/{name}", kind, STRICT | MS_RDONLY, ",".join(one.controllers))
            for controller in one.controllers if len(one.controllers) > 1 else ():
                os.symlink(name, f"{top}/{controller}")
        syscalls.make_read_only(top)


def write_names(root: str, hostname: str) -> None:
    """/etc/hostname, /etc/hosts and /etc/resolv.conf, in the layer that is written to."""
    hosts = f"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t{hostname}\n"
    for name, text in (("hostname", hostname + "\n"), ("hosts", hosts), ("resolv.conf", "")):
        descriptor = os.open(f"{root}/etc/{name}", os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o644)
        os.write(descriptor, text.encode())
        os.close(descriptor)


def mount_hosts(root: str, hosts: int) -> None:
    """/etc/hosts is the network's, by a descriptor of its mount: the helper keeps it up to date, and it is only to be read."""
    syscalls.move_mount(hosts, f"{root}/etc/hosts")
    syscalls.make_read_only(f"{root}/etc/hosts")


def mask(root: str) -> None:
    """Cover what tells of the shared kernel, and make read-only what would change it."""
    for path in (f"{root}/proc/{name}" for name in READ_ONLY):
        if os.path.exists(path):
            mount(path, path, flags=MS_BIND | MS_REC)
            syscalls.make_read_only(path)
    for path in _masked(root):
        if os.path.isdir(path):
            mount("tmpfs", path, "tmpfs", STRICT | MS_RDONLY, "size=0k")
        elif os.path.exists(path):
            mount("/dev/null", path, flags=MS_BIND)


def _masked(root: str) -> Iterator[str]:
    """Paths to cover, where they exist."""
    yield from (f"{root}/proc/{name}" for name in MASKED)
    yield from (f"{root}/sys/{name}" for name in MASKED_SYS)


def bind_console(root: str) -> None:
    """/dev/console is the sandbox's terminal, the first of its devpts."""
    _touch(f"{root}/dev/console")
    mount(f"{root}/dev/pts/0", f"{root}/dev/console", flags=MS_BIND)


def enter(root: str) -> None:
    """Make this the root; the host's tree is then nowhere in this namespace (pivot_root(2), its notes on `.`)."""
    os.chdir(root)
    syscalls.pivot_root(".", ".")
    syscalls.detach_mount(".")
    os.chdir("/")


def _touch(path: str) -> None:
    """An empty file to mount upon."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
