"""`workshop solve`: the solver, or the copyist, wired to the real helper and an empty progress; outcomes as they come."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click
import msgspec

from ..client.sight import Observer
from ..course import ContentError, load_library
from ..engines import Choice
from ..learning import Session
from ..progress import Progress
from ..words import WordedError, clean, say, sentence
from .copyist import Copied, copy, fared, gives_away
from .solve import Outcome, solve, succeeded


@dataclass(frozen=True)
class Task:
    """Which lessons are to be gone through, of which folder (None: the workshop's own), and how that is told."""

    lessons: tuple[str, ...]
    folder: Path | None
    engine: Choice
    as_json: bool
    language: str


def solving(task: Task) -> int:
    """Solve the lessons named, or all; returns the exit status: 0 if each step passed or is impossible here, else 1."""
    outcomes = []
    with _fresh_session(task) as session:
        for outcome in solve(session, session.library.named(task.lessons)):
            outcomes.append(outcome)
            _print(task, outcome, _outcome_line(outcome))
    return 0 if succeeded(outcomes) else 1


def copying(task: Task, seed: int) -> int:
    """Copy through the lessons named, or all; returns the exit status: 1 if that is enough anywhere, else 0."""
    found = []
    with _fresh_session(task) as session:
        for steps in copy(session, session.library.named(task.lessons), seed):
            for one in steps:
                _print(task, one, _copied_line(one))
            found.append(fared(steps[0].lesson, steps))
            _print(task, found[-1], say(task.language, "cli.copied", **vars(found[-1])))
    return 1 if gives_away(found) else 0


@contextmanager
def _fresh_session(task: Task) -> Iterator[Session]:
    """A session of somebody new; what goes wrong is raised in words, and breaking off removes what was made."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _break_off)
    try:
        library = load_library(task.folder)
        with ExitStack() as stack:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="workshop-solve-"))
            progress = stack.enter_context(closing(Progress(Path(scratch) / "progress.sqlite")))
            observer = stack.enter_context(closing(Observer()))
            yield Session(library, progress, observer, task.language, task.engine)
    except WordedError as error:
        raise click.ClickException(sentence(task.language, error)) from error
    except ContentError as error:
        raise click.ClickException(str(error)) from error


def _break_off(number: int, _: FrameType | None) -> None:
    """End as Ctrl-C does, so that what the current lesson made is removed."""
    sys.exit(128 + number)


def _print(task: Task, record: object, line: str) -> None:
    click.echo(msgspec.json.encode(record) if task.as_json else line)


def _outcome_line(one: Outcome) -> str:
    return f"{one.verdict:<10} {one.seconds:6.2f} s  {one.lesson}/{one.step}  {clean(one.reason)}"


def _copied_line(one: Copied) -> str:
    came = {True: "copied", False: "-", None: "impossible"}[one.passed]
    return f"{came:<10} {one.lesson}/{one.step} ({'goal' if one.is_goal else one.kind})"
