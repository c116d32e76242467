"""What a face shows of a learner at one moment: frozen, so that whoever draws it sees one moment only. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..course import Step, StepText, Typed
from ..facts import Facts, Measured
from ..judging import Verdict
from .position import Position
from .wording import Wording


@dataclass(frozen=True)
class Snapshot:
    """One moment. `message` is the verdict's sentence, '' before there is one; `results` what experiments came to.

    `predicted` is the choice that the step has just settled, '' where it settles none or has not passed; `unsaved` why
    progress is not being saved, '' where it is; `moved_aside` where a record that could not be read was put.
    """

    position: Position
    wording: Wording
    hints_given: int = 0
    verdict: Verdict | None = None
    message: str = ""
    results: tuple[Measured, ...] = ()
    predicted: str = ""
    unsaved: str = ""
    moved_aside: Path | None = None

    @property
    def step(self) -> Step:
        """The current step."""
        return self.position.step

    @property
    def facts(self) -> Facts | None:
        """The latest look, None before one."""
        return self.position.facts

    @property
    def language(self) -> str:
        """The learner's language."""
        return self.wording.language

    @property
    def begun(self) -> bool:
        """False for a learner of whom nothing is recorded yet."""
        return bool(self.position.past)

    @cached_property
    def text(self) -> StepText:
        """The current step's words."""
        return self.wording.text(self.step, self.facts)

    @property
    def introduction(self) -> str:
        """The lesson's own, on its first step; '' on every other one."""
        lesson = self.position.lesson
        return self.wording.lesson(lesson).introduction if self.step is lesson.steps[0] else ""

    @property
    def lines(self) -> tuple[Typed, ...]:
        """What to type to solve the current step."""
        return self.wording.lines(self.step)

    @property
    def settled(self) -> tuple[str, str] | None:
        """After a passed step that settles a prediction: what was predicted, and what came true."""
        if not self.predicted:
            return None
        asked = self.position.lesson.step(self.step.settles)
        return self.wording.choice(asked, self.predicted), self.wording.choice(asked, asked.right)
