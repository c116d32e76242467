"""The acceptance test of lessons: types every solution into real shells on real terminals and waits for the verdicts."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ..course import Lesson, Step, Typed
from ..facts import Evidence, Facts
from ..judging import Blocked, Impossible, Passed, Verdict, attempt
from ..learning import Session, end_orphans, keystrokes, undo
from ..words import say

PATIENCE_SECONDS = 60.0
"""How long a solution may take, without anything new to be said of it, before its step counts as not passed."""
LONGEST_SECONDS = 180.0
"""How long in all: some verdicts count on for ever."""
MOST_KEPT = 65536
"""Characters of a terminal's output that are kept."""
LOOK_SECONDS = 0.25
"""How often to look when no terminal moves."""


@dataclass(frozen=True)
class Outcome:
    """How a step came out; `verdict` is a verdict's kind, `seconds` the time from beginning the step."""

    lesson: str
    step: str
    verdict: str
    reason: str
    seconds: float


class Terminal:
    """A shell on a pseudo-terminal of its own, as a learner's."""

    def __init__(self) -> None:
        """Start the shell."""
        self.master, slave = pty.openpty()
        bin_folder = str(Path(sys.executable).parent)
        environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "PS1": "$ ", "TERM": "xterm-256color"}
        # setsid(1) makes the terminal the shell's own: forking by hand is unsafe where threads run.
        self._shell = subprocess.Popen(
            ["setsid", "--ctty", "bash", "--norc", "--noprofile", "-i"],
            stdin=slave, stdout=slave, stderr=slave, env=environment,
        )  # fmt: skip
        os.close(slave)
        self.printed = ""
        """The latest that the shell has printed."""

    def __enter__(self) -> Self:
        """The terminal itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Hang up, as closing a window does, and wait for the shell."""
        os.close(self.master)
        try:
            self._shell.wait(5)
        except subprocess.TimeoutExpired:
            os.kill(self._shell.pid, signal.SIGKILL)
            self._shell.wait()

    def type(self, line: str) -> None:
        """Type a line of a solution."""
        os.write(self.master, keystrokes(line).encode())

    def read(self) -> None:
        """Take what the shell has printed, so that it never waits for a reader."""
        try:
            self.printed = (self.printed + os.read(self.master, 65536).decode("utf-8", "replace"))[-MOST_KEPT:]
        except OSError:  # EIO: every program on the terminal has ended
            time.sleep(LOOK_SECONDS)  # and select() would return at once for ever


class Solver:
    """Solves lessons in a session with two terminals."""

    def __init__(self, session: Session, terminals: Sequence[Terminal]) -> None:
        """Take over both; the session must have an empty progress."""
        self.session = session
        self.terminals = terminals

    def lesson(self, lesson: Lesson) -> Iterator[Outcome]:
        """Solve every step in order."""
        for step in lesson.steps:
            started = time.monotonic()
            verdict = self.step(step)
            yield _outcome(self.session, step, verdict, time.monotonic() - started)

    def step(self, step: Step) -> Verdict:
        """Begin the step, bring back what it needs, do what its solution says, and wait for its verdict."""
        session = self.session
        session.go(step.where)
        if isinstance(verdict := session.check(), Impossible | Blocked):
            return verdict
        self._rebuild()
        self._type(session.wording.lines(step))
        self._measure()
        self._wait(lambda: isinstance(session.check(self._answer(step)), Passed | Impossible))
        return session.verdict or verdict

    def _measure(self) -> None:
        """Run the step's experiment, if it has one."""
        if (run := self.session.experiment()) and (result := run.complete()):
            self.session.judge.keep(result)

    def _rebuild(self) -> None:
        tried: list[tuple[Typed, ...]] = []
        while (lines := self.session.rebuild()) and lines not in tried:
            tried.append(lines)
            self._type(lines)
            self._wait(lambda: self.session.rebuild() != tried[-1])
        if tried:
            self.session.rebuilt()

    def _answer(self, step: Step) -> str | None:
        """The right answer at this moment, None for a step that asks nothing."""
        if step.choices:
            return step.right or step.choices[0]
        if step.ask:
            asked = self.session.library.asked(step, self.session.look())
            return str(asked.right) if asked else None
        if not step.answer:
            return None
        try:
            return str(self.session.library.function(step.lesson, step.answer)(self.session.look()))
        except (StopIteration, LookupError, ValueError):  # what is asked for is not there yet
            return None

    def _type(self, lines: Sequence[Typed]) -> None:
        for one in lines:
            self.terminals[one.terminal - 1].type(one.line)

    def _wait(self, done: Callable[[], bool], patience: float = PATIENCE_SECONDS) -> None:
        """Look whenever a terminal moved, and now and then, until `done()` or out of patience, which each new verdict renews."""
        began, said, end = time.monotonic(), self.session.verdict, time.monotonic() + patience
        while not done() and time.monotonic() < min(end, began + LONGEST_SECONDS):
            if self.session.verdict != said:
                said, end = self.session.verdict, time.monotonic() + patience
            ready, _, _ = select.select([one.master for one in self.terminals], [], [], LOOK_SECONDS)
            for terminal in self.terminals:
                if terminal.master in ready:
                    terminal.read()


def _outcome(session: Session, step: Step, verdict: Verdict, seconds: float) -> Outcome:
    return Outcome(step.lesson, step.id, verdict.kind, session.wording.message(step, verdict), round(seconds, 3))


def too_easy(session: Session, facts: Facts) -> list[Outcome]:
    """Steps that pass although nothing was done: each makes the lesson worthless, so `solve` stops there."""
    return [
        Outcome(step.lesson, step.id, "broken", say(session.language, "cli.untouched_passes"), 0.0)
        for lesson in session.library.lessons
        for step in lesson.steps
        if isinstance(attempt(session.library, step, Evidence(facts, facts, drawn=session.wording.own(lesson.id))), Passed)
    ]


def solve(session: Session, lessons: Sequence[Lesson]) -> Iterator[Outcome]:
    """Prove that an untouched machine passes nothing, then solve the lessons, each with fresh terminals."""
    if easy := too_easy(session, session.look()):
        yield from easy
        return
    for lesson in lessons:
        with at_terminals(session) as terminals:
            yield from Solver(session, terminals).lesson(lesson)


@contextmanager
def at_terminals(session: Session) -> Iterator[list[Terminal]]:
    """Two fresh terminals for a lesson, after which nothing of theirs runs any more."""
    before = session.look()
    try:
        with ExitStack() as stack:
            yield [stack.enter_context(Terminal()) for _ in range(2)]
    except BaseException:  # broken off in its middle: the steps that would have tidied up were never typed
        undo(before, session.look())
        raise
    end_orphans(before, session.look())


def succeeded(outcomes: Sequence[Outcome]) -> bool:
    """True where each step passed or is impossible on this machine, and there was one."""
    return bool(outcomes) and all(one.verdict in ("passed", "impossible") for one in outcomes)
