"""What a start does: its operations in their order, each with its system calls, why it is made, and itself.

A walk (`stepping`) stops before each that the start makes; the sentences for why are in workshop/words/texts/*/helper.toml.
The child joins the cgroups before it unshares, else the cgroup namespace would show the host's tree.
"""

from __future__ import annotations

import errno
import os
import signal
import socket

from ..kernel import capabilities, confine, rootfs, syscalls
from ..kernel.identities import map_identities, mapped_copy, take_identity, unshare_as
from .channel import Channel, close
from .children import fork
from .networks import INTERFACE, PREFIX
from .operation import Operation
from .start import Start, ask, perform


def _with_root(start: Start) -> bool:
    """An ordinary user's helper has no cgroups, and one identity."""
    return start.place.base > 0


def _with_old_groups(start: Start) -> bool:
    """Into groups of version 2 a child is born."""
    return any(one.version == 1 for one in start.place.cgroups.mounted)


def _with_network(start: Start) -> bool:
    return start.network is not None


def _with_terminal(start: Start) -> bool:
    return start.program.asked.terminal


def _with_image(start: Start) -> bool:
    """Not where a program joins a sandbox."""
    return bool(start.layers)


def _make_groups(start: Start) -> None:
    """The address in a network is reserved here, so that one that can't be had costs nothing else."""
    place, wanted = start.place, start.program.sandbox
    if start.network:
        start.plug = start.network.join(place.name, (wanted.name, wanted.hostname))
    place.cgroups.make(place.name)


def _fork(start: Start) -> None:
    kept = (*start.program.streams, *start.walk.descriptors)
    start.channel, start.outer = fork(start.place, lambda channel: _go_on(start, channel), *kept)


def _go_on(start: Start, channel: Channel) -> None:
    """The child's part begins."""
    start.channel = channel
    perform(CHILD, start)


def _map(start: Start) -> list[int]:
    map_identities(start.outer, start.place.base)
    return []


def _plug_in(start: Start) -> list[int]:
    if start.plug:
        start.plug.put_into(start.outer)
    return []


def _take_copies(start: Start) -> None:
    start.copies = ask(start)


def _copy_layers(start: Start) -> list[int]:
    copies: list[int] = []
    try:
        for directory in start.layers.values():
            copies.append(mapped_copy(directory, start.outer))
    except OSError:
        close(copies)
        raise
    return copies


def _fork_again(start: Start) -> None:
    """The new child, which is in the PID namespace, goes on; this one leaves it to the helper."""
    pid = os.fork()
    if pid:
        start.channel.send(f"born {pid}")
        os._exit(0)
    os.umask(0o022)


def _mount_root(start: Start) -> None:
    over = start.place.mount_point
    if start.plug:
        start.hosts = syscalls.clone_mount(start.plug.hosts)  # now, since the new root will cover it
    layers = dict(zip(start.layers, start.copies, strict=True)) if start.copies else start.layers
    start.root = rootfs.make_root(over, layers)
    start.upper = os.open(f"{over}/upper", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def _mount_own(start: Start) -> None:
    rootfs.mount_own(start.root, bool(start.place.base))
    rootfs.mount_cgroups(start.root, start.place.cgroups.mounted)


def _take_name(start: Start) -> None:
    hostname = start.program.sandbox.hostname
    rootfs.write_names(start.root, hostname)
    socket.sethostname(hostname)


def _raise_interfaces(start: Start) -> None:
    confine.raise_interface("lo")
    if start.plug:
        confine.raise_interface(INTERFACE)
        confine.take_address(INTERFACE, start.plug.address, PREFIX)
        rootfs.mount_hosts(start.root, start.hosts)


def _open_terminal(start: Start) -> None:
    asked = start.program.asked
    start.master, start.slave = confine.open_terminal(f"{start.root}/dev/pts", asked.rows, asked.columns)
    if start.root:
        rootfs.bind_console(start.root)


def _take_streams(start: Start) -> None:
    terminal = start.program.asked.terminal
    confine.take_streams((start.slave,) * 3 if terminal else start.program.streams, terminal)
    confine.forget_the_helper()


def _keep_capabilities(start: Start) -> None:
    confine.keep_capabilities(capabilities.left(start.program.sandbox.dropped))


def _die_with_the_helper(start: Start) -> None:
    start.channel.expect("go")
    # Only now is the helper the parent whose death counts; one that died before is noticed by the send.
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)


