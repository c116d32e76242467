"""Values that are one learner's own: drawn for each learner and lesson, so that a neighbour's line does not pass. Pure."""

from __future__ import annotations

import hashlib

from .lesson import Lesson


def drawn(lesson: Lesson, learner: str) -> dict[str, str | int]:
    """Each of the lesson's values by its name, the same whenever this learner (an id) comes back."""
    return {name: choices[_number(learner, lesson.id, name) % len(choices)] for name, choices in lesson.values.items()}


def _number(*of: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(of).encode()).digest()[:8])
