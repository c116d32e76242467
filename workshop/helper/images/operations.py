"""The operations on images: names and layers, which come and go through pipes (see `transfers`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import Any

from ... import facts, protocol
from ...protocol import ProtocolError
from .. import launch, syscalls
from ..answers import Answer, Caller
from ..loop import Task
from ..sandboxes import Sandboxes
from . import transfers
from .layers import DIGEST
from .store import ALL_BYTES, LAYER_BYTES, Images
from .transfers import Transfer

ROOT_BYTES = 4 << 30
"""How large a layer of root's may be."""


def image_facts(sandboxes: Sandboxes, caller: Caller) -> tuple[facts.Image, ...]:
    """The images that the caller may use, as facts. To look makes none."""
    known = sandboxes.home.images.made(caller.uid)
    return tuple(facts.Image(one.name, one.id, tuple(one.layers), one.size, one.created) for one in known)


def _images(sandboxes: Sandboxes, caller: Caller, _: protocol.Images) -> Answer:
    return Answer({"images": [one.told() for one in sandboxes.home.images.of(caller.uid)]})


def _image(sandboxes: Sandboxes, caller: Caller, request: protocol.Image) -> Answer:
    found = sandboxes.home.images.find(caller.uid, request.image)
    return Answer({**found.told(), "config": found.config})


def _layer(sandboxes: Sandboxes, caller: Caller, request: protocol.Layer) -> Answer:
    archive = sandboxes.home.images.holding(caller.uid, request.digest).archive(request.digest)
    return Answer({}, (os.open(archive, os.O_RDONLY | os.O_CLOEXEC),))


def _register(sandboxes: Sandboxes, caller: Caller, request: protocol.Register) -> Answer:
    image = sandboxes.home.images.register(caller.uid, request.name, request.config)
    return Answer({"id": image.id, "name": image.name})


def _unregister(sandboxes: Sandboxes, caller: Caller, request: protocol.Unregister) -> Answer:
    images = sandboxes.home.images
    running = [one.stack.id for one in sandboxes.all.values() if one.running and one.owner == caller.uid]
    last = images.remove(caller.uid, request.image, running)
    if last:
        _sweep(sandboxes, caller.uid)
    return Answer({"last": last})


def _unpack(sandboxes: Sandboxes, caller: Caller, request: protocol.Unpack) -> Answer | None:
    _require_idle(caller)
    if not DIGEST.fullmatch(request.digest):
        raise ProtocolError("bad_digest", digest=request.digest)
    if _is_there(sandboxes.home.images, caller.uid, request.digest):
        return Answer({"present": True})
    most = _room(sandboxes, caller.uid)
    if caller.uid in sandboxes.home.images.unpacking:
        raise ProtocolError("one_layer_at_a_time")
    source, client = os.pipe2(os.O_CLOEXEC)
    _begin_unpacking(sandboxes, caller, source, request.digest, most)
    return Answer({"present": False}, (client,))


def _begin_unpacking(sandboxes: Sandboxes, caller: Caller, source: int, digest: str, most: int) -> None:
    """Have a confined child read the pipe, and keep what it made of it or remove it."""
    home, name = sandboxes.home, os.urandom(32).hex()
    layers = home.images.layers(caller.uid)
    transfer = caller.transfer = Transfer()
    order = transfers.Order(source, digest, most, layers.begin())
    base = 0 if os.geteuid() else transfers.IDENTITIES_BASE
    place = launch.Place(home.instance, home.cgroups, name, {}, base, home.directory, sandboxes.children)

    def finish(outcome: Exception | None) -> None:
        if outcome is None:
            layers.keep(order.making, digest)
        else:
            _remove_trees(sandboxes, [layers.discard(order.making)])
        home.images.unpacking.discard(caller.uid)
        sandboxes.sweep(name, lambda: transfer.end(outcome))

    home.images.unpacking.add(caller.uid)
    _go(sandboxes, transfers.unpack(place, order), finish)


def _pack(sandboxes: Sandboxes, caller: Caller, request: protocol.Pack) -> Answer:
    _require_idle(caller)
    sandbox = sandboxes.running(caller.uid, request.container)
    client, target = os.pipe2(os.O_CLOEXEC)
    transfer = caller.transfer = Transfer()
    steps = transfers.pack(sandboxes.place(sandbox), sandbox.pidfd, sandbox.upper, target)
    _go(sandboxes, steps, transfer.end)
    return Answer({}, (client,))


def _go(sandboxes: Sandboxes, steps: transfers.Steps, finish: Callable[[Exception | None], None]) -> None:
    """Go through the steps, for so long as a layer may take."""
    late = ProtocolError("transfer_failed", reason=f"it took more than {transfers.SECONDS:.0f} seconds")
    Task(sandboxes.home.loop, steps, finish).fail(late, after=transfers.SECONDS)


def _transferred(_: Sandboxes, caller: Caller, __: protocol.Transferred) -> Answer | None:
    transfer = caller.transfer
    if transfer is None:
        raise ProtocolError("no_transfer")
    if not transfer.ended:
        answer = caller.answer_later()
        transfer.waiter = lambda: answer(_outcome(caller, transfer))
        return None
    outcome = _outcome(caller, transfer)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _outcome(caller: Caller, transfer: Transfer) -> Answer | Exception:
    """How a transfer ended, told once."""
    caller.transfer = None
    return transfer.error or Answer()


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


def _room(sandboxes: Sandboxes, owner: int) -> int:
    """Bytes that one more layer may have; raises ProtocolError `images_full` where nothing is left."""
    if owner == 0:
        return ROOT_BYTES
    layers = sandboxes.home.images.layers(owner)
    if layers.total() + LAYER_BYTES > ALL_BYTES:
        _sweep(sandboxes, owner)
    left = ALL_BYTES - layers.total()
    if left <= 0:
        raise ProtocolError("images_full", maximum=ALL_BYTES)
    return min(LAYER_BYTES, left)


def _sweep(sandboxes: Sandboxes, owner: int) -> None:
    """Free the layers that nobody needs any more."""
    running = {layer for one in sandboxes.all.values() if one.running and one.owner == owner for layer in one.stack.layers}
    _remove_trees(sandboxes, sandboxes.home.images.sweep(owner, running))


def _remove_trees(sandboxes: Sandboxes, directories: Collection[str]) -> None:
    """Remove directories that have no name any more, in a child: thousands of files would keep everybody waiting."""
    if not directories:
        return
    pid = os.fork()
    if not pid:
        try:
            syscalls.close_all_but({0, 1, 2})
            import shutil  # noqa: PLC0415  # the helper itself stays small

            for directory in directories:
                shutil.rmtree(directory, ignore_errors=True)
        finally:
            os._exit(0)
    pidfd = os.pidfd_open(pid)
    sandboxes.children.add(pid)
    sandboxes.home.loop.watch(pidfd, lambda: _reap(sandboxes, pid, pidfd))


def _reap(sandboxes: Sandboxes, pid: int, pidfd: int) -> None:
    """A child that removed something has ended."""
    sandboxes.home.loop.forget(pidfd)
    syscalls.reap(pidfd)
    os.close(pidfd)
    sandboxes.children.discard(pid)


IMAGE_OPERATIONS: dict[type[Any], Callable[[Sandboxes, Caller, Any], Answer | None]] = {
    protocol.Images: _images,
    protocol.Image: _image,
    protocol.Layer: _layer,
    protocol.Register: _register,
    protocol.Unregister: _unregister,
    protocol.Unpack: _unpack,
    protocol.Pack: _pack,
    protocol.Transferred: _transferred,
}
