"""A step whose experiment the workshop runs: it is begun and stopped by a key, watched, drawn while it works, and kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from ...facts import Facts, Measured
from . import documents
from .look_loop import LookingScreen
from .session_thread import Trouble
from .widgets.lesson_pane import LessonPane
from .widgets.verdict_line import VerdictLine

if TYPE_CHECKING:
    from ...learning.experiments.run import Run

PROGRESS_SECONDS = 0.5
"""How often progress is shown and the chart drawn anew: drawing takes time from what is measured."""


class MeasuringScreen(LookingScreen):
    """A screen that can run one experiment at a time, beside its looking at the kernel."""

    def __init__(self) -> None:
        """Nothing is measured before `measure`."""
        super().__init__()
        self._run: Run | None = None

    @property
    def measuring(self) -> bool:
        """True while an experiment works."""
        return self._run is not None

    def measure(self) -> None:
        """Begin the step's experiment, or stop the one that works."""
        if self._run:
            self.stop_measuring()
        else:
            self.do(self._measure(), "measure", exclusive=True)

    def stop_measuring(self) -> None:
        """Let what works end where it is, and clean up."""
        if self._run:
            self._run.stop()

    def on_unmount(self) -> None:
        """The learner leaves; Python waits for the thread in which the experiment cleans up."""
        self.stop_measuring()

    async def _measure(self) -> None:
        session, desk = self.workshop.session, self.workshop.desk
        step = session.step
        self._run = run = await desk.ask(session.experiment)
        if run is None:  # not to be done now: the look has said why
            return
        self.label()
        try:
            result = await self._watched(run)
            if result and session.step is step:
                await desk.ask(session.keep, result)
        except Trouble as trouble:
            self.notify(str(trouble), severity="error", timeout=20, markup=False)
        finally:
            run.stop()
            self._run = None
        await self.show_chart()
        self.label()
        self.look()

    async def _watched(self, run: Run) -> Measured | None:
        """Let it work in a thread of its own; count and draw meanwhile. None where it was stopped; raises Trouble."""
        working = asyncio.ensure_future(self.workshop.desk.aside(run.complete))
        try:
            while not (await asyncio.wait({working}, timeout=PROGRESS_SECONDS))[0]:
                self.query_one(VerdictLine).count(run.done, run.expected, self.workshop.session.language)
                await self.show_chart()
            return await working
        finally:
            working.cancel()

    def silence(self) -> None:
        """There is no verdict to tell: say how the step is done."""
        session = self.workshop.session
        self.query_one(VerdictLine).silence(session.language, bool(session.step.experiment))

    def pictured(self, facts: Facts | None) -> Facts | None:
        """What the picture is drawn from: without the results that stand as a chart in the lesson already."""
        return replace(facts, measured=()) if facts and self.workshop.session.step.experiment else facts

    async def show_chart(self) -> None:
        """What the step's experiment came to, or has come to so far."""
        pane = self.query_one(LessonPane)
        await pane.show("chart", documents.chart(self.workshop.session.chart(pane.figure_width, self._run)))

    def label(self) -> None:
        """Say again where keys go and what they do."""
