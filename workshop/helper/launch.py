"""Start a program in a sandbox: the helper's side and the child's side of each step, next to each other.

    helper                     outer child                       inner child (PID 1)
    fork                  ->   join cgroups, unshare
    write identity maps   <-   "unshared"
    plug it in            <-   "plug", where it joins a network
    map the image         <-   "image", then
                          ->   take the sandbox's identity, fork ->
    hold a pidfd          <-   "born", exit                      mounts, terminal
    reap the outer child, "go"                                ->  die with the helper from here on
    hand over             <-                                     "exec", restrictions, exec

The outer child joins the cgroups before it unshares, else the cgroup namespace would show the host's tree. The inner
child is the helper's own once the outer one is reaped (PR_SET_CHILD_SUBREAPER), so that only the helper can reap it
and its pid can't be another's while the pidfd is taken. Before each step stands a stop, for a start that is walked through.
"""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import socket
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from ..protocol import ProtocolError
from . import confine, rootfs, syscalls
from .cgroups import Cgroups
from .networks import INTERFACE, PREFIX, Plug
from .stepping import Straight

IDENTITIES = 65536


@dataclass(frozen=True)
class Program:
    """What to run: the command, and streams (stdin, stdout, stderr) or the size of a terminal to open instead.

    `capabilities` are those that it keeps, by number; `variables` are `KEY=VALUE`.
    """

    command: list[str]
    hostname: str
    terminal: bool
    rows: int
    columns: int
    capabilities: tuple[int, ...] = ()
    variables: tuple[str, ...] = ()
    streams: tuple[int, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where to run it: the sandbox's name in the cgroups, its image, its identities (0: the user's own one)."""

    instance: str
    cgroups: Cgroups
    name: str
    image: str
    base: int
    over: str
    children: set[int]
    """Pids of the children that somebody will reap."""
    walk: Straight = field(default_factory=Straight)
    plug: Plug | None = None
    """What connects it to a network; nothing but loopback without."""


@dataclass(frozen=True)
class Started:
    """A running program: its pid on the host, a pidfd, and its terminal's master if it has a terminal."""

    pid: int
    pidfd: int
    master: int | None


Steps = Generator[int, None, Started]
"""A start in progress: it yields each descriptor that has to become readable before it can go on, since nothing may block
the helper: a child that has joined a sandbox's groups can be as slow as that sandbox's limits make it."""


class Channel:
    """Packets between the helper and a child that it is starting, with descriptors beside them."""

    def __init__(self, end: socket.socket) -> None:
        """One end of a socket pair."""
        self.end = end

    def send(self, word: str, *descriptors: int) -> None:
        """Send a word; raises OSError where the other side is gone."""
        socket.send_fds(self.end, [word.encode()], descriptors)

    def receive(self) -> tuple[str, list[int]]:
        """The next packet, empty at the end."""
        data, descriptors, _, _ = socket.recv_fds(self.end, 4096, 1, socket.MSG_CMSG_CLOEXEC)
        return data.decode("utf-8", "replace"), descriptors

    def expect(self, word: str) -> tuple[str, list[int]]:
        """What follows the word; raises ProtocolError where something else, or nothing, comes."""
        packet, descriptors = self.receive()
        first, _, rest = packet.partition(" ")
        if first != word:
            raise _refusal(packet)
        return rest, descriptors

    def await_word(self, word: str) -> Generator[int, None, tuple[str, list[int]]]:
        """As `expect`, for the helper's side, which may not block."""
        yield self.end.fileno()
        return self.expect(word)


def start(place: Place, program: Program) -> Steps:
    """Start a sandbox; raises ProtocolError, with nothing left running, where it does not come up."""
    channel, outer = _fork(place, program, lambda channel: _outer(channel, place, program), *place.walk.descriptors)
    return _attempt(channel, outer, place, _map(channel, outer, place))


def enter(place: Place, pidfd: int, program: Program) -> Steps:
    """Start one more program in the sandbox whose PID 1 the pidfd holds; raises ProtocolError as `start` does."""
    channel, outer = _fork(place, program, lambda channel: _joiner(channel, place, pidfd, program), pidfd)
    return _attempt(channel, outer, place, ())


