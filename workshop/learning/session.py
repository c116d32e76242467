"""One learner at work: begins steps, looks and judges, records, rebuilds and undoes. Faces have it at their `desk`."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ..client.sight import hypervisor
from ..course import Library, Typed
from ..engines import Choice, docker
from ..facts import Evidence, Facts, Measured
from ..judging import Blocked, Impossible, Passed, Verdict, content_version
from ..progress import Event, Progress, uuid7
from ..words.line_breaks import joined
from .experiments import Surroundings
from .faults import broken, not_saved
from .judge import Judge, ObserveKernel
from .position import Position, resumed
from .rebuilding import absent
from .recorder import Recorder
from .snapshot import Snapshot
from .undo import leftovers, removed, undo
from .wording import Wording

if TYPE_CHECKING:
    from .experiments.run import ExperimentRun

BOX = Choice()
"""The workshop's own engine."""


class Session:
    """Resumes at the step of the latest event; `observe` may raise HelperError, which comes through every look."""

    def __init__(self, library: Library, progress: Progress, observe: ObserveKernel, language: str, engine: Choice = BOX) -> None:
        """Nothing is observed yet: call `go(session.step.where)` to begin."""
        self.library = library
        self.progress = progress
        self.recorder = Recorder(progress)
        self.language = language
        self.engine = engine
        self.step = resumed(library, self.recorder.past)
        self.judge = Judge(library, observe, self.recorder.learner)
        self.judge.forget(self._kept())
        self.hints_given = 0
        self._observe = observe

    @property
    def position(self) -> Position:
        """Where one is."""
        return Position(self.library, self.step, self.recorder.past, self.judge.facts)

    @property
    def wording(self) -> Wording:
        """What says it."""
        return Wording(self.library, self.language, self.engine, self.recorder.learner)

    @property
    def verdict(self) -> Verdict | None:
        """The latest on the current step."""
        return self.judge.verdict

    def snapshot(self) -> Snapshot:
        """What a face shows of this moment."""
        return Snapshot(
            self.position, self.wording, self.hints_given, self.verdict, self.message(), tuple(self.judge.results.values()),
            self._predicted(), not_saved(self.language, self.recorder.trouble), self.progress.moved_aside,
        )  # fmt: skip

    def message(self) -> str:
        """The latest verdict's sentence, '' before there is one; a broken check's log goes into a file, which it names."""
        if self.verdict is None:
            return ""
        if self.verdict.kind == "broken":
            return broken(self.progress.path.parent, self.language, str(self.verdict.values["log"]))
        return joined(self.wording.message(self.step, self.verdict), self.wording.others(self.judge.other))

    def _predicted(self) -> str:
        """The choice that the step has just settled, '' where it settles none or has not passed."""
        if not self.step.settles or not self.judge.has_passed:
            return ""
        asked = self.position.lesson.step(self.step.settles)
        event = self.recorder.last(asked.where, "verdict")
        given = event.evidence.answer if event and event.evidence else None
        return given if given in asked.choices else ""

    # Where one is

    def go(self, where: str) -> None:
        """Begin a step: what the kernel shows at this moment is what the check compares with."""
        self.step = self.library.step(where)
        self.judge.forget(self._kept())
        self.hints_given = 0
        self._add("began", evidence=self.judge.evidence(self.step, self.judge.begin(self.step)))

    def _kept(self) -> list[Measured]:
        """The latest result of each experiment of the lesson, as the record has it, the oldest first."""
        steps = [step for step in self.library.lesson(self.step.lesson).steps if step.experiment]
        events = [event for step in steps if (event := self.recorder.last(step.where, "verdict"))]
        found = [one for event in events if event.evidence for one in event.evidence.now.measured]
        return sorted(found, key=lambda one: one.time)

    # Looking and judging

    def look(self) -> Facts:
        """What the kernel shows now, without judging it."""
        return self.judge.look(self.step)

    def check(self, answer: str | None = None) -> Verdict:
        """Look, judge, and record a verdict that says something new. A step that passed stays so until a new answer."""
        self.recorder.save()
        now = self.look()
        if answer is None and isinstance(self.verdict, Passed):
            return self.verdict
        judged = self.judge.judge(self.step, now, answer, self.position.undone_before(self.step))
        if judged.is_news:
            self._add("verdict", judged.verdict, judged.evidence)
        return judged.verdict

    def _add(self, kind: str, verdict: Verdict | None = None, evidence: Evidence | None = None) -> None:
        event = Event(
            id=uuid7(), sequence=0, lesson=self.step.lesson, step=self.step.id, kind=kind, evidence=evidence,
            content=content_version(self.library, self.step), hints=self.hints_given, time=time.time(),
        )  # fmt: skip
        if verdict is not None:
            event = replace(event, verdict=verdict.kind, slug=verdict.slug, values=verdict.values)
        self.recorder.add(event)

    # Measuring

    def experiment(self) -> ExperimentRun | None:
        """A run of the step's experiment, to be worked on by another thread; None where there is nothing to be run now."""
        if not self.step.experiment or isinstance(self.check(), Blocked | Impossible):
            return None
        from .experiments.run import ExperimentRun  # noqa: PLC0415  # heavy: not before the first frame is painted

        return ExperimentRun(self.step.experiment, Surroundings(self.engine.name, self._observe, hypervisor.find()))

    # Help

    def hint(self) -> str | None:
        """The next hint, None when all have been given."""
        hints = self.wording.text(self.step, self.judge.facts).hints
        if self.hints_given >= len(hints):
            return None
        self.hints_given += 1
        self._add("hint")
        return hints[self.hints_given - 1]

    def solution(self) -> None:
        """Record that the solution was read, which is never penalised."""
        self._add("solution")

    def rebuild(self) -> tuple[Typed, ...]:
        """What to type next so that what the current step needs holds now; () if all of it does.

        One needed step's lines at a time: ask again once they have done their work, as the next may build on it.
        """
        needed = absent(self.library, self.step, self.judge.evidence(self.step, self.look()))
        return self.wording.lines(needed) if needed else ()

    def rebuilt(self) -> None:
        """What was needed has been rebuilt: the step begins from here."""
        self.judge.begin(self.step)
        self.judge.verdict = None

    def undo(self) -> list[str]:
        """Remove what appeared since the step began; sentences of what was removed and what would not go."""
        now = self.look()
        before = self.judge.before or now
        tried = undo(before, now)
        there = self.look()
        left = leftovers(before, there, os.getuid(), docker.of_lessons(there))
        self._add("undone")
        self.judge.verdict = None
        return removed(tried, left, self.language)
