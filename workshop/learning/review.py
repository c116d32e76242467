"""Which questions of the review are due, and in what order. Pure: what happened and the time in, names of steps out.

A question that was answered rightly comes back after a distance that grows each time; one that was answered wrongly, or only
after a hint or the solution, comes back soon. One never asked comes up once its chapter was begun, and the sooner the more
went wrong there.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..course import Step
from ..progress import Past

MINUTE = 60.0
DAY = 24 * 60 * MINUTE
DISTANCES = (10 * MINUTE, 1 * DAY, 3 * DAY, 7 * DAY, 16 * DAY, 35 * DAY)
"""Seconds until a question comes back, by how many times in a row it was answered rightly and without help."""


@dataclass(frozen=True)
class Standing:
    """How well a question is known: right answers in a row, 0 after a wrong or a helped one, and when it was last answered."""

    row: int = 0
    answered: float | None = None

    @property
    def distance(self) -> float:
        """Seconds from the last answer until the question is due."""
        return DISTANCES[min(self.row, len(DISTANCES) - 1)]


def standing(past: Iterable[Past]) -> Standing:
    """What one question's events come to. A visit counts once: by its first right answer, if nothing went wrong before."""
    now, helped, done = Standing(), False, False
    for event in past:
        if event.kind == "began":
            helped = done = False
        elif event.kind in ("hint", "solution"):
            helped = True
        elif event.wrong:
            now, helped = Standing(0, event.time), True
        elif event.verdict == "passed" and not done:
            now, done = Standing(0 if helped else now.row + 1, event.time), True
    return now


def due(questions: Sequence[Step], past: Sequence[Past], now: float) -> list[Step]:
    """The questions that are due at this time (epoch seconds), the most urgent first."""
    urgencies = {one.where: _urgency(one, past, now) for one in questions}
    waiting = [one for one in questions if urgencies[one.where] >= 1]
    return sorted(waiting, key=lambda one: (-urgencies[one.where], _shuffled(one, now)))


def _urgency(question: Step, past: Sequence[Past], now: float) -> float:
    """How often its distance has gone by since it was answered; from 1 on it is due."""
    known = standing(one for one in past if one.where == question.where)
    if known.answered is not None:
        return max(0.0, now - known.answered) / known.distance
    chapter = [one for one in past if one.lesson == question.about]
    return 1 + sum(one.wrong or one.kind in ("hint", "solution") for one in chapter) if chapter else 0.0


def _shuffled(question: Step, now: float) -> int:
    """Mixes the chapters among equals, each day anew."""
    return zlib.crc32(f"{question.where} {now // DAY}".encode())
