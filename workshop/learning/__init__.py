"""One learner at work: where that is, what was seen and judged, how it is worded, reviewed and undone."""

from .overview import as_json, overview, render
from .rebuilding import missing
from .session import Session
from .undo import end_orphans, undo
from .wording import fault, keystrokes, not_saved, readable, told

__all__ = [
    "Session",
    "as_json",
    "end_orphans",
    "fault",
    "keystrokes",
    "missing",
    "not_saved",
    "overview",
    "readable",
    "render",
    "told",
    "undo",
]
