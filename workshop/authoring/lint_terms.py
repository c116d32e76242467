"""What lint asks of the course's words: one term for one thing, and none in a question before it is explained.

Pure but for reading the table of terms once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..course import Lesson, Library, Step, StepText, Term, load_glossary
from .lint_names import CODE
from .problem import Problem, problem

QUESTIONS = ("predict", "read", "answer", "review")
"""Kinds of steps whose body and choices ask something."""
BRACES = re.compile(r"\{[a-z_]+\}")


@dataclass(frozen=True)
class Rule:
    """What one thing is called, by what else it is not, and where that may stand all the same."""

    right: str
    wrong: tuple[str, ...]
    fine: tuple[str, ...] = ()


@cache
def load_rules() -> dict[str, tuple[Rule, ...]]:
    """The table of terms, by language."""
    table = tomllib.loads(Path(__file__).with_name("terms.toml").read_text("utf-8"))
    return {
        language: tuple(Rule(one["right"], tuple(one["wrong"]), tuple(one.get("fine", ()))) for one in rules)
        for language, rules in table.items()
    }


def other_terms(text: str, language: str) -> list[tuple[str, str]]:
    """Each word in a text's prose that is not the term for its thing, with the one that is."""
    prose = _prose(text)
    found = []
    for rule in load_rules()[language]:
        rest = re.sub("|".join(map(re.escape, rule.fine)) or "$^", " ", prose)
        found += [(word, rule.right) for word in rule.wrong if re.search(_whole(word), rest)]
    return found


def _whole(word: str) -> str:
    """A pattern for a word that is no part of a longer one, nor of a path or an option."""
    before = r"(?<![A-Za-z0-9_./-])" if re.match("[A-Za-z0-9]", word) else ""
    after = r"(?![A-Za-z0-9_/-]|\.\w)" if re.search("[A-Za-z0-9]$", word) else ""
    return f"{before}{re.escape(word)}{after}"


def _prose(text: str) -> str:
    """A text without its code, without names that are filled in, and without Markdown's stars."""
    return BRACES.sub(" ", CODE.sub(" ", text)).replace("*", "")


def term_problems(library: Library, glossary: Sequence[Term] | None = None) -> Iterator[Problem]:
    """Wrong terms in the lessons' prose, and terms of the glossary that the step which should show them does not name."""
    for lesson in library.lessons:
        yield from _other_terms(lesson)
    for term in _of_course(library, glossary):
        yield from _not_shown(library, term)


def order_problems(library: Library, glossary: Sequence[Term] | None = None) -> Iterator[Problem]:
    """Questions that use a term of the glossary before the step that explains it."""
    order = {step.where: number for number, step in enumerate(library.steps)}
    for term in _of_course(library, glossary):
        for step in library.steps[: order[term.shown]]:
            yield from _too_early(step, term)


def _of_course(library: Library, glossary: Sequence[Term] | None) -> list[Term]:
    """The terms that these lessons show; what others' lessons show is not theirs to explain."""
    known = {step.where for step in library.steps}
    return [term for term in (load_glossary() if glossary is None else glossary) if term.shown in known]


def _other_terms(lesson: Lesson) -> Iterator[Problem]:
    for language, text in lesson.text.items():
        yield from _told(f"{lesson.id}, {language}.md", language, (text.title, text.introduction))
    for step in lesson.steps:
        for language, words in step.text.items():
            yield from _told(f"{step.where}, {language}.md", language, _all_words(words))


def _told(where: str, language: str, texts: Sequence[str]) -> Iterator[Problem]:
    for used, right in dict.fromkeys(one for text in texts for one in other_terms(text, language)):
        yield problem(where, "other_term", used=used, right=right)


def _all_words(text: StepText) -> list[str]:
    return [text.title, text.body, *text.choices.values(), *text.hints, text.solution, *text.verdicts.values(), text.debrief]


def _not_shown(library: Library, term: Term) -> Iterator[Problem]:
    """The step that should explain a term does not name it, in its words or, where it is the first, in the lesson's own."""
    step = library.step(term.shown)
    lesson = library.lesson(step.lesson)
    for language, text in step.text.items():
        first = lesson.text[language].introduction if step is lesson.steps[0] else ""
        if not term.is_in("\n".join([first, *_all_words(text)]), language):
            yield problem(f"{step.where}, {language}.md", "term_not_shown", term=term.words[language].term)


def _too_early(step: Step, term: Term) -> Iterator[Problem]:
    for language, text in step.text.items():
        asked = _prose("\n".join([text.body, *text.choices.values()]))
        if step.kind in QUESTIONS and term.is_in(asked, language):
            where = f"{step.where}, {language}.md"
            yield problem(where, "term_too_early", term=term.words[language].term, shown=term.shown)
