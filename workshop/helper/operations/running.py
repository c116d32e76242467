"""Operations on a sandbox that runs: freeze it, let it go on, read what it printed."""

from __future__ import annotations

import time
from collections.abc import Callable

from ... import protocol
from ...protocol import Done, Printed, ProtocolError
from ..engine.sandbox import Sandbox
from ..engine.sandboxes import AGAIN_SECONDS, Sandboxes
from .answers import DONE, Answer, Caller

FREEZE_SECONDS = 10.0
"""A process that the kernel can't stop just now, waiting for a disk, say, keeps a freezer waiting."""


def pause(sandboxes: Sandboxes, caller: Caller, request: protocol.Pause) -> None:
    """Freeze it; the answer comes when it is frozen."""
    sandbox = sandboxes.running(caller.uid, request.container)
    if not sandboxes.home.cgroups.mounted:
        raise ProtocolError("pause_impossible")
    if sandbox.paused:
        raise ProtocolError("already_paused", container=sandbox.name)
    _freeze(sandboxes, sandbox, caller.answer_later(request), time.monotonic() + FREEZE_SECONDS)


def _freeze(sandboxes: Sandboxes, sandbox: Sandbox, answer: Callable[[Answer[Done] | Exception], None], deadline: float) -> None:
    """Try, and look again a little later, until it is frozen, has ended, or has not been frozen for too long."""
    cgroups = sandboxes.home.cgroups
    try:
        cgroups.freeze(sandbox.id)
    except OSError as error:
        answer(_not_frozen(sandbox, str(error)))
        return
    if sandbox.paused:
        answer(DONE)
    elif time.monotonic() > deadline:
        cgroups.thaw(sandbox.id)
        answer(_not_frozen(sandbox, "it took too long"))
    else:
        sandboxes.home.loop.later(AGAIN_SECONDS, lambda: _freeze(sandboxes, sandbox, answer, deadline))


def _not_frozen(sandbox: Sandbox, reason: str) -> ProtocolError:
    """Why it is not: it ended meanwhile, or this."""
    if sandbox.pidfd < 0:
        return ProtocolError("not_running", container=sandbox.name)
    return ProtocolError("pause_failed", container=sandbox.name, reason=reason)


def unpause(sandboxes: Sandboxes, caller: Caller, request: protocol.Unpause) -> Answer[Done]:
    """Thaw it, whoever froze it."""
    sandbox = sandboxes.running(caller.uid, request.container)
    if not sandbox.paused:
        raise ProtocolError("not_paused", container=sandbox.name)
    sandboxes.home.cgroups.thaw(sandbox.id)
    return DONE


def logs(sandboxes: Sandboxes, caller: Caller, request: protocol.Logs) -> Answer[Printed] | None:
    """What it printed, now or, if that is wanted, when there is something new."""
    sandbox = _followed(caller, request) or sandboxes.find(caller.uid, request.container)
    if not sandbox.wanted.detach:
        raise ProtocolError("no_log", container=sandbox.name)
    caller.followed = request.container, sandbox
    log = sandbox.log
    if request.wait and not log.ended and log.end <= request.start:
        answer = caller.answer_later(request)
        log.when_more(lambda: answer(_printed(sandbox, request.start)), caller.is_open)
        return None
    return _printed(sandbox, request.start)


def _followed(caller: Caller, request: protocol.Logs) -> Sandbox | None:
    """The one that this connection reads on: with `--rm` it may be off the list before all that it printed was told."""
    reference, sandbox = caller.followed or ("", None)
    return sandbox if request.wait and request.container == reference else None


def _printed(sandbox: Sandbox, start: int) -> Answer[Printed]:
    pieces = tuple((stream, data.decode("latin-1")) for stream, data in sandbox.log.since(start))
    return Answer(Printed(pieces, sandbox.log.end, sandbox.log.ended))
