"""What is recorded of a learner: events, the same with less in them, and the ids that they have. Data, no files."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..facts import Evidence
from ..judging import Value

EVENT_KINDS = ("began", "verdict", "hint", "solution", "undone")


@dataclass(frozen=True)
class Event:
    """One thing that happened. `sequence` orders events, never `time` (epoch seconds), which clocks can turn back.

    `kind` is one of EVENT_KINDS; `verdict` is a verdict's kind, '' for other events. `evidence` lets anybody judge again.
    `content` is the version of the lesson that judged; `hints` how many hints had been given on the step.
    """

    id: str
    sequence: int
    lesson: str
    step: str
    kind: str
    verdict: str = ""
    slug: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    evidence: Evidence | None = None
    content: str = ""
    hints: int = 0
    time: float = 0.0

    @property
    def where(self) -> str:
        """The step's stable name."""
        return f"{self.lesson}/{self.step}"


@dataclass(frozen=True)
class AnswerOnly:
    """The one part of an event's evidence that the review looks at."""

    answer: str | None = None


@dataclass(frozen=True)
class Past:
    """An event without the facts, which are long: what the review draws its questions by."""

    lesson: str
    step: str
    kind: str
    verdict: str = ""
    time: float = 0.0
    evidence: AnswerOnly | None = None

    @property
    def where(self) -> str:
        """The step's stable name."""
        return f"{self.lesson}/{self.step}"

    @property
    def wrong(self) -> bool:
        """True where an answer was given that was not right."""
        return self.verdict == "not_yet" and self.evidence is not None and self.evidence.answer is not None


def passed_of(events: Iterable[Event | Past]) -> frozenset[str]:
    """Names (`lesson/step`) of the steps that passed in these events."""
    return frozenset(one.where for one in events if one.verdict == "passed")


def impossible_of(events: Iterable[Event | Past]) -> frozenset[str]:
    """Names of the steps of which the latest verdict in these events, in order, is that the machine lacks something."""
    latest = {one.where: one.verdict for one in events if one.verdict}
    return frozenset(where for where, verdict in latest.items() if verdict == "impossible")


def past(event: Event) -> Past:
    """The event without its facts."""
    answered = AnswerOnly(event.evidence.answer) if event.evidence else None
    return Past(event.lesson, event.step, event.kind, event.verdict, event.time, answered)


def uuid7() -> str:
    """A new UUIDv7 (RFC 9562): milliseconds since 1970, then random bits."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=number))
