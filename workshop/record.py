"""`workshop record`: saves what a learner's session shows at this moment as a case for the step's check."""

from __future__ import annotations

from pathlib import Path

from .attempt import attempt
from .cases import Case, write_case
from .facts import Evidence
from .lesson import ContentError
from .library import Library
from .session import Session


def record(session: Session, where: str, name: str, answer: str | None = None) -> Path:
    """Save the live evidence of the step that the session is at; returns the file.

    What was there before comes from when the step was begun. Raises ContentError for another step than the session's, or
    one that was never begun, and HelperError where nothing can be observed.
    """
    step = session.library.step(where)
    begun = session.progress.last(where, "began")
    if begun is None or begun.evidence is None or session.step.where != where:
        raise ContentError(
            f"{where} is not the step you are at: open it with `workshop start`, do what the case should show, and record it then"
        )
    evidence = Evidence(begun.evidence.before, session.look(), answer)
    return save(session.library, step.where, name, evidence)


def save(library: Library, where: str, name: str, evidence: Evidence) -> Path:
    """Judge evidence and save it with its verdict in the lesson's folder; returns the file. Raises ContentError."""
    step = library.step(where)
    verdict = attempt(library, step, evidence)
    if verdict.kind == "broken":
        raise ContentError(f"{where}: the check failed, so there is no verdict to record:\n{verdict.values['log']}")
    return write_case(library.folder(library.lesson(step.lesson)), name, Case(step.id, verdict.kind, verdict.slug, evidence))