def _fork(place: Place, program: Program, child: Callable[[Channel], None], *kept: int) -> tuple[Channel, int]:
    """Fork a child that has nothing open but its end of the channel and what is kept, and that never returns."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = place.cgroups.fork_into(place.name)
    if pid:
        theirs.close()
        return Channel(ours), pid
    try:
        gc.disable()  # a collection would touch, and so copy, every page that is shared with the helper
        ours.detach()  # its number is closed below; the object must not close it a second time
        syscalls.close_all_but({0, 1, 2, theirs.fileno(), *program.streams, *kept})
        _report(Channel(theirs), child)
    finally:
        os._exit(1)


def _report(channel: Channel, child: Callable[[Channel], None]) -> None:
    """Run the child's part; what it can't do becomes the packet that the helper makes a refusal of."""
    try:
        child(channel)
    except OSError as error:
        channel.send(f"failed {error.strerror or error}")
    except Exception as error:  # our own fault; the helper's log has only this of it
        channel.send(f"failed {type(error).__name__}: {error}")


def _attempt(channel: Channel, outer: int, place: Place, mapping: Iterable[int]) -> Steps:
    """All of the helper's side; whatever goes wrong, what had been started is killed and reaped."""
    held: dict[int, int] = {}
    try:
        _hold(outer, held, place)
        yield from mapping
        return (yield from _adopt(channel, outer, held, place))
    except (OSError, ProtocolError) as error:
        for pid, pidfd in held.items():
            syscalls.kill(pidfd)
            yield pidfd
            _let_go(pid, pidfd, place)
        raise error if isinstance(error, ProtocolError) else ProtocolError("start_failed", reason=str(error)) from error
    finally:
        channel.end.close()


def _hold(pid: int, held: dict[int, int], place: Place) -> int:
    """Take a pidfd of a child that we will reap."""
    held[pid] = os.pidfd_open(pid)
    place.children.add(pid)
    return held[pid]


def _let_go(pid: int, pidfd: int, place: Place) -> None:
    """Reap a child that has ended."""
    syscalls.reap(pidfd)
    os.close(pidfd)
    place.children.discard(pid)


def _map(channel: Channel, outer: int, place: Place) -> Generator[int, None, None]:
    """Give a new user namespace its identities, its network and its image."""
    yield from channel.await_word("unshared")
    _map_identities(outer, place.base)
    channel.send("mapped")
    if place.plug:
        yield from channel.await_word("plug")
        place.plug.put_into(outer)
        channel.send("plugged")
    if not place.base:
        return
    yield from channel.await_word("image")
    lower = _mapped_image(place.image, outer)
    try:
        channel.send("image", lower)
    finally:
        os.close(lower)


def _adopt(channel: Channel, outer: int, held: dict[int, int], place: Place) -> Steps:
    """Become the inner child's parent, let it go on, and see it become its program; `held` has what to kill if not."""
    yield from _word_or_end(channel, held[outer])
    born, _ = channel.expect("born")
    inner = _hold(int(born), held, place)
    yield held[outer]
    _let_go(outer, held.pop(outer), place)
    channel.send("go")
    _, masters = yield from channel.await_word("exec")
    yield channel.end.fileno()
    packet, _ = channel.receive()
    if packet:
        raise _refusal(packet)
    return Started(int(born), inner, masters[0] if masters else None)


def _word_or_end(channel: Channel, pidfd: int) -> Generator[int, None, None]:
    """Wait for a word; raises ProtocolError where the child ends without it, for its own child holds the channel open too."""
    with select.epoll() as either:
        either.register(channel.end.fileno(), select.EPOLLIN)
        either.register(pidfd, select.EPOLLIN)
        yield either.fileno()
        if channel.end.fileno() not in dict(either.poll(0)):
            raise _refusal("")


def _refusal(packet: str) -> ProtocolError:
    """The refusal that a child's last packet stands for."""
    word, _, rest = packet.partition(" ")
    if word in ("command_not_found", "command_not_executable"):
        return ProtocolError(word, command=rest)
    return ProtocolError("start_failed", reason=rest if word == "failed" else "the program died before it began")


def _map_identities(pid: int, base: int) -> None:
    """Write the child's identity maps.

    Safe: a range of root's begins at 2**31, where no host account is, and never holds host uid 0; an ordinary user can map
    no identity but the user's own, which the kernel holds to (user_namespaces(7)).
    """
    if base:
        maps = {"uid_map": f"0 {base} {IDENTITIES}", "gid_map": f"0 {base} {IDENTITIES}"}
    else:
        maps = {"setgroups": "deny", "uid_map": f"0 {os.geteuid()} 1", "gid_map": f"0 {os.getegid()} 1"}
    for file, text in maps.items():
        with open(f"/proc/{pid}/{file}", "w") as opened:
            opened.write(text)


def _mapped_image(image: str, pid: int) -> int:
    """A copy of the image's mount in which root's files are the sandbox's root's.

    Safe: the copy is mounted nowhere, and the image holds nothing but what the helper put there.
    """
    namespace = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    try:
        lower = syscalls.clone_mount(image)
        syscalls.set_mount_attributes(lower, syscalls.MOUNT_ATTR_IDMAP, namespace)
        return lower
    finally:
        os.close(namespace)


