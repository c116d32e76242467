"""What lint asks of a step's structure and of its prose in each language. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..course import Lesson, Step, StepText
from ..facts import SUBJECTS
from ..judging import REQUIREMENTS
from ..learning.experiments.run import EXPERIMENTS
from ..pictures import PARTS
from ..words import LANGUAGES
from .lint_names import CODE
from .problem import Problem, problem

HINTS = 3
"""Where to look, the idea, almost the command; a question of the review may do with one."""
ONLY_A_PLACE = re.compile(r"(?:in |again,? in |at )?terminal [12][.,;]?|在?终端 ?[12]里?[。，；]?", re.IGNORECASE)
"""A hint that says where, and nothing else."""
SHORTEST_REASON = 30
"""Bytes of a solution beside its code below which it gives no reason; a Chinese character has three (UTF-8)."""
CHOOSING = ("read", "predict")
"""Kinds that ask by choices."""


def step_problems(lesson: Lesson, step: Step) -> Iterator[Problem]:
    """What is wrong with a step's entry in lesson.toml."""
    yield from _names(step, "subjects", step.subjects, SUBJECTS)
    yield from _names(step, "requires", step.requires, tuple(REQUIREMENTS))
    yield from _names(step, "covers", step.covers, sorted(PARTS))
    yield from _measuring(step)
    if step.kind == "review":
        yield from _reviewing(step)
    else:
        yield from _choosing(step) if step.kind in CHOOSING else _doing(step)
    yield from _links(lesson, step)


def _names(step: Step, key: str, used: tuple[str, ...], known: Sequence[str]) -> Iterator[Problem]:
    for name in used:
        if name not in known:
            yield problem(step.where, "unknown_name", key=key, used=name, known=", ".join(known))


def _choosing(step: Step) -> Iterator[Problem]:
    if len(step.choices) < 2:
        yield problem(step.where, "no_choices", kind=step.kind)
    if step.right and step.right not in step.choices:
        yield problem(step.where, "right_unknown", right=step.right, choices=", ".join(step.choices))
    if step.kind == "read" and not step.right:
        yield problem(step.where, "no_right")
    if step.check or step.answer:
        yield problem(step.where, "check_and_choices", kind=step.kind)


def _doing(step: Step) -> Iterator[Problem]:
    if step.choices or step.right:
        yield problem(step.where, "choices_not_asked", kind=step.kind)
    if not step.check:
        yield problem(step.where, "no_check", kind=step.kind)
    if (step.kind == "answer") != bool(step.answer):
        yield problem(step.where, "no_answer_function" if step.kind == "answer" else "answer_not_asked", kind=step.kind)
    if not step.solution and not step.experiment:
        yield problem(step.where, "no_solution")


def _measuring(step: Step) -> Iterator[Problem]:
    """An experiment is of a measure step, and leaves nothing to type."""
    if not step.experiment:
        return
    yield from _names(step, "experiment", (step.experiment,), tuple(EXPERIMENTS))
    if step.kind != "measure" or step.solution:
        yield problem(step.where, "experiment_not_asked", kind=step.kind)


def _reviewing(step: Step) -> Iterator[Problem]:
    if not step.ask or not step.about:
        yield problem(step.where, "no_question")
    if unwanted := [name for name in ("check", "answer", "choices", "right") if getattr(step, name)]:
        yield problem(step.where, "question_judges", keys=", ".join(unwanted))


def _links(lesson: Lesson, step: Step) -> Iterator[Problem]:
    """What a step needs or settles comes before it; only what changes the machine can be needed."""
    earlier = {one.id: one for one in lesson.steps[: lesson.steps.index(step)]}
    for name in step.needs:
        if name not in earlier or earlier[name].kind not in ("do", "measure"):
            yield problem(step.where, "need_unknown", need=name)
    if step.settles:
        predicted = earlier.get(step.settles)
        if predicted is None or predicted.kind != "predict" or not predicted.right:
            yield problem(step.where, "settles_unknown", settles=step.settles)


def prose_problems(step: Step) -> Iterator[Problem]:
    """What is wrong with a step's words."""
    for language in LANGUAGES:
        text = step.text.get(language)
        if text is None:
            yield problem(step.where, "no_section", file=f"{language}.md", step=step.id)
        else:
            yield from (problem(f"{step.where}, {language}.md", slug, **values) for slug, values in _incomplete(step, text))
    texts = list(step.text.values())
    if len({one.body.count("```") for one in texts}) > 1:
        yield problem(step.where, "fences_differ")


def _incomplete(step: Step, text: StepText) -> Iterator[tuple[str, dict[str, str | int]]]:
    """What is missing in one language, or too much."""
    if not text.title or not text.body:
        yield "no_body", {}
    if tuple(text.choices) != step.choices:
        yield "choices_differ", {"structure": ", ".join(step.choices) or "-", "prose": ", ".join(text.choices) or "-"}
    if not text.debrief and step.kind != "predict":
        yield "no_debrief", {}
    if step.kind in CHOOSING or step.experiment:
        return
    if len(text.hints) not in (HINTS, 1 if step.ask else HINTS):
        yield "hints_count", {"count": len(text.hints), "wanted": HINTS}
    for number, hint in enumerate(text.hints, 1):
        if ONLY_A_PLACE.fullmatch(hint):
            yield "hint_is_a_place", {"number": number}
    if not text.solution:
        yield "no_solution_text", {}
    elif len(CODE.sub("", text.solution).encode()) < SHORTEST_REASON:
        yield "no_reason", {}
