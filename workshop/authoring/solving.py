"""`workshop solve`: the solver wired to the real helper and an empty progress, with its outcomes printed as they come."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import click
import msgspec

from ..client.sight import Observer
from ..course import ContentError, load_library
from ..engines import Choice
from ..learning import Session
from ..progress import Progress
from ..words import WordedError, clean, sentence
from .solve import Outcome, solve, succeeded


def command(lessons: tuple[str, ...], folder: Path | None, engine: Choice, as_json: bool, language: str) -> int:
    """Solve the lessons named, or all; returns the exit status: 0 if each step passed or is impossible here, else 1."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _break_off)
    try:
        library = load_library(folder)
        chosen = [library.lesson(name) for name in lessons] or list(library.lessons)
        with tempfile.TemporaryDirectory(prefix="workshop-solve-") as scratch:
            progress, observer = Progress(Path(scratch) / "progress.sqlite"), Observer()
            outcomes = []
            try:
                for outcome in solve(Session(library, progress, observer, language, engine), chosen):
                    outcomes.append(outcome)
                    _print(outcome, as_json)
            finally:
                observer.close()
                progress.close()
    except WordedError as error:
        raise click.ClickException(sentence(language, error)) from error
    except ContentError as error:
        raise click.ClickException(str(error)) from error
    return 0 if succeeded(outcomes) else 1


def _break_off(number: int, _: FrameType | None) -> None:
    """End as Ctrl-C does, so that what the current lesson made is removed."""
    sys.exit(128 + number)


def _print(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(outcome))
    else:
        click.echo(f"{outcome.verdict:<10} {outcome.seconds:6.2f} s  {outcome.lesson}/{outcome.step}  {clean(outcome.reason)}")