def _outer(channel: Channel, place: Place, program: Program) -> None:
    """The child that makes the namespaces."""
    walk = place.walk
    walk.stop("why_join")
    place.cgroups.join(place.name)
    walk.stop("why_unshare")
    syscalls.unshare(syscalls.NAMESPACES)
    walk.stop("why_maps")
    channel.send("unshared")
    channel.expect("mapped")
    if place.plug:
        walk.stop("why_plug")
        channel.send("plug")
        channel.expect("plugged")
    walk.stop("why_idmap")
    lower = _receive_image(channel, place)
    walk.stop("why_identity")
    _take_identity(place.base)
    walk.stop("why_second_fork")
    _beget(channel, lambda: _inner(channel, place, program, lower))


def _receive_image(channel: Channel, place: Place) -> int | str:
    """The image, as the helper maps it; its path where there is only one identity."""
    if not place.base:
        return place.image
    channel.send("image")
    return channel.expect("image")[1][0]


def _joiner(channel: Channel, place: Place, pidfd: int, program: Program) -> None:
    """The child that joins the namespaces of a sandbox.

    Safe: it is not dumpable, so that the sandbox's root can't trace it or open its descriptors, of which it has only its
    own streams; the cgroups are joined first, so that the sandbox's limits hold from the first moment inside.
    """
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    place.cgroups.join(place.name)
    syscalls.setns(pidfd, syscalls.NAMESPACES)
    os.close(pidfd)
    _take_identity(place.base)
    _beget(channel, lambda: _become(channel, place, program, "/dev/pts"))


def _take_identity(base: int) -> None:
    """Become root of the user namespace: an identity that outside of it is nobody's (or, without root, the user).

    Not dumpable, so that the sandbox's root can't trace it; the user, whose own process it is without root, may look at it.
    """
    if base:
        os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    if base:
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)


def _beget(channel: Channel, inner: Callable[[], None]) -> None:
    """Fork the inner child, which is in the new PID namespace, and leave it to the helper."""
    pid = os.fork()
    if pid:
        channel.send(f"born {pid}")
        os._exit(0)
    inner()


def _inner(channel: Channel, place: Place, program: Program, lower: int | str) -> None:
    """PID 1: its file systems, its names, then the program."""
    os.umask(0o022)
    walk = place.walk
    hosts = syscalls.clone_mount(place.plug.hosts) if place.plug else -1  # now, since the new root will cover it
    walk.stop("why_overlay")
    root = rootfs.make_root(place.over, lower)
    walk.stop("why_mounts")
    rootfs.mount_own(root, bool(place.base))
    rootfs.mount_cgroups(root, place.cgroups.mounted)
    walk.stop("why_mask")
    rootfs.mask(root)
    walk.stop("why_hostname")
    rootfs.write_names(root, program.hostname)
    socket.sethostname(program.hostname)
    walk.stop("why_loopback")
    confine.raise_interface("lo")
    if place.plug:
        confine.raise_interface(INTERFACE)
        confine.take_address(INTERFACE, place.plug.address, PREFIX)
        rootfs.mount_hosts(root, hosts)
    _become(channel, place, program, f"{root}/dev/pts", root)


def _become(channel: Channel, place: Place, program: Program, pts: str, root: str = "") -> NoReturn:
    """Terminal or streams, a session, restrictions, exec."""
    os.umask(0o022)
    walk = place.walk
    walk.stop("why_setsid")
    os.setsid()
    walk.stop("why_terminal")
    masters, streams = [], program.streams
    if program.terminal:
        master, slave = confine.open_terminal(pts, program.rows, program.columns)
        masters, streams = [master], (slave, slave, slave)
    if root:
        if program.terminal:
            rootfs.bind_console(root)
        walk.stop("why_pivot")
        rootfs.enter(root)
    walk.stop("why_streams")
    confine.take_streams(streams, program.terminal)
    environment = confine.environment(place.instance, program.hostname, program.variables)
    confine.restrict(program.capabilities, walk.stop)
    walk.stop("why_die_together")
    channel.expect("go")
    # Only now is the helper the parent whose death counts; one that died before is noticed by the send.
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    walk.stop("why_close")
    syscalls.close_all_but({0, 1, 2, channel.end.fileno(), *masters, *walk.descriptors})
    walk.stop("why_exec")
    channel.send("exec", *masters)
    try:
        confine.execute(program.command, environment)
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        channel.send(f"command_not_{'found' if missing else 'executable'} {program.command[0]}")
        os._exit(127 if missing else 126)
