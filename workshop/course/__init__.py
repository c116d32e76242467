"""Lessons as authors write them: folders of TOML and prose, parsed into data, with the checks that belong to them and the
recorded cases that hold those."""

from .cases import Case, read_case, write_case
from .draws import drawn
from .glossary import Term, load_glossary, matching, parse_glossary, used_first
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
    "Term",
    "Typed",
    "content_folder",
    "drawn",
    "load_glossary",
    "load_library",
    "matching",
    "parse_glossary",
    "read_case",
    "used_first",
    "write_case",
]
