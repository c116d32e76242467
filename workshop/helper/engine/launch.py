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
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from ...protocol import Exec, ProtocolError, Run
from ..kernel import capabilities, confine, rootfs, syscalls
from ..kernel.cgroups import Cgroups
from ..kernel.identities import map_identities, mapped_copy, take_identity, unshare_as
from .networks import INTERFACE, PREFIX, Plug
from .stepping import Straight

MOST_LAYERS = 48
"""So many descriptors come in one packet, and so many names fit into overlay's options."""


@dataclass(frozen=True)
class Program:
    """What to run: what its sandbox was asked to be, what was asked of this program of it, and its streams.

    `asked` is the same for the sandbox's own program. `streams` are stdin, stdout and stderr; () where it opens a terminal.
    """

    sandbox: Run
    asked: Run | Exec
    streams: tuple[int, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where to run it: the sandbox's name in the cgroups, its image, its identities (0: the user's own one).

    `layers` holds the directories that make the image, topmost first, by the names under which the sandbox shows them.
    """

    instance: str
    cgroups: Cgroups
    name: str
    layers: Mapping[str, str]
    base: int
    over: str
    children: set[int]
    """Pids of the children that somebody will reap."""
    walk: Straight = field(default_factory=Straight)
    plug: Plug | None = None
    """What connects it to a network; nothing but loopback without."""


@dataclass(frozen=True)
class Started:
    """A running program: its pid on the host, a pidfd, its terminal's master if it has a terminal.

    `upper` is the directory of a new sandbox's own layer, -1 for a program that joined one.
    """

    pid: int
    pidfd: int
    master: int | None
    upper: int = -1


Steps = Generator[int, None, Started]
"""A start in progress: it yields each descriptor that has to become readable before it can go on, since nothing may block
the helper: a child that has joined a sandbox's groups can be as slow as that sandbox's limits make it."""


class Channel:
    """Packets between the helper and a child that it is starting, with descriptors beside them."""

    def __init__(self, end: socket.socket) -> None:
        """One end of a socket pair."""
        self.end = end

    def send(self, word: str, *descriptors: int) -> None:
        """Send a word; raises ProtocolError where the other side is gone, with the last word that it left."""
        try:
            socket.send_fds(self.end, [word.encode()], descriptors)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _refusal(self.receive()[0]) from error

    def receive(self) -> tuple[str, list[int]]:
        """The next packet, empty at the end; raises OSError EMFILE where descriptors beside it found no room."""
        try:
            return self._receive()
        except ConnectionResetError:  # told once, of a side that went without reading all: what it said is still there
            return self._receive()

    def _receive(self) -> tuple[str, list[int]]:
        data, descriptors, flags, _ = socket.recv_fds(self.end, 4096, MOST_LAYERS, socket.MSG_CMSG_CLOEXEC)
        if flags & socket.MSG_CTRUNC:
            close(descriptors)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
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
    kept = (*program.streams, *place.walk.descriptors)
    channel, outer = fork(place, lambda channel: _outer(channel, place, program), *kept)
    return _attempt(channel, outer, place, _map(channel, outer, place))


def enter(place: Place, pidfd: int, program: Program) -> Steps:
    """Start one more program in the sandbox whose PID 1 the pidfd holds; raises ProtocolError as `start` does."""
    channel, outer = fork(place, lambda channel: _joiner(channel, place, pidfd, program), pidfd, *program.streams)
    return _attempt(channel, outer, place, ())


def fork(place: Place, child: Callable[[Channel], None], *kept: int) -> tuple[Channel, int]:
    """Fork a child that has nothing open but its end of the channel and what is kept, and that never returns."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = place.cgroups.fork_into(place.name)
    if pid:
        theirs.close()
        return Channel(ours), pid
    try:
        gc.disable()  # a collection would touch, and so copy, every page that is shared with the helper
        ours.detach()  # its number is closed below; the object must not close it a second time
        syscalls.close_all_but({0, 1, 2, theirs.fileno(), *kept})
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
        hold(outer, held, place)
        yield from mapping
        return (yield from _adopt(channel, outer, held, place))
    except (OSError, ProtocolError) as error:
        for pid, pidfd in held.items():
            syscalls.kill(pidfd)
            yield pidfd
            let_go(pid, pidfd, place)
        raise error if isinstance(error, ProtocolError) else ProtocolError("start_failed", reason=str(error)) from error
    finally:
        channel.end.close()


def hold(pid: int, held: dict[int, int], place: Place) -> int:
    """Take a pidfd of a child that we will reap."""
    held[pid] = os.pidfd_open(pid)
    place.children.add(pid)
    return held[pid]


def let_go(pid: int, pidfd: int, place: Place) -> None:
    """Reap a child that has ended."""
    syscalls.reap(pidfd)
    os.close(pidfd)
    place.children.discard(pid)


def _map(channel: Channel, outer: int, place: Place) -> Generator[int, None, None]:
    """Give a new user namespace its identities, its network and its image."""
    yield from channel.await_word("unshared")
    map_identities(outer, place.base)
    channel.send("mapped")
    if place.plug:
        yield from channel.await_word("plug")
        place.plug.put_into(outer)
        channel.send("plugged")
    if not place.base:
        return
    yield from channel.await_word("image")
    lowers: list[int] = []
    try:
        for directory in place.layers.values():
            lowers.append(mapped_copy(directory, outer))
        channel.send("image", *lowers)
    finally:
        close(lowers)


