"""What needs images waits until everybody's is made: once, when somebody first asks, and nobody else waits for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from ... import protocol
from ...protocol import ProtocolError, Request
from ..confined import disk
from ..confined.disk import Taken
from ..engine import transfers
from ..engine.children import Place
from ..engine.loop import Task
from ..engine.sandboxes import Sandboxes
from ..kernel.troubles import contained
from .answers import Answer, Caller, Reply
from .images import settle

Told = TypeVar("Told")
NEEDING = (protocol.Run, protocol.Images, protocol.Image, protocol.Unregister)
"""What finds images by their names."""


def has_to_wait(sandboxes: Sandboxes, request: Request[object]) -> bool:
    """True for a request that needs images where everybody's is not made yet."""
    return isinstance(request, NEEDING) and not sandboxes.home.images.has_shared()


def when_baked(sandboxes: Sandboxes, caller: Caller, request: Request[Reply], act: Callable[[], Answer[Reply] | None]) -> None:
    """Answer with what `act` does once the image is made, or with why it was not; where nobody makes it yet, begin to."""
    answer = caller.answer_later(request)

    def go_on(failure: Exception | None) -> None:
        if failure:
            answer(failure)
        elif caller.is_open() and (outcome := _attempt(act)):
            answer(outcome)

    wanting = sandboxes.home.images.wanting
    wanting.append(go_on)
    if len(wanting) == 1:
        _begin(sandboxes)


def _attempt(act: Callable[[], Told]) -> Told | Exception:
    """What came of it, an error as well."""
    try:
        return act()
    except Exception as error:
        return error


def _begin(sandboxes: Sandboxes) -> None:
    """Have a confined child make the layer, for so long as a layer may take."""
    home, name = sandboxes.home, os.urandom(32).hex()
    base = 0 if os.geteuid() else transfers.BAKING_BASE
    place = Place(home.cgroups, name, base, home.directory)
    try:
        with disk.refusing():
            making = home.images.shared_layers().begin()
    except ProtocolError as error:
        _tell(sandboxes, error)
        return

    def finish(outcome: tuple[str, Taken] | Exception) -> None:
        failure = _keep(sandboxes, making, outcome)
        sandboxes.sweep(name, 0, lambda: _tell(sandboxes, failure))

    late = _failed(f"it took more than {transfers.SECONDS:.0f} seconds")
    Task(home.loop, transfers.bake(place, sandboxes.children, making), finish).fail(late, after=transfers.SECONDS)


def _keep(sandboxes: Sandboxes, making: str, outcome: tuple[str, Taken] | Exception) -> Exception | None:
    """Give the layer and the image their names, or have what is there of it removed; returns what went wrong."""
    images = sandboxes.home.images
    digest, made = ("", outcome) if isinstance(outcome, Exception) else outcome
    error = settle(sandboxes, images.shared_layers(), making, digest, made)
    if error is None:
        return _attempt(lambda: images.share(digest))
    if not isinstance(error, ProtocolError):
        return error
    failure = _failed(error.values.get("reason", error.slug))
    failure.__cause__ = outcome if isinstance(outcome, Exception) else error
    return failure


def _failed(reason: str | int) -> ProtocolError:
    """Why there is no image."""
    return ProtocolError("image_failed", image="busybox", reason=reason)


def _tell(sandboxes: Sandboxes, failure: Exception | None) -> None:
    """Let all who wait go on; whoever asks after a failure has it tried again."""
    wanting = sandboxes.home.images.wanting[:]
    sandboxes.home.images.wanting.clear()
    for go_on in wanting:
        contained(go_on, failure)
