"""Where one is: the current step among all of them, what has happened so far, and what lies beside. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..course import Lesson, Library, Step
from ..facts import Facts
from ..judging import missing
from ..progress import Past, impossible_of, passed_of
from .review import due


@dataclass(frozen=True)
class Count:
    """How many steps are passed, of how many that can be, and how many are impossible here."""

    passed: int
    possible: int
    impossible: int

    @property
    def is_complete(self) -> bool:
        """Nothing is left that can be done."""
        return self.passed == self.possible


@dataclass(frozen=True)
class Position:
    """`past` are all events in order, `facts` the latest look, by which a step may be impossible here; None before one."""

    library: Library
    step: Step
    past: tuple[Past, ...] = ()
    facts: Facts | None = None

    @cached_property
    def passed(self) -> frozenset[str]:
        """Names of the steps that ever passed."""
        return passed_of(self.past)

    @cached_property
    def impossible(self) -> frozenset[str]:
        """Names of the steps that were found to be impossible on this machine, and never passed."""
        return impossible_of(self.past) - self.passed

    @property
    def covered(self) -> frozenset[str]:
        """Parts of the picture that would answer what is still to be found out in this lesson."""
        open_steps = (step for step in self.lesson.steps if step.where not in self.passed | self.impossible)
        return frozenset(part for step in open_steps for part in step.covers)

    @property
    def lesson(self) -> Lesson:
        """The lesson of the current step."""
        return self.library.lesson(self.step.lesson)

    def state(self, step: Step) -> str:
        """`passed` | `impossible` (here) | `current` | `open` | `blocked` (a step before it in its lesson is not done)."""
        if step.where in self.passed:
            return "passed"
        if step.where in self.impossible:
            return "impossible"
        if step is self.step:
            return "current"
        return "blocked" if self.undone_before(step) else "open"

    def undone_before(self, step: Step) -> Step | None:
        """The first earlier step of the lesson that is neither passed nor impossible here."""
        for earlier in self.library.lesson(step.lesson).steps:
            if earlier.id == step.id or step.ask:  # questions of the review have no order
                return None
            if earlier.where not in self.passed and not self._impossible(earlier):
                return earlier
        return None

    def _impossible(self, step: Step) -> bool:
        return self.facts is not None and missing(step.requires, self.facts) != ""

    def count(self, steps: Collection[Step]) -> Count:
        """How far one is with these steps."""
        states = Counter(map(self.state, steps))
        return Count(states["passed"], len(steps) - states["impossible"], states["impossible"])

    def due(self, lesson: Lesson, now: float) -> list[Step]:
        """The questions of a review that are due at this time (epoch seconds), the most urgent first; of another lesson none."""
        return due(lesson.questions, self.past, now) if lesson.questions else []

    def beside(self, where: str, by: int, now: float) -> str | None:
        """The step so many places after this one, before it where negative, across lessons; None beyond either end.

        Within a review its steps that ask nothing come first, then what is due now, and nothing where nothing is due.
        """
        order = [step.where for step in self.library.steps]
        place = order.index(where) + by
        found = order[place] if 0 <= place < len(order) else None
        lesson = self.library.lesson(where.partition("/")[0])
        if by > 0 and lesson.questions and found not in [step.where for step in lesson.steps if not step.ask]:
            return self._due_after(where, lesson, now)
        return found

    def _due_after(self, where: str, lesson: Lesson, now: float) -> str | None:
        """The next question in the order of urgency, so that those passed over do not come round again."""
        waiting = [step.where for step in self.due(lesson, now)]
        return next(iter(waiting[waiting.index(where) + 1 if where in waiting else 0 :]), None)

    def end(self, by: int) -> str:
        """The name of the words that say why there is no step beside the current one."""
        if by < 0:
            return "first_step"
        return "nothing_due" if self.lesson.questions else "last_step"


def resumed(library: Library, past: Sequence[Past]) -> Step:
    """The step of the latest event, else the first one not passed, else the first."""
    order, passed = library.steps, passed_of(past)
    known = {step.where: step for step in order}
    if past and past[-1].where in known:
        return known[past[-1].where]
    return next((step for step in order if step.where not in passed), order[0])