def _adopt(channel: Channel, outer: int, held: dict[int, int], place: Place) -> Steps:
    """Become the inner child's parent, let it go on, and see it become its program; `held` has what to kill if not."""
    yield from _word_or_end(channel, held[outer])
    born, _ = channel.expect("born")
    inner = hold(int(born), held, place)
    yield held[outer]
    let_go(outer, held.pop(outer), place)
    channel.send("go")
    _, descriptors = yield from channel.await_word("exec")
    try:
        yield channel.end.fileno()
        if packet := channel.receive()[0]:
            raise _refusal(packet)
    except (OSError, ProtocolError):
        close(descriptors)
        raise
    upper = descriptors.pop() if place.layers else -1
    return Started(int(born), inner, descriptors[0] if descriptors else None, upper)


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


def close(descriptors: Iterable[int]) -> None:
    """Close all of these."""
    for descriptor in descriptors:
        os.close(descriptor)


def _outer(channel: Channel, place: Place, program: Program) -> None:
    """The child that makes the namespaces."""
    walk = place.walk
    walk.stop("why_join")
    place.cgroups.join(place.name)
    walk.stop("why_unshare")
    unshare_as(place.base, syscalls.NAMESPACES)
    walk.stop("why_maps")
    channel.send("unshared")
    channel.expect("mapped")
    if place.plug:
        walk.stop("why_plug")
        channel.send("plug")
        channel.expect("plugged")
    walk.stop("why_idmap")
    layers = _receive_image(channel, place)
    walk.stop("why_identity")
    take_identity(place.base)
    walk.stop("why_second_fork")
    _beget(channel, lambda: _inner(channel, place, program, layers))


def _receive_image(channel: Channel, place: Place) -> Mapping[str, int | str]:
    """The image's layers, as the helper maps them; their paths where there is only one identity."""
    if not place.base:
        return place.layers
    channel.send("image")
    return dict(zip(place.layers, channel.expect("image")[1], strict=True))


def _joiner(channel: Channel, place: Place, pidfd: int, program: Program) -> None:
    """The child that joins the namespaces of a sandbox.

    Safe: it is not dumpable, so that the sandbox's root can't trace it or open its descriptors, of which it has only its
    own streams; the cgroups are joined first, so that the sandbox's limits hold from the first moment inside.
    """
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    place.cgroups.join(place.name)
    syscalls.setns(pidfd, syscalls.NAMESPACES)
    os.close(pidfd)
    take_identity(place.base)
    _beget(channel, lambda: _become(channel, place, program, "/dev/pts"))


def _beget(channel: Channel, inner: Callable[[], None]) -> None:
    """Fork the inner child, which is in the new PID namespace, and leave it to the helper."""
    pid = os.fork()
    if pid:
        channel.send(f"born {pid}")
        os._exit(0)
    inner()


def _inner(channel: Channel, place: Place, program: Program, layers: Mapping[str, int | str]) -> None:
    """PID 1: its file systems, its names, then the program."""
    os.umask(0o022)
    walk = place.walk
    hosts = syscalls.clone_mount(place.plug.hosts) if place.plug else -1  # now, since the new root will cover it
    walk.stop("why_overlay")
    root = rootfs.make_root(place.over, layers)
    upper = os.open(f"{place.over}/upper", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    walk.stop("why_mounts")
    rootfs.mount_own(root, bool(place.base))
    rootfs.mount_cgroups(root, place.cgroups.mounted)
    walk.stop("why_mask")
    rootfs.mask(root)
    walk.stop("why_hostname")
    rootfs.write_names(root, program.sandbox.hostname)
    socket.sethostname(program.sandbox.hostname)
    walk.stop("why_loopback")
    confine.raise_interface("lo")
    if place.plug:
        confine.raise_interface(INTERFACE)
        confine.take_address(INTERFACE, place.plug.address, PREFIX)
        rootfs.mount_hosts(root, hosts)
    _become(channel, place, program, f"{root}/dev/pts", root, upper)


def _become(channel: Channel, place: Place, program: Program, pts: str, root: str = "", *told: int) -> NoReturn:
    """Terminal or streams, a session, restrictions, exec; the helper gets the descriptors that it is to be told."""
    os.umask(0o022)
    walk = place.walk
    walk.stop("why_setsid")
    os.setsid()
    walk.stop("why_terminal")
    masters, streams = [], program.streams
    if program.asked.terminal:
        master, slave = confine.open_terminal(pts, program.asked.rows, program.asked.columns)
        masters, streams = [master], (slave, slave, slave)
    if root:
        if program.asked.terminal:
            rootfs.bind_console(root)
        walk.stop("why_pivot")
        rootfs.enter(root)
    walk.stop("why_streams")
    confine.take_streams(streams, program.asked.terminal)
    environment = confine.environment(place.instance, program.sandbox.hostname, program.sandbox.variables)
    confine.restrict(capabilities.left(program.sandbox.dropped), walk.stop)
    walk.stop("why_die_together")
    channel.expect("go")
    # Only now is the helper the parent whose death counts; one that died before is noticed by the send.
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    walk.stop("why_close")
    syscalls.close_all_but({0, 1, 2, channel.end.fileno(), *masters, *told, *walk.descriptors})
    walk.stop("why_exec")
    channel.send("exec", *masters, *told)
    try:
        confine.execute(program.asked.command, environment)
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        channel.send(f"command_not_{'found' if missing else 'executable'} {program.asked.command[0]}")
        os._exit(127 if missing else 126)
