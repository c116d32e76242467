"""Layers on their way between a caller's pipe and the disk, or being baked: by a child that is confined as a sandbox is.

An archive is never read or written by the helper itself: what goes wrong in it goes wrong for an identity that is nobody's,
which can write to nothing but the layer's directory, within the limits of a control group.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from ...protocol import Limits, ProtocolError
from ..confined import packing
from ..confined.disk import Taken
from ..confined.quota import Room
from ..kernel import confine, identities, rootfs, syscalls
from .channel import Channel, close
from .children import Place, fork, hold, let_go
from .layers import DIGEST

CAPABILITIES = (0, 1, 3)
"""chown, dac_override and fowner: to read and write files of every owner in the user namespace, and nothing else."""
LIMITS = Limits(memory=256 << 20, pids=4)
IDENTITIES_BASE = 2**32 - 2 * identities.IDENTITIES
"""The last range of host identities, far from the sandboxes': every unpacking child has it, and runs nothing but this."""
BAKING_BASE = IDENTITIES_BASE - identities.IDENTITIES
"""The range below it is the child's that bakes: nobody who unpacks an enemy's archive is the same to the kernel."""
BAKING_LIMITS = Limits(memory=256 << 20, pids=16)
"""It runs programs, some of which are scripts."""
SECONDS = 120.0
"""For one layer; a caller who takes longer is not listened to any more."""
_ALL_BUT_TWO = syscalls.NAMESPACES & ~(syscalls.CLONE_NEWPID | syscalls.CLONE_NEWCGROUP)


@dataclass
class Transfer:
    """A layer on its way in or out on one connection, until the caller has asked how it ended."""

    ended: bool = False
    error: Exception | None = None
    waiter: Callable[[], None] | None = None

    def end(self, error: Exception | None) -> None:
        """It is over; tell who waits."""
        self.ended, self.error = True, error
        if self.waiter:
            self.waiter()


@dataclass(frozen=True)
class Order:
    """What is to be unpacked: where it comes from, what its digest must be, what it may take, where it is made."""

    source: int
    digest: str
    room: Room
    making: str


def unpack(place: Place, children: set[int], order: Order) -> Generator[int, None, Taken]:
    """Fill a layer's directory from a pipe, and close that; returns what the layer's tree takes of the disk, where it is then.

    `children` are the pids of those that somebody will reap. Raises ProtocolError where it is not what was promised, or is
    refused, OSError where the machine does not do it.
    """
    with _closed(order.source):
        archive = os.open(f"{order.making}/layer.tar", os.O_RDWR | os.O_CLOEXEC)
        with _closed(archive):
            place.cgroups.make(place.name)
            place.cgroups.limit(place.name, LIMITS)
            channel, child = fork(place, lambda channel: _unpacker(channel, place, order, archive), order.source, archive)
    giving = _give_directory(channel, child, place, f"{order.making}/root")
    return _taken(json.loads((yield from _supervise(channel, child, children, giving))))


def pack(place: Place, children: set[int], pidfd: int, upper: int, target: int) -> Generator[int, None, str]:
    """Write the layer of the sandbox whose PID 1 the pidfd holds into a pipe, and close that.

    Raises ProtocolError `transfer_failed`, or OSError as `unpack` does.
    """
    with _closed(target):
        channel, child = fork(place, lambda channel: _packer(channel, place, pidfd, upper, target), pidfd, upper, target)
    return (yield from _supervise(channel, child, children, ()))


def bake(place: Place, children: set[int], making: str) -> Generator[int, None, tuple[str, Taken]]:
    """Fill a layer's directory with the machine's own programs; returns its digest, and what its tree takes of the disk.

    Raises ProtocolError `transfer_failed`, or OSError as `unpack` does.
    """
    archive = os.open(f"{making}/layer.tar", os.O_RDWR | os.O_CLOEXEC)
    with _closed(archive):
        place.cgroups.make(place.name)
        place.cgroups.limit(place.name, BAKING_LIMITS)
        channel, child = fork(place, lambda channel: _baker(channel, place, making, archive), archive)
    giving = _give_directory(channel, child, place, f"{making}/root")
    told = json.loads((yield from _supervise(channel, child, children, giving)))
    if not DIGEST.fullmatch(told["digest"]):  # it becomes a path
        raise ProtocolError("transfer_failed", reason="what was made has no digest")
    return told["digest"], _taken(told)


def _taken(told: Mapping[str, int]) -> Taken:
    """What a child says that a tree takes: whatever an archive made of the child, never less than nothing."""
    return Taken(max(0, int(told["disk"])), max(0, int(told["files"])))


