"""What is recorded of a learner, append-only: events, the file that keeps them, and `exports`, which travel.

The last are slow to load, and are loaded by whoever imports them.
"""

from . import private
from .database import ProgressError
from .events import Event, Past, impossible_of, passed_of, past, uuid7
from .progress import Progress, default_path, why_not

__all__ = [
    "Event",
    "Past",
    "Progress",
    "ProgressError",
    "default_path",
    "exports",
    "impossible_of",
    "passed_of",
    "past",
    "private",
    "uuid7",
    "why_not",
]
