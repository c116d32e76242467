"""Where a learner is: lessons, steps and what ever passed, as data and as lines of text."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from ..course import Library
from ..words import say


@dataclass(frozen=True)
class LessonOverview:
    """One lesson: `titles` by language; `steps` in order with whether each ever passed."""

    lesson: str
    titles: dict[str, str]
    minutes: int
    steps: dict[str, bool]


@dataclass(frozen=True)
class Overview:
    """All lessons, and the step of the latest event as `lesson/step`, None where nothing was begun."""

    lessons: tuple[LessonOverview, ...]
    latest: str | None


def overview(library: Library, passed: frozenset[str], latest: str | None) -> Overview:
    """The overview of what ever passed."""
    lessons = tuple(
        LessonOverview(
            lesson.id,
            {language: text.title for language, text in lesson.text.items()},
            lesson.minutes,
            {step.id: step.where in passed for step in lesson.steps},
        )
        for lesson in library.lessons
    )
    return Overview(lessons, latest)


def as_json(seen: Overview) -> str:
    """The overview as one JSON object."""
    return msgspec.json.encode(seen).decode()


def render(seen: Overview, language: str) -> str:
    """A line a lesson, and where the learner is."""
    lines = [
        say(
            language, "cli.progress_line", title=one.titles.get(language, one.lesson), minutes=one.minutes,
            passed=sum(one.steps.values()), total=len(one.steps),
        )
        for one in seen.lessons
    ]  # fmt: skip
    here = say(language, "cli.progress_here", step=seen.latest) if seen.latest else say(language, "cli.progress_none")
    return "\n".join([*lines, here])