def _close(start: Start) -> None:
    syscalls.close_all_but({0, 1, 2, start.channel.end.fileno(), *start.told, *start.walk.descriptors})


def _execute(start: Start) -> None:
    """Never returns: where there is no such program, the helper's last word of it is why."""
    sandbox, command = start.program.sandbox, start.program.asked.command
    environment = confine.environment(start.place.cgroups.instance, sandbox.hostname, sandbox.variables)
    start.channel.send("exec", *start.told)
    try:
        confine.execute(command, environment)
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        start.channel.send(f"command_not_{'found' if missing else 'executable'} {command[0]}")
        os._exit(127 if missing else 126)


HELPER: tuple[Operation[Start], ...] = (
    Operation("mkdir(/sys/fs/cgroup/.../INSTANCE/ID)", "why_make_cgroups", _make_groups, _with_root),
    Operation(
        "write(pids.max, memory, cpu)",
        "why_limit",
        lambda start: start.place.cgroups.limit(start.place.name, start.limits),
        _with_root,
    ),
    Operation("clone3(CLONE_INTO_CGROUP) or fork()", "why_fork", _fork),
)
"""Made by the helper."""
SECOND_FORK: Operation[Start] = Operation("fork()", "why_second_fork", _fork_again)
OUTER: tuple[Operation[Start], ...] = (
    Operation("write(tasks, 0)", "why_join", lambda start: start.place.cgroups.join(start.place.name), _with_old_groups),
    Operation(
        "seteuid(NOBODY), unshare(CLONE_NEWUSER|NEWNS|NEWPID|NEWNET|NEWUTS|NEWIPC|NEWCGROUP)",
        "why_unshare",
        lambda start: unshare_as(start.place.base, syscalls.NAMESPACES),
    ),
    Operation("write(uid_map, gid_map)", "why_maps", ask, answer=_map),
    Operation("sendto(NETLINK_ROUTE, RTM_NEWLINK veth)", "why_plug", ask, _with_network, _plug_in),
    Operation("open_tree(IMAGE), mount_setattr(MOUNT_ATTR_IDMAP)", "why_idmap", _take_copies, _with_root, _copy_layers),
    Operation("setresgid(0), setresuid(0)", "why_identity", lambda start: take_identity(start.place.base)),
    SECOND_FORK,
)
"""Made by the child that leaves the host's namespaces, and ends."""
INNER: tuple[Operation[Start], ...] = (
    Operation("mount(tmpfs), mount(overlay)", "why_overlay", _mount_root),
    Operation(
        "mount(proc), mount(tmpfs /dev), mount(devpts), mount(mqueue), mount(sysfs), mount(cgroup)", "why_mounts", _mount_own
    ),
    Operation("mount(MS_BIND /dev/null)", "why_mask", lambda start: rootfs.mask(start.root)),
    Operation("sethostname()", "why_hostname", _take_name),
    Operation("ioctl(SIOCSIFFLAGS lo)", "why_loopback", _raise_interfaces),
)
"""Made by its child, PID 1: what the sandbox is."""
BECOMING: tuple[Operation[Start], ...] = (
    Operation("setsid()", "why_setsid", lambda _: os.setsid()),
    Operation("openat(/dev/pts/ptmx), ioctl(TIOCGPTPEER)", "why_terminal", _open_terminal, _with_terminal),
    Operation("pivot_root(., .), umount2(MNT_DETACH)", "why_pivot", lambda start: rootfs.enter(start.root), _with_image),
    Operation("dup2(TERMINAL), ioctl(TIOCSCTTY)", "why_streams", _take_streams),
    Operation("prctl(PR_CAPBSET_DROP), capset()", "why_capabilities", _keep_capabilities),
    Operation("prctl(PR_SET_NO_NEW_PRIVS)", "why_no_new_privileges", lambda _: confine.forbid_new_privileges()),
    Operation("prctl(PR_SET_SECCOMP)", "why_seccomp", lambda _: confine.filter_calls()),
    Operation("prctl(PR_SET_PDEATHSIG, SIGKILL)", "why_die_together", _die_with_the_helper),
    Operation("close_range(3, ~0)", "why_close", _close),
    Operation("execve(COMMAND)", "why_exec", _execute),
)
"""Made by whatever becomes a program: PID 1, or one that joins a sandbox."""
CHILD = OUTER + INNER + BECOMING
START = HELPER + CHILD
"""All, in their order."""
JOINING = (SECOND_FORK, *BECOMING)
"""Of a program that joins a sandbox, once it is in the sandbox's namespaces."""
