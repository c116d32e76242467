"""What is recorded of a learner, append-only: events, the file that keeps them, and exports that travel."""

from . import private
from .database import ProgressError
from .events import Event, Past, passed_of, past, uuid7
from .exports import Export, ExportError, export_lines, read_export
from .progress import Progress, default_path, why_not

__all__ = [
    "Event",
    "Export",
    "ExportError",
    "Past",
    "Progress",
    "ProgressError",
    "default_path",
    "export_lines",
    "passed_of",
    "past",
    "private",
    "read_export",
    "uuid7",
    "why_not",
]