@contextlib.contextmanager
def _closed(descriptor: int) -> Iterator[None]:
    """A descriptor that is the child's alone after this, or nobody's."""
    try:
        yield
    finally:
        os.close(descriptor)


def _supervise(channel: Channel, child: int, children: set[int], before: Iterable[int]) -> Generator[int, None, str]:
    """The helper's side: wait for the child's word, and see to it that nothing of the child stays; returns what it told."""
    held: dict[int, int] = {}
    try:
        held[child] = hold(child, children)
        yield from before
        yield held[child]
        return _outcome(channel.receive()[0])
    except (OSError, ProtocolError):
        for one in held.values():
            syscalls.kill(one)
            yield one
        raise
    finally:
        channel.end.close()
        for pid, one in held.items():
            let_go(pid, one, children)


def _give_directory(channel: Channel, child: int, place: Place, directory: str) -> Generator[int, None, None]:
    """Give the child its identities, and the one directory that it is to write in, as its own."""
    yield from channel.await_word("unshared")
    identities.map_identities(child, place.base)
    copies = [identities.mapped_copy(directory, child)] if place.base else []
    try:
        channel.send("mapped", *copies)
    finally:
        close(copies)


def _outcome(packet: str) -> str:
    """What a child told at its end; raises the refusal that its last word stands for. An error of its own is the reason."""
    word, _, rest = packet.partition(" ")
    if word == "refused":
        slug, values = json.loads(rest)
        raise ProtocolError(str(slug), **values)
    if word != "done":
        raise ProtocolError("transfer_failed", reason=rest if word == "failed" else "the process ended in the middle of it")
    return rest


def _unpacker(channel: Channel, place: Place, order: Order, archive: int) -> None:
    """The child that unpacks.

    Safe: it has nothing open but the pipe and the archive, its root is the layer's directory, its identity is nobody's.
    """
    from ..confined import unpacking  # noqa: PLC0415  # here alone, before there are no files to import: no sandbox needs it

    rootfs.be_alone_with(place.mount_point, _take_directory(channel, place, f"{order.making}/root"))
    confine.restrict(CAPABILITIES)

    def work() -> str:
        with open(order.source, "rb") as source, open(archive, "r+b") as file:
            unpacking.receive(source, file, order.digest, order.room)
            taken = unpacking.unpack(file, order.room, bool(place.base))
            syscalls.sync_file_system(file.fileno())  # here, where it keeps nobody waiting: a layer gets its name when it is safe
        return json.dumps(asdict(taken))

    _tell_outcome(channel, work)


def _take_directory(channel: Channel, place: Place, directory: str) -> int | str:
    """The child's side of `_give_directory`, after which it is nobody; returns the directory, or a copy of its mount."""
    place.cgroups.join(place.name)
    identities.unshare_as(place.base, _ALL_BUT_TWO)
    channel.send("unshared")
    _, copies = channel.expect("mapped")
    identities.take_identity(place.base)
    os.umask(0o022)
    return copies[0] if copies else directory


def _baker(channel: Channel, place: Place, making: str, archive: int) -> None:
    """The child that bakes, and runs programs of the machine's for that.

    Safe: it reads what any account may, and can write to nothing but the layer's directory and the archive; it has no
    capability, an identity that is nobody's, and dies with the helper, as the programs do with it.
    """
    from ..confined import baking  # noqa: PLC0415  # here alone, while it can be read: no sandbox needs it

    rootfs.write_only_to(place.mount_point, _take_directory(channel, place, f"{making}/root"))
    confine.restrict(())
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)

    def work() -> str:
        with open(archive, "r+b") as file:
            digest, taken = baking.bake(file)
        return json.dumps({"digest": digest, **asdict(taken)})

    _tell_outcome(channel, work)


def _packer(channel: Channel, place: Place, pidfd: int, upper: int, target: int) -> None:
    """The child that packs.

    Safe: it is what a process of the sandbox could be, with the sandbox's layer as its root; not in its PID namespace and
    not dumpable, so that the sandbox can't trace it.
    """
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    place.cgroups.join(place.name)
    syscalls.setns(pidfd, _ALL_BUT_TWO)
    identities.take_identity(place.base)
    os.fchdir(upper)
    os.chroot(".")
    confine.restrict(CAPABILITIES)

    def work() -> str:
        with open(target, "wb") as file:
            packing.write_archive(".", file)
        return ""

    _tell_outcome(channel, work)


def _tell_outcome(channel: Channel, work: Callable[[], str]) -> None:
    """Do it, and say how it ended."""
    try:
        told = work()
    except ProtocolError as error:
        channel.send(f"refused {json.dumps([error.slug, error.values])}")
    else:
        channel.send(f"done {told}")
