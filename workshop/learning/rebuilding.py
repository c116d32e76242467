"""What a step needs and has gone since: found by the needed steps' own checks. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..course import Library, Step
from ..facts import Evidence
from ..judging import Passed, attempt, untouched
from .judge import needs


def absent(library: Library, step: Step, evidence: Evidence) -> Step | None:
    """The first step that this one needs whose result is not there now, whenever it came to be; None where all is."""
    anew = replace(evidence, before=untouched(evidence.now), answer=None)
    return next((one for one in needs(library, step) if not isinstance(attempt(library, one, anew), Passed)), None)
