"""What lint asks of questions: that nothing shown before the answer is the answer, and that right choices follow no pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..course import Case, Lesson, Library, Step, StepText
from ..facts import Facts
from ..pictures import TEXT_CELLS, picture
from .problem import Problem, problem

SHORTEST = 3
"""Characters that an answer must have to be looked for: what is shorter stands in any text."""
FEWEST_QUESTIONS = 3
"""So many right choices in one place are a pattern."""


def answer_problems(library: Library, lesson: Lesson, step: Step, cases: Iterable[Case]) -> Iterator[Problem]:
    """Where the true answer of a recorded pass stands on the screen before it is given; one such pass is enough."""
    passes = ((case, _right(library, step, case)) for case in cases if step.kind == "answer" and case.verdict == "passed")
    case, right = next(((case, right) for case, right in passes if right), (None, ""))
    if case:
        yield from _shown(lesson, step, case, right)


def _right(library: Library, step: Step, case: Case) -> str:
    """The true answer on that machine, '' where it is too short to be looked for, or a word that any text may hold."""
    try:
        right = str(library.function(step.lesson, step.answer)(case.evidence.now))
    except Exception:  # whatever a check raises, the cases' own problems tell
        return ""
    return right if len(right) >= SHORTEST and re.search(r"[\d/]", right) else ""


def _shown(lesson: Lesson, step: Step, case: Case, right: str) -> Iterator[Problem]:
    stands = re.compile(rf"(?<![\w/]){re.escape(right)}(?![\w/])")
    for language, text in step.text.items():
        for place, words in _before_the_answer(text):
            if stands.search(words):
                yield problem(f"{step.where}, {language}.md", "answer_shown", answer=right, place=place)
    if stands.search(_picture(case.evidence.now, lesson, step)):
        yield problem(step.where, "answer_in_picture", answer=right)


def _before_the_answer(text: StepText) -> Iterator[tuple[str, str]]:
    """What a learner reads before answering, by the name of its place."""
    yield from (("title", text.title), ("body", text.body), ("no_answer", text.verdicts.get("no_answer", "")))
    yield from ((f"hint {number}", hint) for number, hint in enumerate(text.hints[:2], 1))


def _picture(facts: Facts, lesson: Lesson, step: Step) -> str:
    """The live picture at this step, before it is passed, but for a chart, which is there to be read."""
    covered = {part for one in lesson.steps[lesson.steps.index(step) :] for part in one.covers}
    return "\n".join(line.plain for line in picture(replace(facts, measured=()), "en", TEXT_CELLS, covered=covered))


def choice_problems(lesson: Lesson) -> Iterator[Problem]:
    """Right choices of a lesson that are all in the same place, or in some language all the longest."""
    asked = [step for step in lesson.steps if step.right in step.choices]
    if len(asked) < FEWEST_QUESTIONS:
        return
    if len({step.choices.index(step.right) for step in asked}) == 1:
        yield problem(lesson.id, "choices_alike", what="place")
    for language in lesson.text:
        texts = [(step.text[language].choices, step.right) for step in asked if language in step.text]
        if texts and all(right == _longest(choices) for choices, right in texts):
            yield problem(f"{lesson.id}, {language}.md", "choices_alike", what="length")


def _longest(choices: Mapping[str, str]) -> str:
    return max(choices, key=lambda one: len(choices[one]), default="")
