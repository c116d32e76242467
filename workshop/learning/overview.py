"""Where a learner is: lessons, steps and what ever passed, as data and as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ..course import Library
from ..progress import Past, impossible_of, passed_of
from ..words import say


@dataclass(frozen=True)
class LessonOverview:
    """One lesson: `titles` by language; `steps` in order with whether each ever passed; `impossible` those that can't here."""

    lesson: str
    titles: dict[str, str]
    minutes: int
    steps: dict[str, bool]
    impossible: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overview:
    """All lessons, and the step of the latest event as `lesson/step`, None where nothing was begun."""

    lessons: tuple[LessonOverview, ...]
    latest: str | None


def overview(library: Library, past: Sequence[Past]) -> Overview:
    """The overview of what has happened, in order."""
    passed, impossible = passed_of(past), impossible_of(past) - passed_of(past)
    lessons = tuple(
        LessonOverview(
            lesson.id,
            {language: text.title for language, text in lesson.text.items()},
            lesson.minutes,
            {step.id: step.where in passed for step in lesson.steps},
            tuple(step.id for step in lesson.steps if step.where in impossible),
        )
        for lesson in library.lessons
    )
    return Overview(lessons, past[-1].where if past else None)


def as_json(seen: Overview) -> str:
    """The overview as one JSON object."""
    return msgspec.json.encode(seen).decode()


def render(seen: Overview, language: str) -> str:
    """A line a lesson, and where the learner is."""
    lines = [
        say(
            language, "cli.progress_line", title=one.titles.get(language, one.lesson), minutes=one.minutes,
            passed=sum(one.steps.values()), total=len(one.steps) - len(one.impossible),
        )
        for one in seen.lessons
    ]  # fmt: skip
    here = say(language, "cli.progress_here", step=seen.latest) if seen.latest else say(language, "cli.progress_none")
    return "\n".join([*lines, here])
