"""What lint asks of recorded evidence: each case judged as it says, every slug reached, nothing done passes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..course import Case, ContentError, Lesson, Library, Step, drawn, read_case
from ..facts import Evidence, Facts
from ..judging import Passed, attempt
from .lint_answers import answer_problems
from .lint_checks import CheckFile, expected_slugs
from .problem import Problem, problem

OBVIOUS = frozenset({"no_answer"})
"""Slugs that need no recorded case: every step that asks is tried without an answer."""


def case_problems(library: Library, lesson: Lesson, step: Step, checks: CheckFile) -> Iterator[Problem]:
    """What is wrong with the cases of a step, and which are missing."""
    cases: list[Case] = []
    for path in sorted((library.folder(lesson) / "facts").glob(f"{step.id}__*.json")):
        try:
            case = read_case(path)
        except ContentError as error:
            yield problem(path.name, "case_unreadable", message=str(error))
            continue
        cases.append(case)
        if case.step != step.id:
            yield problem(path.name, "case_of_other_step", step=case.step)
        yield from _misjudged(library, step, path.name, case)
    if step.check or step.ask:
        wanted = ["passed"] if step.ask else list(expected_slugs(step, checks))  # how a question is judged needs no proof
        reached = {case.slug for case in cases if case.verdict in ("passed", "not_yet")} | OBVIOUS
        yield from (problem(step.where, "slug_without_case", slug=slug) for slug in wanted if slug not in reached)
    yield from _too_easy(library, step, cases)
    yield from answer_problems(library, lesson, step, cases)


def _misjudged(library: Library, step: Step, name: str, case: Case) -> Iterator[Problem]:
    verdict = attempt(library, step, case.evidence)
    if (verdict.kind, verdict.slug) != (case.verdict, case.slug):
        said, got = f"{case.verdict} {case.slug}", f"{verdict.kind} {verdict.slug}"
        if verdict.kind == "broken":
            got = f"{got}: {str(verdict.values['log']).strip().splitlines()[-1]}"
        yield problem(name, "case_misjudged", said=said, got=got)


def _too_easy(library: Library, step: Step, cases: list[Case]) -> Iterator[Problem]:
    """An untouched machine, where nothing changed and nothing was answered, passes nothing."""
    seen = [Facts(), *(case.evidence.before for case in cases), *(case.evidence.now for case in cases)]
    own = drawn(library.lesson(step.lesson), "")
    if any(isinstance(attempt(library, step, Evidence(facts, facts, drawn=own)), Passed) for facts in seen):
        yield problem(step.where, "too_easy")
