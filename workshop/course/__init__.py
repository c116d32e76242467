"""Lessons as authors write them: folders of TOML and prose, parsed into data, with the checks that belong to them and the
recorded cases that hold those."""

from .cases import Case, read_case, write_case
from .draws import drawn
from .lesson import ContentError, Lesson, LessonText, Step, StepText, Typed
from .library import Library, content_folder, load_library

__all__ = [
    "Case",
    "ContentError",
    "Lesson",
    "LessonText",
    "Library",
    "Step",
    "StepText",
    "Typed",
    "content_folder",
    "drawn",
    "load_library",
    "read_case",
    "write_case",
]
