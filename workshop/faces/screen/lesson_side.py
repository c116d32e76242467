"""The lesson's side of a step: picture, text, field for an answer, verdict; what they show of a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Container

from ...course import StepText
from ...facts import Measured
from ...learning import Snapshot
from ...pictures import charts_of, drawn
from ...words import say
from . import documents
from .visit import Visit
from .widgets.answer_field import AnswerField
from .widgets.lesson_pane import LessonPane
from .widgets.picture import Picture
from .widgets.verdict_line import VerdictLine


class LessonSide(Container):
    """Shows what it is told to; looks at nothing by itself."""

    def __init__(self) -> None:
        """A skeleton: `furnish` fills it."""
        super().__init__(id="left")
        self.picture = Picture()
        self.pane = LessonPane()
        self.field = AnswerField()
        self.verdict = VerdictLine()

    def compose(self) -> ComposeResult:
        """One below the other."""
        yield from (self.picture, self.pane, self.field, self.verdict)

    async def show_step(self, now: Snapshot, visit: Visit) -> None:
        """Another step, or another language: all of it anew."""
        self.field.ask(now.step.takes_answer, say(now.language, "tui.answer_prompt"))
        await self.redraw(now, visit)
        await self.show_help(now, visit)

    async def redraw(self, now: Snapshot, visit: Visit) -> None:
        """What has figures, at the width that there is now."""
        await self.pane.show("body", self._body(now))
        await self.show_debrief(now, visit)
        await self.show_chart(now)

    def _body(self, now: Snapshot) -> str:
        """The step's own words, on a lesson's first step below its introduction."""
        return documents.body(self._drawn(now), now.introduction)

    def _drawn(self, now: Snapshot) -> StepText:
        """The step's words with their figures, as wide as the pane."""
        text, width = now.text, self.pane.figure_width
        body, debrief = (drawn(part, now.facts, now.language, width) for part in (text.body, text.debrief))
        return replace(text, body=body, debrief=debrief)

    async def show_debrief(self, now: Snapshot, visit: Visit) -> None:
        """What a step meant, once it is passed."""
        document = documents.debrief(self._drawn(now), now.settled, now.language) if visit.passed else ""
        await self.pane.show("debrief", document)

    async def show_help(self, now: Snapshot, visit: Visit) -> None:
        """Hints that were given, and the solution once it was asked for."""
        await self.pane.show("hints", documents.hints(now.text, now.hints_given, now.language))
        await self.pane.show("solution", documents.solution(now.text, now.lines, now.language) if visit.solution_shown else "")

    async def show_chart(self, now: Snapshot, running: Sequence[Measured] = ()) -> None:
        """What the step's experiment came to, or has come to so far."""
        results = {one.experiment: one for one in (*now.results, *running)}
        lines = charts_of(now.step.experiment, tuple(results.values()), now.language, self.pane.figure_width)
        await self.pane.show("chart", documents.chart(lines))

    def draw(self, now: Snapshot) -> None:
        """The live picture, without the results that stand as a chart in the lesson already."""
        facts = replace(now.facts, measured=()) if now.facts and now.step.experiment else now.facts
        self.picture.draw(facts, now.language, now.position.covered)

    async def tell(self, now: Snapshot, visit: Visit) -> None:
        """Say the verdict; what a question asks about may have come or gone."""
        if now.step.ask:
            await self.pane.show("body", documents.body(now.text, ""))
        if now.verdict and visit.is_news(now.verdict):
            self.verdict.tell(now.verdict.kind, now.message, now.language)
        else:
            self.silence(now)

    def silence(self, now: Snapshot) -> None:
        """There is no verdict to tell: say how the step is done."""
        self.verdict.silence(now.language, bool(now.step.experiment))

    def open_field(self, now: Snapshot) -> None:
        """No field where an answer could not count, because the step is impossible here or its turn has not come."""
        shut = now.verdict is not None and now.verdict.kind in ("blocked", "impossible")
        self.field.display = now.step.takes_answer and not shut
