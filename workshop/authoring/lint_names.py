"""What lint asks of each `{name}` in prose: something is filled in there, or it is code with braces of its own. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator

from ..course import Lesson, Step, StepText
from ..pictures import FIGURES
from .lint_checks import CheckFile, asks_with
from .problem import Problem, problem

NAMED = re.compile(r"\{([a-z_]+)\}")
CODE = re.compile(r"^```.*?^```|`[^`]*`", re.MULTILINE | re.DOTALL)
FIGURE = re.compile(r"```\s*\{[a-z_]+\}\s*```")
"""A fence that holds a name and nothing else is no code: a figure stands so."""
FILLED = frozenset({"engine", "registry", "socket"})
"""What is filled in all prose but a title."""
ALIKE = 0.8
"""In code, where braces may be the shell's or awk's, a name is a slip if it is this much like one of ours (difflib's ratio)."""


def introduction_problems(lesson: Lesson) -> Iterator[Problem]:
    """Names in a lesson's title and introduction that nothing fills in."""
    for language, text in lesson.text.items():
        for part, known in ((text.title, frozenset[str]()), (text.introduction, FILLED | lesson.values.keys())):
            yield from _problems(f"{lesson.id}, {language}.md", _unknown(part, known), known)


def name_problems(step: Step, checks: CheckFile, drawn: Collection[str]) -> Iterator[Problem]:
    """Names in a step's words that nothing fills in, the lesson's `drawn` values among them.

    Its verdicts are told apart, as their values are the check's.
    """
    unknown = _unknown_to_question if step.ask else _unknown
    for language, text in step.text.items():
        for part, known in _parts(step, text, checks, drawn):
            yield from _problems(f"{step.where}, {language}.md", unknown(part, known), known)


def _parts(step: Step, text: StepText, checks: CheckFile, drawn: Collection[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Each part of a step's words with the names that are filled in there."""
    known = FILLED | {*drawn} | (asks_with(step, checks)[0] | {"right"} if step.ask else frozenset())
    yield text.title, frozenset()
    yield from ((part, known | FIGURES) for part in (text.body, text.debrief))
    yield from ((part, known) for part in (*text.choices.values(), *text.hints, text.solution))


def _unknown(text: str, known: frozenset[str]) -> set[str]:
    """Outside of code every other name; in code one that was meant to be known."""
    prose = NAMED.findall(CODE.sub(lambda code: code[0] if FIGURE.fullmatch(code[0]) else "", text))
    return {name for name in NAMED.findall(text) if name in prose or difflib.get_close_matches(name, known, 1, ALIKE)} - known


def _unknown_to_question(text: str, known: frozenset[str]) -> set[str]:
    """A question names its values in code as well."""
    return {*NAMED.findall(text)} - known


def _problems(where: str, unknown: set[str], known: frozenset[str]) -> Iterator[Problem]:
    for name in sorted(unknown):
        yield problem(where, "unknown_in_words", used=name, known=", ".join(sorted(known)) or "-")
