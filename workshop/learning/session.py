"""One learner at work: which step, what was seen when it began, what is seen now, and what the check says of it.

No screen is in here: the TUI, plain mode and `solve` drive the same Session.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from rich.text import Text

from ..client.sight import hypervisor, registry
from ..course import Lesson, LessonText, Library, Step, StepText, Typed
from ..engines import Choice, docker
from ..facts import Container, Evidence, Facts, Measured, own, unclaimed
from ..judging import (
    Blocked,
    Impossible,
    NotYet,
    Others,
    Passed,
    Verdict,
    attempt,
    content_version,
    missing,
    untouched,
    would_pass,
)
from ..pictures import charts_of, drawn
from ..progress import Event, Progress, uuid7
from ..words import fill, say, words
from ..words.line_breaks import joined
from .experiments import Surroundings
from .recorder import Recorder
from .review import due
from .undo import leftovers, undo

if TYPE_CHECKING:
    from .experiments.run import Run

Observe = Callable[[Sequence[str]], Facts]
PICTURE_SUBJECTS = frozenset({"processes", "hostname"})
"""What the live pictures need, looked at whatever the step asks for."""
UNDO_SUBJECTS = ("ipc", "images", "handmade", "lxc")
BOX = Choice()
"""The workshop's own engine."""
FIGURE_CELLS = 74
"""How wide a figure in a step's text may be where nobody says how much room there is: lines of text have 78."""


