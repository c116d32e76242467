"""The glossary as a face shows it: which of its terms the step uses, and what is said of each. Pure."""

from __future__ import annotations

from ..course import Term, load_glossary, matching, used_first
from ..learning import Snapshot
from ..words import say


def of_step(now: Snapshot) -> tuple[list[Term], list[Term]]:
    """The terms in what the step shows at this moment, and all others; the debrief counts once the step is passed."""
    text = now.text
    debrief = text.debrief if now.position.state(now.step) == "passed" else ""
    shown = (now.introduction, text.title, text.body, *text.choices.values(), *text.hints[: now.hints_given], debrief)
    return used_first(load_glossary(), "\n".join(shown), now.language)


def of_word(wanted: str, now: Snapshot) -> list[Term]:
    """The terms that a word may mean."""
    return matching(load_glossary(), wanted, now.language)


def name(term: Term, now: Snapshot) -> str:
    """What it is called in the learner's language."""
    return term.words[now.language].term


def told(term: Term, now: Snapshot) -> str:
    """What a term means, and where the course shows it."""
    words = term.words[now.language]
    meaning = say(now.language, "glossary.term", term=words.term, meaning=words.meaning)
    return "\n".join(filter(None, (meaning, _place(term, now))))


def _place(term: Term, now: Snapshot) -> str:
    """Lesson and step that show it; '' where these lessons are of another course."""
    step = next((one for one in now.position.library.steps if one.where == term.shown), None)
    if step is None:
        return ""
    lesson = now.position.library.lesson(step.lesson)
    title = now.wording.text(step, None).title
    number = lesson.steps.index(step) + 1
    return say(now.language, "glossary.shown", lesson=now.wording.lesson(lesson).title, number=number, step=title)
