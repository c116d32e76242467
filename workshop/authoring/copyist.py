"""A learner who thinks of nothing: pastes each command that a step shows, and answers with whatever the screen shows.

What such a learner passes, a step gives away.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..course import Lesson, Step, Typed
from ..judging import Blocked, Impossible, Passed
from ..learning import Session, undo
from ..pictures import TEXT_CELLS, drawn, picture
from .solve import Solver, Terminal, at_terminals

TRIES = 3
"""Answers that are tried to one question."""
IDLE_SECONDS = 8.0
"""How long to wait for a verdict that says something new, once all is pasted."""
BLOCK = re.compile(r"^```\w*\n(?P<fenced>.*?)^```|(?P<indented>(?:^ {4}\S[^\n]*\n?)+)", re.MULTILINE | re.DOTALL)
TERMINAL = re.compile(r"(?:terminal|终端) ?([12])", re.IGNORECASE)
FORMS = (r"\d+", r"0x[0-9a-f]+", r"[0-9a-f]{8,}", r"/[\w./-]*", r"\d+(?:\.\d+)+", r"[\w.:-]+")
"""How answers look, the narrowest first: a number, a mask, a digest, a path, an address, a word."""


@dataclass(frozen=True)
class Copied:
    """How copying fared at a step: `is_goal` where it shows no command; `passed` is None where nothing could be tried."""

    lesson: str
    step: str
    kind: str
    is_goal: bool
    passed: bool | None


def commands(body: str) -> list[Typed]:
    """Each line of each block of code in a text, for the terminal that was named last before it; the first where none was."""
    found = []
    for block in BLOCK.finditer(body):
        named = TERMINAL.findall(body[: block.start()])
        lines = (block["fenced"] or re.sub("(?m)^ {4}", "", block["indented"] or "")).splitlines()
        found += [Typed(int(named[-1]) if named else 1, line) for line in lines]
    return found


def alike(text: str, right: str) -> list[str]:
    """Whatever stands in a text and has the form that the right answer has, each once, in order."""
    form = next((one for one in FORMS if re.fullmatch(one, right)), FORMS[-1])
    return list(dict.fromkeys(re.findall(rf"(?<![\w./-]){form}(?![\w/-]|\.\w)", text)))


@dataclass(frozen=True)
class Fared:
    """How copying fared in a lesson: steps that were passed so, of how many; the same of goals and of answers alone."""

    lesson: str
    passed: int
    steps: int
    goals_passed: int
    goals: int
    answers_passed: int
    answers: int

    @property
    def finished(self) -> bool:
        """Copying is enough for all of it."""
        return self.passed == self.steps


def fared(lesson: str, found: Sequence[Copied]) -> Fared:
    """The sums of a lesson's steps, without those that could not be tried."""
    tried = [one for one in found if one.passed is not None]
    goals, answers = [one for one in tried if one.is_goal], [one for one in tried if one.kind == "answer"]
    counts = (number for some in (tried, goals, answers) for number in (sum(bool(one.passed) for one in some), len(some)))
    return Fared(lesson, *counts)


def gives_away(found: Sequence[Fared]) -> bool:
    """True where a lesson can be finished by copying, a goal be reached, or half of all answers be given."""
    answers, given = sum(one.answers for one in found), sum(one.answers_passed for one in found)
    return any(one.finished or one.goals_passed for one in found) or bool(answers and 2 * given >= answers)


def copy(session: Session, lessons: Sequence[Lesson], seed: int) -> Iterator[list[Copied]]:
    """Go through these lessons, one after the other, each on a machine without what the one before left."""
    for lesson in lessons:
        before = session.look()
        with at_terminals(session) as terminals:
            chance = random.Random(f"{seed} {lesson.id}")  # noqa: S311  # guesses, no secrets
            yield list(Copyist(session, terminals, chance).copies(lesson))
        undo(before, session.look())


class Copyist(Solver):
    """Copies; a step that this does not pass is solved after all, so that the next one can be tried."""

    def __init__(self, session: Session, terminals: Sequence[Terminal], chance: random.Random) -> None:
        """`chance` decides wherever something would have to be known."""
        super().__init__(session, terminals)
        self._chance = chance

    def copies(self, lesson: Lesson) -> Iterator[Copied]:
        """Go through a lesson's steps in order."""
        for step in lesson.steps:
            passed = self._copy(step)
            shown = commands(self.session.snapshot().text.body)
            if passed is False:
                self._give_up(step)
            yield Copied(step.lesson, step.id, step.kind, step.kind == "do" and not shown, passed)

    def _copy(self, step: Step) -> bool | None:
        """Whether the step is passed so; None where it is impossible here, or waits for another."""
        self.session.go(step.where)
        if isinstance(self.session.check(), Impossible | Blocked):
            return None
        self._rebuild()
        for terminal in self.terminals:
            terminal.printed = ""
        if step.choices:
            return self._passes(self._chance.sample(step.choices, len(step.choices)))
        self._type(commands(self.session.snapshot().text.body))
        self._measure()
        self._wait(lambda: isinstance(self.session.check(), Passed), IDLE_SECONDS)
        return self.session.judge.has_passed or (step.takes_answer and self._passes(self._guesses(step)))

    def _passes(self, answers: Sequence[str]) -> bool:
        return any(isinstance(self.session.check(answer), Passed) for answer in answers)

    def _guesses(self, step: Step) -> list[str]:
        """Some of what the screen shows that looks like an answer to this step."""
        now, right = self.session.snapshot(), self._answer(step)
        if right is None:
            return []
        body = drawn(now.text.body, now.facts, now.language, TEXT_CELLS)
        lines = (line.plain for line in picture(now.facts, now.language, TEXT_CELLS, covered=now.position.covered))
        seen = "\n".join([body, now.message, *lines, *(one.printed for one in self.terminals)])
        found = alike(seen, right)
        return self._chance.sample(found, min(TRIES, len(found)))

    def _give_up(self, step: Step) -> None:
        """Break off whatever hangs, and do what the solution says."""
        for terminal in self.terminals:
            terminal.type("\x03")
        self.step(step)
