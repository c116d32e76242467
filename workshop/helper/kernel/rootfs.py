"""What a sandbox sees mounted. Every call here runs in the sandbox's own mount namespace: the host's table never changes.

The order is Docker's, so that `cat /proc/mounts` in a sandbox reads as it does in a container of Docker's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence

from ...facts import Hierarchy
from . import syscalls
from .syscalls import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_RDONLY, MS_REC, mount

SIZE = 64 << 20
"""Bytes that a sandbox may write; they count as its memory as well."""
TERMINALS = 16
"""As many as one connection can start programs. All sandboxes together have the 3,072 that the kernel does not keep for the host
(kernel.pty.max less kernel.pty.reserve; kernel: Documentation/filesystems/devpts.rst), so that it takes 192 to use them up."""
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
DIRECTORIES = ("dev", "etc", "proc", "sys")
READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")


def make_root(over: str, layers: Mapping[str, int | str]) -> str:
    """Mount the image's layers, with a sized tmpfs to write to above them; returns where.

    `over` is any directory of the host's: what is mounted there is seen in this namespace only. `layers` are the topmost
    first, each a descriptor of an identity-mapped copy of its mount, or a path where there is one identity only; overlay's
    options, which everybody inside can read in /proc/mounts, show their names.
    """
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", over, "tmpfs", MS_NOSUID | MS_NODEV, f"size={SIZE},mode=755")
    os.chdir(over)
    for name in ("upper", "work", "root", *layers):
        os.mkdir(name)
    for name, layer in layers.items():
        if isinstance(layer, int):
            syscalls.move_mount(layer, name)
        else:
            mount(layer, name, flags=MS_BIND)
    mount("overlay", "root", "overlay", 0, f"lowerdir={':'.join(layers)},upperdir=upper,workdir=work,userxattr")
    root = f"{over}/root"
    return root


def mount_own(root: str, image_owner_known: bool) -> None:
    """Mount what shows the kernel, and the devices, each of the sandbox's own namespaces."""
    _make_directories(root)
    mount("proc", f"{root}/proc", "proc", STRICT)
    _make_dev(f"{root}/dev", image_owner_known)
    mount("sysfs", f"{root}/sys", "sysfs", STRICT | MS_RDONLY)


def _make_directories(root: str) -> None:
    """What will be mounted upon or written into, where the image lacks it.

    Safe: this is the host's tree still, so that a link in the image would lead there; who packed one is refused.
    """
    for name in DIRECTORIES:
        with contextlib.suppress(FileExistsError):
            os.mkdir(f"{root}/{name}")
        if not stat.S_ISDIR(os.lstat(f"{root}/{name}").st_mode):
            raise OSError(errno.ENOTDIR, f"/{name} of the image is no directory")


def _make_dev(dev: str, groups: bool) -> None:
    """/dev: six harmless nodes of the host's, terminals of its own, shared memory and queues of its own."""
    mount("tmpfs", dev, "tmpfs", MS_NOSUID, "size=65536k,mode=755")
    for name in ("pts", "shm", "mqueue"):
        os.mkdir(f"{dev}/{name}")
    # gid 5 is tty's; an ordinary user's map has no such group.
    options = f"newinstance,max={TERMINALS},ptmxmode=0666,mode=0620" + ",gid=5" * groups
    mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, options)
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
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{root}/etc/{name}")  # a link of the image's would lead out of it
        descriptor = os.open(f"{root}/etc/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)
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


def be_alone_with(over: str, directory: int | str) -> None:
    """Make this directory, or this copy of its mount, the root of a process that is in a new mount namespace."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    if isinstance(directory, int):
        syscalls.move_mount(directory, over)
        mount("none", over, flags=MS_PRIVATE)  # a copy is shared where its original is, as systemd has all; pivot_root refuses
    else:
        mount(directory, over, flags=MS_BIND)
    enter(over)


def write_only_to(over: str, directory: int | str) -> None:
    """Make all that a process in a new mount namespace sees read-only, but for this directory, or this copy of its mount.

    That lies at `over` then, and is the current directory. It is copied first: a bind mount of what is read-only is so, too.
    """
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    copy = directory if isinstance(directory, int) else syscalls.clone_mount(directory)
    syscalls.make_read_only("/")
    syscalls.move_mount(copy, over)
    os.chdir(over)


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