class Session:
    """Resumes at the step of the latest event; `observe` may raise HelperError, which comes through every look."""

    def __init__(self, library: Library, progress: Progress, observe: Observe, language: str, engine: Choice = BOX) -> None:
        """Nothing is observed yet: call `go(session.step.where)` to begin."""
        self.library = library
        self.progress = progress
        self.recorder = Recorder(progress)
        self.language = language
        self.engine = engine
        self.figure_cells = FIGURE_CELLS
        self._observe = observe
        self._passed = set(self.recorder.passed())
        self.facts: Facts | None = None
        self.before: Facts | None = None
        self.verdict: Verdict | None = None
        self.hints_given = 0
        self._answer: str | None = None
        self._others = Others()
        self.other: Container | None = None
        """Somebody else's, or nobody's, with which the latest verdict would have been a pass."""
        self.step = self._resumed()
        self._results = self._kept()

    @property
    def lesson(self) -> Lesson:
        """The lesson of the current step."""
        return self.library.lesson(self.step.lesson)

    @property
    def is_new(self) -> bool:
        """True for a learner who has passed nothing yet."""
        return not self._passed

    @cached_property
    def _order(self) -> list[Step]:
        return [step for lesson in self.library.lessons for step in lesson.steps]

    def _resumed(self) -> Step:
        """The step of the latest event, else the first one not passed, else the first."""
        latest = self.recorder.latest()
        known = {step.where: step for step in self._order}
        if latest in known:
            return known[latest]
        return next((step for step in self._order if step.where not in self._passed), self._order[0])

    # Where one is

    def state(self, step: Step) -> str:
        """`passed` | `current` | `open` | `blocked` (a step before it in its lesson is not done)."""
        if step.where in self._passed:
            return "passed"
        if step is self.step:
            return "current"
        return "blocked" if self._undone_before(step) else "open"

    def _undone_before(self, step: Step) -> Step | None:
        """The first earlier step of the lesson that is neither passed nor impossible here."""
        for earlier in self.library.lesson(step.lesson).steps:
            if earlier.id == step.id or step.ask:  # questions of the review have no order
                return None
            if earlier.where not in self._passed and not self._impossible(earlier):
                return earlier
        return None

    def _impossible(self, step: Step) -> bool:
        return self.facts is not None and missing(step.requires, self.facts) != ""

    def go(self, where: str) -> None:
        """Begin a step: what the kernel shows at this moment is what the check compares with."""
        self.step = self.library.step(where)
        self.verdict = None
        self.before = None
        self._answer = None
        self.hints_given = 0
        self._results = self._kept()
        self._add("began", evidence=Evidence(before := self._begin(), before))

    def beside(self, where: str, by: int) -> str | None:
        """The step so many places after this one, before it where negative, across lessons; None beyond either end.

        Within a review its steps that ask nothing come first, then what is due, and nothing where nothing is due.
        """
        order = [step.where for step in self._order]
        place = order.index(where) + by
        found = order[place] if 0 <= place < len(order) else None
        lesson = self.library.lesson(where.partition("/")[0])
        if by > 0 and lesson.questions and found not in [step.where for step in lesson.steps if not step.ask]:
            return self._due_after(where, lesson)
        return found

    def end(self, by: int) -> str:
        """The name of the words that say why there is no step beside the current one."""
        if by < 0:
            return "first_step"
        return "nothing_due" if self.lesson.questions else "last_step"

    def due(self, lesson: Lesson) -> list[Step]:
        """The questions of a review that are due now, the most urgent first; none for any other lesson."""
        return due(lesson.questions, self.recorder.past(), time.time()) if lesson.questions else []

    def _due_after(self, where: str, lesson: Lesson) -> str | None:
        """The next question in the order of urgency, so that those passed over do not come round again."""
        waiting = [step.where for step in self.due(lesson)]
        return next(iter(waiting[waiting.index(where) + 1 if where in waiting else 0 :]), None)

    # Looking and judging

    def look(self) -> Facts:
        """What the kernel shows now, without judging it."""
        if self.before is None:
            self._begin()
        return self._look()

    def _begin(self) -> Facts:
        """From what there is now the step begins."""
        self.before = self._look()
        self._others = Others(self._others.now, self._others.now)
        return self.before

    def _look(self) -> Facts:
        needed = {subject for step in self._needed() for subject in step.subjects}
        seen = self._observe(sorted({*self.step.subjects, *needed, *PICTURE_SUBJECTS, *UNDO_SUBJECTS}))
        self._others = replace(self._others, now=unclaimed(seen))
        self.facts = replace(own(seen), measured=tuple(self._results.values()))
        return self.facts

    def check(self, answer: str | None = None) -> Verdict:
        """Look, judge, and record a verdict that says something new. A step that passed stays so until a new answer."""
        self._catch_up(self.recorder.save())
        now = self.look()
        if answer is None and isinstance(self.verdict, Passed):
            return self.verdict
        self._answer = answer if answer is not None else self._answer
        assert self.before is not None  # look() has seen to it  # noqa: S101
        evidence = Evidence(self.before, now, self._answer)
        verdict = self._judge(evidence)
        if self._is_news(verdict, answer):
            self._add("verdict", verdict=verdict, evidence=evidence)
        self.verdict = verdict
        self.other = would_pass(self.library, self.step, evidence, self._others) if isinstance(verdict, NotYet) else None
        return verdict

    def _judge(self, evidence: Evidence) -> Verdict:
        undone = self._undone_before(self.step)
        return Blocked(undone.id) if undone else attempt(self.library, self.step, evidence)

    def _is_news(self, verdict: Verdict, answer: str | None) -> bool:
        """Values such as counters move with every look: a verdict is news by its slug, or because an answer was given."""
        if isinstance(verdict, Passed):
            self._passed.add(self.step.where)
        known = self.verdict
        return answer is not None or known is None or (known.kind, known.slug) != (verdict.kind, verdict.slug)

    def _add(self, kind: str, verdict: Verdict | None = None, evidence: Evidence | None = None) -> None:
        event = Event(
            id=uuid7(), sequence=0, lesson=self.step.lesson, step=self.step.id, kind=kind, evidence=evidence,
            content=content_version(self.library, self.step), hints=self.hints_given, time=time.time(),
        )  # fmt: skip
        if verdict is not None:
            event = replace(event, verdict=verdict.kind, slug=verdict.slug, values=verdict.values)
        self._catch_up(self.recorder.add(event))

    def _catch_up(self, saves_again: bool) -> None:
        """What was passed may not have been to be read until now."""
        if saves_again:
            self._passed |= self.recorder.passed()

    # Measuring

    def experiment(self) -> Run | None:
        """A run of the step's experiment, to be worked on by another thread; None where there is nothing to be run now."""
        if not self.step.experiment or isinstance(self.check(), Blocked | Impossible):
            return None
        from .experiments.run import Run  # noqa: PLC0415  # heavy: not before the first frame is painted

        return Run(self.step.experiment, Surroundings(self.engine.name, self._observe, hypervisor.find()))

    def keep(self, result: Measured) -> None:
        """What an experiment came to is part of what is seen from now on, here and when the learner comes back."""
        self._results[result.experiment] = result
        self.verdict = None

    def chart(self, width: int, running: Run | None = None) -> list[Text]:
        """What the step's experiment came to, drawn; nothing before it was run. `running` is drawn as far as it has come."""
        latest = {running.name: running.measured()} if running else {}
        return charts_of(self.step.experiment, tuple({**self._results, **latest}.values()), self.language, width)

    def _kept(self) -> dict[str, Measured]:
        """The latest result of each experiment of the lesson, as the record has it."""
        steps = [step for step in self.lesson.steps if step.experiment]
        events = [event for step in steps if (event := self.recorder.last(step.where, "verdict")) and event.evidence]
        found = [one for event in events if event.evidence for one in event.evidence.now.measured]
        return {one.experiment: one for one in sorted(found, key=lambda one: one.time)}

    # Words

    def message(self, verdict: Verdict) -> str:
        """The sentence for a verdict, in the learner's language, with what was seen filled in."""
        values = {"engine": self.engine.name, "registry": registry.address(os.getuid()), **verdict.values}
        if verdict.kind == "impossible":
            reasons = words(self.language, "requirements")
            return joined(fill(reasons[verdict.slug], values), fill(reasons[f"{verdict.slug}_fix"], values))
        if verdict.kind == "blocked":
            return say(self.language, "session.blocked", step=self._title(str(verdict.values["step"])))
        own = self._text(self.step).verdicts.get(verdict.slug)
        if own is not None:
            return fill(own, {**values, **self._chosen(verdict)})
        known = words(self.language, "session")
        return fill(known.get(verdict.slug, known["unnamed"]), {**values, "slug": verdict.slug})

    def _chosen(self, verdict: Verdict) -> dict[str, object]:
        """A choice's id shows as its text."""
        choices = self._text(self.step).choices
        return {"answer": choices[str(verdict.values["answer"])]} if verdict.values.get("answer") in choices else {}

    def _title(self, step_id: str) -> str:
        return self._text(self.lesson.step(step_id)).title

    def _text(self, step: Step) -> StepText:
        return step.text.get(self.language) or next(iter(step.text.values()), StepText(step.id, ""))

    def text(self) -> StepText:
        """The current step's words, with the engine's command filled in."""
        text = self._text(self.step)
        if self.step.ask and not self._asked():
            text = StepText(text.title, absent := say(self.language, "session.nothing_to_ask"), hints=(absent,), solution=absent)
        return replace(
            text,
            body=self._drawn(self._named(text.body)), debrief=self._drawn(self._named(text.debrief)),
            solution=self._named(text.solution) or self._measured_by(), hints=tuple(map(self._named, text.hints)),
            choices={name: self._named(choice) for name, choice in text.choices.items()},
        )  # fmt: skip

    def _measured_by(self) -> str:
        """How a step is solved that leaves nothing to type; '' for every other one."""
        return say(self.language, "session.solved_by_measuring") if self.step.experiment else ""

    def _named(self, text: str) -> str:
        """What belongs to the engine and what a question asks about is filled in: other braces, such as awk's, stay."""
        text = self.engine.fill(text).replace("{registry}", registry.address(os.getuid()))
        for name, value in self._asked().items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def _asked(self) -> dict[str, str | int | float]:
        """The values that the current question names, as they are at this moment; none where there is nothing to ask about."""
        asked = self.library.asked(self.step, self.facts) if self.step.ask and self.facts else None
        return {**asked.values, "right": self._worded(asked.right)} if asked else {}

    def _worded(self, right: str | int | float) -> str | int | float:
        """A right answer as the learner would give it: a yes or no in their language."""
        return say(self.language, f"session.{right}") if right in ("yes", "no") else right

    def _drawn(self, text: str) -> str:
        """A text with its figures, which stand in a fence so that columns stay straight."""
        return drawn(text, self.facts, self.language, self.figure_cells)

    def lesson_text(self, lesson: Lesson) -> LessonText:
        """A lesson's title and introduction."""
        text = lesson.text.get(self.language) or next(iter(lesson.text.values()), LessonText(lesson.id, ""))
        return replace(text, introduction=self._named(text.introduction))

    # Help

    def hint(self) -> str | None:
        """The next hint, None when all have been given."""
        hints = self.text().hints
        if self.hints_given >= len(hints):
            return None
        self.hints_given += 1
        self._add("hint")
        return hints[self.hints_given - 1]

    def solution(self) -> str:
        """The solution with its reason; recorded, never penalised."""
        self._add("solution")
        return self.text().solution

    def lines(self) -> tuple[Typed, ...]:
        """What to type to solve the current step."""
        return self._lines(self.step)

    def _lines(self, step: Step) -> tuple[Typed, ...]:
        ours = (one for one in step.solution if one.engine in ("", self.engine.name))
        return tuple(replace(one, line=self._named(one.line)) for one in ours)

    def _needed(self) -> list[Step]:
        return [self.library.lesson(self.step.lesson).step(name) for name in self.step.needs]

    def rebuild(self) -> tuple[Typed, ...]:
        """What to type next so that what the current step needs holds now; () if all of it does.

        One needed step's lines at a time: ask again once they have done their work, as the next may build on it.
        """
        now = self.look()
        absent = (step for step in self._needed() if not self._holds(step, now))
        return next((self._lines(step) for step in absent), ())

    def _holds(self, step: Step, now: Facts) -> bool:
        """True where a step's check passes by what is there now, whenever it came to be."""
        return isinstance(attempt(self.library, step, Evidence(untouched(now), now)), Passed)

    def rebuilt(self) -> None:
        """What was needed has been rebuilt: the step begins from here."""
        self._begin()
        self.verdict = None

    def undo(self) -> list[str]:
        """Remove what appeared since the step began; sentences of what was removed and what would not go."""
        now = self.look()
        assert self.before is not None  # look() has seen to it  # noqa: S101
        tried = undo(self.before, now)
        there = self.look()
        left = leftovers(self.before, there, os.getuid(), docker.of_lessons(there))
        self._add("undone")
        self.verdict = None
        sentences = [
            say(self.language, "session.not_removed" if one in left else f"session.removed_{one.kind}", name=one.shown)
            for one in tried
        ]
        return list(dict.fromkeys(sentences)) or [say(self.language, "session.nothing_to_undo")]

    def settled(self) -> tuple[str, str] | None:
        """After a passed step that settles a prediction: what was predicted, and what came true."""
        if not self.step.settles or not isinstance(self.verdict, Passed):
            return None
        asked = self.lesson.step(self.step.settles)
        event = self.recorder.last(asked.where, "verdict")
        choices = self._text(asked).choices
        if event is None or event.evidence is None or event.evidence.answer not in choices:
            return None
        return self._named(choices[event.evidence.answer]), self._named(choices[asked.right])
