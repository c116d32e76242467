"""The operations on images: names and layers, which come and go through pipes (see `transfers`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator
from typing import Any, NoReturn, TypeVar

from ... import facts, protocol
from ...protocol import Done, ImageDetails, ImageList, ProtocolError, Registered, Unpacking, Unregistered
from ..confined import disk, quota
from ..confined.disk import Taken
from ..confined.quota import Room
from ..engine import transfers
from ..engine.children import Place
from ..engine.image_store import Images
from ..engine.layers import DIGEST, Layers
from ..engine.loop import Task
from ..engine.sandboxes import Sandboxes
from ..engine.transfers import Transfer
from ..kernel import files, syscalls
from ..kernel.troubles import saying
from .answers import DONE, Answer, Caller

Told = TypeVar("Told")


def image_facts(sandboxes: Sandboxes, caller: Caller) -> tuple[facts.Image, ...]:
    """The images that the caller may use, as facts. To look makes none."""
    known = sandboxes.home.images.of(caller.uid)
    return tuple(facts.Image(one.name, one.id, tuple(one.layers), one.size, one.created) for one in known)


def _images(sandboxes: Sandboxes, caller: Caller, _: protocol.Images) -> Answer[ImageList]:
    return Answer(ImageList(tuple(one.info() for one in sandboxes.home.images.of(caller.uid))))


def _image(sandboxes: Sandboxes, caller: Caller, request: protocol.Image) -> Answer[ImageDetails]:
    found = sandboxes.home.images.find(caller.uid, request.image)
    return Answer(ImageDetails(*found.info(), found.config))


def _layer(sandboxes: Sandboxes, caller: Caller, request: protocol.Layer) -> Answer[Done]:
    archive = sandboxes.home.images.holding(caller.uid, request.digest).archive(request.digest)
    with disk.refusing():
        return Answer(Done(), (os.open(archive, os.O_RDONLY | os.O_CLOEXEC),))


def _register(sandboxes: Sandboxes, caller: Caller, request: protocol.Register) -> Answer[Registered]:
    image = sandboxes.home.images.register(caller.uid, request.name, request.config)
    _sweep(sandboxes, caller.uid)
    return Answer(Registered(image.id, image.name))


def _unregister(sandboxes: Sandboxes, caller: Caller, request: protocol.Unregister) -> Answer[Unregistered]:
    images = sandboxes.home.images
    running = [one.stack.id for one in sandboxes.all.values() if one.running and one.owner == caller.uid]
    last = images.remove(caller.uid, request.image, running)
    _sweep(sandboxes, caller.uid)
    return Answer(Unregistered(last))


def _unpack(sandboxes: Sandboxes, caller: Caller, request: protocol.Unpack) -> Answer[Unpacking]:
    _require_idle(caller)
    if not DIGEST.fullmatch(request.digest):
        raise ProtocolError("bad_digest", digest=request.digest)
    images = sandboxes.home.images
    if _is_there(images, caller.uid, request.digest):
        images.expect(caller.uid, request.digest, caller.is_open)
        return Answer(Unpacking(present=True))
    if caller.uid in images.unpacking:
        raise ProtocolError("one_layer_at_a_time")
    room = _room(sandboxes, caller.uid)
    with disk.refusing():
        order, client = _order(images, caller.uid, request.digest, room)
    _begin_unpacking(sandboxes, caller, order)
    return Answer(Unpacking(present=False), (client,))


def _order(images: Images, owner: int, digest: str, room: Room) -> tuple[transfers.Order, int]:
    """What is to be unpacked, and the other end of its pipe; raises OSError, and leaves nothing then."""
    making = images.layers(owner).begin()
    try:
        source, client = os.pipe2(os.O_CLOEXEC)
    except OSError:
        files.remove(making)
        raise
    return transfers.Order(source, digest, room, making), client


def _begin_unpacking(sandboxes: Sandboxes, caller: Caller, order: transfers.Order) -> None:
    """Have a confined child read the pipe, and keep what it made of it or remove it."""
    home, name = sandboxes.home, os.urandom(32).hex()
    transfer = caller.transfer = Transfer()
    base = 0 if os.geteuid() else transfers.IDENTITIES_BASE
    place = Place(home.cgroups, name, base, home.directory)

    def finish(outcome: Taken | Exception) -> None:
        home.images.unpacking.discard(caller.uid)
        error = settle(sandboxes, home.images.layers(caller.uid), order.making, order.digest, outcome)
        if error is None:
            home.images.expect(caller.uid, order.digest, caller.is_open)
        sandboxes.sweep(name, caller.uid, lambda: transfer.end(error))

    home.images.unpacking.add(caller.uid)
    _go(sandboxes, caller, transfers.unpack(place, sandboxes.children, order), finish)


def settle(sandboxes: Sandboxes, layers: Layers, making: str, digest: str, outcome: Taken | Exception) -> Exception | None:
    """Give a layer its name, or take its directory's away and have that removed; returns what went wrong."""
    if isinstance(outcome, Taken):
        try:
            gone = layers.keep(making, digest, outcome)
        except OSError as error:
            outcome = error
        else:
            _remove_trees(sandboxes, gone)
            return None
    with saying("what was to become a layer is left for the next start"):
        _remove_trees(sandboxes, [layers.discard(making)])
    return _refusal(outcome)


