"""What the instructor hands in and gets out: exports read, and the report printed in one of three forms."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..course import load_library
from ..progress.exports import ExportError, read_export
from ..words import say, sentence
from . import tables
from .report import Handed, Refused, report


def command(files: Sequence[Path], as_json: bool, as_csv: bool, language: str) -> int:
    """Print the report on these files; 0 if every file was read, 1 if one was not, 2 for a contradictory request."""
    if as_json and as_csv:
        print(say(language, "classroom.one_format"), file=sys.stderr)
        return 2
    handed, refused = read(files, language)
    found = report(handed, load_library(), refused)
    if as_json:
        print(tables.as_json(found))
    elif as_csv:
        print(tables.as_csv(found), end="")
    else:
        tables.show(found, language)
    if as_csv:
        print("\n".join(tables.refusals(found, language)), end="\n" if refused else "", file=sys.stderr)
    return 1 if refused else 0


def read(files: Sequence[Path], language: str) -> tuple[list[Handed], list[Refused]]:
    """What the files hold, and those that are no whole export with the reason; one bad file hides no other."""
    handed, refused = [], []
    for file in files:
        try:
            handed.append(Handed(str(file), read_export(file)))
        except ExportError as error:
            refused.append(Refused(str(file), sentence(language, error)))
    return handed, refused
