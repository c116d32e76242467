"""What a step needs and has gone since: found by the needed steps' own checks. Pure."""

from __future__ import annotations

from ..course import Library, Step
from ..facts import Evidence, Facts
from ..judging import Passed, attempt, untouched
from .judge import needs


def absent(library: Library, step: Step, now: Facts) -> Step | None:
    """The first step that this one needs whose result is not there now, whenever it came to be; None where all is."""
    return next((one for one in needs(library, step) if not _holds(library, one, now)), None)


def _holds(library: Library, step: Step, now: Facts) -> bool:
    return isinstance(attempt(library, step, Evidence(untouched(now), now)), Passed)