def _refusal(outcome: Exception) -> Exception:
    """What a caller is told of a transfer that failed: what the machine did not do is a refusal, too."""
    if isinstance(outcome, OSError):
        return ProtocolError("transfer_failed", reason=outcome.strerror or str(outcome))
    return outcome


def _pack(sandboxes: Sandboxes, caller: Caller, request: protocol.Pack) -> Answer[Done]:
    _require_idle(caller)
    sandbox = sandboxes.running(caller.uid, request.container)
    client, target = os.pipe2(os.O_CLOEXEC)
    transfer = caller.transfer = Transfer()
    steps = transfers.pack(sandboxes.place(sandbox), sandboxes.children, sandbox.pidfd, sandbox.upper, target)
    _go(sandboxes, caller, steps, lambda outcome: transfer.end(_refusal(outcome) if isinstance(outcome, Exception) else None))
    return Answer(Done(), (client,))


def _go(
    sandboxes: Sandboxes, caller: Caller, steps: Generator[int, None, Told], finish: Callable[[Told | Exception], None]
) -> None:
    """Go through the steps, for so long as a layer may take."""
    late = ProtocolError("transfer_failed", reason=f"it took more than {transfers.SECONDS:.0f} seconds")
    Task(sandboxes.home.loop, steps, finish, caller.uid).fail(late, after=transfers.SECONDS)


def _transferred(_: Sandboxes, caller: Caller, request: protocol.Transferred) -> Answer[Done] | None:
    transfer = caller.transfer
    if transfer is None:
        raise ProtocolError("no_transfer")
    if not transfer.ended:
        answer = caller.answer_later(request)
        transfer.waiter = lambda: answer(_outcome(caller, transfer))
        return None
    outcome = _outcome(caller, transfer)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _outcome(caller: Caller, transfer: Transfer) -> Answer[Done] | Exception:
    """How a transfer ended, told once."""
    caller.transfer = None
    return transfer.error or DONE


def _require_idle(caller: Caller) -> None:
    """Refuse a second transfer on one connection."""
    if caller.transfer and not caller.transfer.ended:
        raise ProtocolError("one_layer_at_a_time")


def _is_there(images: Images, owner: int, digest: str) -> bool:
    """True for a layer that this owner can use already."""
    try:
        images.holding(owner, digest)
    except ProtocolError:
        return False
    return True


def _room(sandboxes: Sandboxes, owner: int) -> Room:
    """What one more layer may have; raises ProtocolError `images_full` where nothing is left, though what can go has gone."""
    layers = sandboxes.home.images.layers(owner)
    if quota.is_short(owner, layers.taken()):
        _sweep(sandboxes, owner, short=True)
    return quota.room(owner, layers.taken())


def _sweep(sandboxes: Sandboxes, owner: int, short: bool = False) -> None:
    """Free the layers that nobody needs any more."""
    running = {layer for one in sandboxes.all.values() if one.running and one.owner == owner for layer in one.stack.layers}
    _remove_trees(sandboxes, sandboxes.home.images.sweep(owner, running, short))


def _remove_trees(sandboxes: Sandboxes, directories: Collection[str]) -> None:
    """Remove directories that have no name any more, in a child: thousands of files would keep everybody waiting."""
    if not directories:
        return
    with saying("layers that have no name any more are left for the next start"):
        pid = os.fork()
        if not pid:
            _remove_and_end(directories)
        pidfd = os.pidfd_open(pid)
        sandboxes.children.add(pid)
        sandboxes.home.loop.watch(pidfd, lambda: _reap(sandboxes, pid, pidfd))


def _remove_and_end(directories: Collection[str]) -> NoReturn:
    """The child's part; whatever happens, it does nothing that the helper would do at its own end."""
    try:
        syscalls.close_all_but({0, 1, 2})
        for directory in directories:
            with saying(f"{directory} is left for the next start"):
                files.remove(directory)
    finally:
        os._exit(0)


def _reap(sandboxes: Sandboxes, pid: int, pidfd: int) -> None:
    """A child that removed something has ended."""
    sandboxes.home.loop.forget(pidfd)
    syscalls.reap(pidfd)
    os.close(pidfd)
    sandboxes.children.discard(pid)


IMAGE_OPERATIONS: dict[type[Any], Callable[[Sandboxes, Caller, Any], Answer[Any] | None]] = {
    protocol.Images: _images,
    protocol.Image: _image,
    protocol.Layer: _layer,
    protocol.Register: _register,
    protocol.Unregister: _unregister,
    protocol.Unpack: _unpack,
    protocol.Pack: _pack,
    protocol.Transferred: _transferred,
}
