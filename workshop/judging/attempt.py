"""Evidence -> check -> verdict, in one function: the middle of the way through. Pure but for the loaded check."""

from __future__ import annotations

import hashlib
import traceback
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ..course import Library, Step
from ..facts import Asked, Container, Evidence, Facts
from .answers import means, typed
from .requirements import missing
from .verdict import Broken, Impossible, NotYet, Passed, Verdict

VOCABULARY = ("answers", "constants", "containers", "images", "resources")
"""Modules of this package that checks judge with."""


def attempt(library: Library, step: Step, evidence: Evidence) -> Verdict:
    """What the step's check says of this evidence; Impossible where the machine lacks something, Broken if it raises."""
    if lacking := missing(step.requires, evidence.now):
        return Impossible(lacking)
    try:
        return judge(library, step, evidence)
    except Exception:
        return Broken(traceback.format_exc())


@dataclass(frozen=True)
class Others:
    """Containers that are not the learner's, or not shown to be: those when the step began, and those now."""

    before: tuple[Container, ...] = ()
    now: tuple[Container, ...] = ()


def would_pass(library: Library, step: Step, evidence: Evidence, others: Others) -> Container | None:
    """Of the others' containers the latest that appeared, if the step passed with them; None where it would not."""
    before = replace(evidence.before, containers=evidence.before.containers + others.before)
    now = replace(evidence.now, containers=evidence.now.containers + others.now)
    together = replace(evidence, before=before, now=now)
    new = [one for one in together.appeared() if one in others.now]
    return new[-1] if new and isinstance(attempt(library, step, together), Passed) else None


def judge(library: Library, step: Step, evidence: Evidence) -> Verdict:
    """The verdict of the step's own check; raises whatever the check raises."""
    if step.ask:
        return judge_question(library.asked(step, evidence.now), evidence.answer)
    if not step.check:
        return judge_choice(step, evidence.answer)
    verdict = library.function(step.lesson, step.check)(evidence)
    if not isinstance(verdict, Verdict):
        raise TypeError(f"the check {step.check} returned {type(verdict).__name__}, not a verdict")
    return verdict


def judge_question(asked: Asked | None, answer: str | None) -> Verdict:
    """A question of the review: what the facts of this moment make right passes."""
    if asked is None:
        return NotYet("nothing_to_ask")
    given = typed(answer)
    if not given:
        return NotYet("no_answer")
    values = {**asked.values, "answer": given}
    if means(given, asked.right):
        return Passed("passed", **values)
    if asked.slip is not None and means(given, asked.slip):
        return NotYet("slip", **values)
    return NotYet("wrong", **values)


def judge_choice(step: Step, answer: str | None) -> Verdict:
    """A question with choices: any one passes where none is the right one (a prediction); else each wrong one has a text.

    A prediction's `right` choice is what the later step will show; choosing another is no mistake.
    """
    if answer is None or answer not in step.choices:
        return NotYet("no_answer")
    if step.kind == "predict" or answer == step.right:
        return Passed(answer=answer)
    return NotYet(f"wrong_{answer}", answer=answer)


def untouched(now: Facts) -> Facts:
    """The same machine before anybody did anything on it: what a step's result is compared with that may be of any day."""
    host = replace(now.host, ipc=type(now.host.ipc)(), components=())
    return Facts(host=host, subjects=now.subjects, complete=now.complete)


def content_version(library: Library, step: Step) -> str:
    """A short digest of what judges a step: its structure, its checks file, and the words that checks judge with."""
    checks = library.checks_folder / f"{step.lesson}.py"
    source = checks.read_bytes() + _vocabulary(Path(__file__).parent) if checks.is_file() else b""
    values = repr(library.lesson(step.lesson).values) if library.lesson(step.lesson).values else ""
    judged_by = repr(replace(step, text={})).encode() + values.encode() + source
    return hashlib.sha256(judged_by).hexdigest()[:12]


@cache
def _vocabulary(folder: Path) -> bytes:
    """The source of these words: where it has changed, an honest verdict of an earlier version may differ, and is no forgery."""
    return b"".join((folder / f"{name}.py").read_bytes() for name in VOCABULARY)
