"""What a step needs and is gone is typed again, one need after the other, as each builds on those before."""

from __future__ import annotations

import asyncio

from ...course import Typed
from ...learning import Desk
from .look_loop import LookLoop
from .session_thread import SessionThread
from .widgets.terminals import Terminals

REBUILD_SECONDS = 20.0
"""How long lines that were typed for the learner may take to bring back what a step needs."""


async def typed_again(
    lines: tuple[Typed, ...], thread: SessionThread, desk: Desk, terminals: Terminals, looks: LookLoop
) -> tuple[Typed, ...]:
    """Type these lines and what is lacking after them, until nothing is, and have the step begin from there.

    Returns lines that did not do their work, () where all did; raises Trouble.
    """
    typed: list[tuple[Typed, ...]] = []
    while lines and lines not in typed:
        typed.append(lines)
        await terminals.type_lines(lines)
        lines = await _outcome(lines, thread, desk, looks)
    if typed and not lines:
        await thread.ask(desk.rebuilt)
    return lines


async def _outcome(typed: tuple[Typed, ...], thread: SessionThread, desk: Desk, looks: LookLoop) -> tuple[Typed, ...]:
    """What is to be typed after these lines have done their work; the same lines if they do none in time."""
    try:
        async with asyncio.timeout(REBUILD_SECONDS):
            while (lines := await thread.ask(desk.rebuild)) == typed:
                await looks.next()
    except TimeoutError:
        return typed
    return lines
