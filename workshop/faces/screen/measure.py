"""A step whose experiment the workshop runs: it works beside the screen, is counted and drawn meanwhile, and can be stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...facts import Measured
from .lesson_side import LessonSide
from .session_thread import SessionThread

if TYPE_CHECKING:
    from ...learning.experiments.run import ExperimentRun

PROGRESS_SECONDS = 0.5
"""How often progress is shown and the chart drawn anew: drawing takes time from what is measured."""


class Measuring:
    """One experiment at a time: `run` is the one that works, None where none does."""

    def __init__(self, side: LessonSide) -> None:
        """Shown there."""
        self._side = side
        self.run: ExperimentRun | None = None

    def stop(self) -> None:
        """Let what works end where it is, and clean up."""
        if self.run:
            self.run.stop()

    async def result(self, run: ExperimentRun, thread: SessionThread) -> Measured | None:
        """What it comes to, worked out in a thread of its own; None where it was stopped; raises Trouble.

        However this ends, the experiment does too: Python waits for the thread in which it cleans up.
        """
        self.run = run
        working = asyncio.ensure_future(thread.aside(run.complete))
        try:
            while not (await asyncio.wait({working}, timeout=PROGRESS_SECONDS))[0]:
                await self._show(run, thread)
            return await working
        finally:
            working.cancel()
            run.stop()
            self.run = None

    async def _show(self, run: ExperimentRun, thread: SessionThread) -> None:
        """How far it is, and what it has come to so far."""
        self._side.verdict.count(run.done, run.expected, thread.now.language)
        await self._side.show_chart(thread.now, [run.measured()])
