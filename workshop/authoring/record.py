"""`workshop record`: saves what a learner's session shows at this moment as a case for the step's check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..course import Case, ContentError, Library, write_case
from ..facts import Evidence, Facts
from ..judging import attempt
from ..learning import Session


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
    now = session.look()
    answer = answer and answer.replace(now.host.kernel or "-", _version(now))
    evidence = replace(begun.evidence, before=_without_build(begun.evidence.before), now=_without_build(now), answer=answer)
    return save(session.library, step.where, name, evidence)


def _without_build(facts: Facts) -> Facts:
    """With the kernel's version only: what a distribution or a cloud puts behind it names somebody's machine."""
    return replace(facts, host=replace(facts.host, kernel=_version(facts)))


def _version(facts: Facts) -> str:
    return facts.host.kernel.partition("-")[0]


def save(library: Library, where: str, name: str, evidence: Evidence) -> Path:
    """Judge evidence and save it with its verdict in the lesson's folder; returns the file. Raises ContentError."""
    step = library.step(where)
    verdict = attempt(library, step, evidence)
    if verdict.kind == "broken":
        raise ContentError(f"{where}: the check failed, so there is no verdict to record:\n{verdict.values['log']}")
    return write_case(library.folder(library.lesson(step.lesson)), name, Case(step.id, verdict.kind, verdict.slug, evidence))
