"""One learner at work: where that is, what was seen and judged, how it is worded, reviewed and undone.

A face has a `Desk`, which takes its questions, and shows the frozen `Snapshot` that each of them leaves. Who works without a
face, as the solver does, has the `Session` itself.
"""

from .desk import Desk, Trouble
from .overview import as_json, overview, render
from .session import Session
from .snapshot import Snapshot
from .typed_lines import keystrokes, readable
from .undo import end_orphans, undo

__all__ = [
    "Desk",
    "Session",
    "Snapshot",
    "Trouble",
    "as_json",
    "end_orphans",
    "keystrokes",
    "overview",
    "readable",
    "render",
    "undo",
]
