"""Draws what two pages say of the code, from the code: `python -m docs.architecture`.

Into docs/architecture.md packages and who imports whom, into docs/authors.md the subjects of facts and what things are called.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from docs.terms import names, rules
from tests.imports import imports, package_of, trees
from tests.test_architecture import FACADES, FLOORS, ROOMS, room_of
from workshop.authoring.lint_terms import load_rules
from workshop.course import load_glossary
from workshop.facts import SUBJECT_GUIDE

PAGES = (Path(__file__).with_suffix(".md"), Path(__file__).with_name("authors.md"))
BLOCK = re.compile(r"(<!-- drawn: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
"""What is drawn stands between two comments; the first says what it is."""
CELL = 3
Arrows = set[tuple[str, str]]
"""Importer and imported."""


def stairs(floors: Mapping[str, int], arrows: Arrows) -> str:
    """A step for each package, from the top; below it a mark in the row of each that it imports. Pure."""
    names = sorted(floors, key=lambda name: (-floors[name], name))
    rows = []
    for number, name in enumerate(names):
        marks = "".join(("x" if (above, name) in arrows else ".").ljust(CELL) for above in names[:number])
        floor = str(floors[name]) if number == 0 or floors[names[number - 1]] != floors[name] else ""
        rows.append(f"{floor:>2}  {marks}{name}")
    return "\n".join(["```text", *rows, "```", ""])


def purposes(floors: Mapping[str, int], first_pages: Mapping[str, str]) -> str:
    """A table of what each package is for: the first sentence of its first page. Pure."""
    names = sorted(floors, key=lambda name: (-floors[name], name))
    sentences = {name: re.split(r"\.\s", f"{first_pages[name]} ", maxsplit=1)[0] for name in names}
    rows = [f"| {floors[name]} | `{name}` | {' '.join(sentences[name].split())} |" for name in names]
    return "\n".join(["| floor | package | what it is for |", "| --- | --- | --- |", *rows, ""])


def arrows(of: Callable[[str], str]) -> Arrows:
    """Who imports whom, when each module is told by what it is of."""
    found = {(of(one.importer), of(one.imported)) for one in imports() if one.importer not in FACADES}
    return {(importer, imported) for importer, imported in found if importer and imported and importer != imported}


def first_pages(package: str, names: Iterable[str]) -> dict[str, str]:
    """The docstring of each of a package's parts."""
    return {name: ast.get_docstring(trees()[f"{package}.{name}"][1]) or "" for name in names}


def guide(subjects: Mapping[str, str]) -> str:
    """A table of what each subject gives. Pure."""
    rows = [f"| `{name}` | {gives} |" for name, gives in subjects.items()]
    return "\n".join(["| subject | what it gives |", "| --- | --- |", *rows, ""])


def redrawn(page: str) -> str:
    """The page with its pictures as the code is now."""
    drawn = {
        "packages": purposes(FLOORS, first_pages("workshop", FLOORS)),
        "imports": stairs(FLOORS, arrows(package_of)),
        "rooms": purposes(ROOMS, first_pages("workshop.helper", ROOMS)),
        "subjects": guide(SUBJECT_GUIDE),
        "rules": rules(load_rules()),
        "names": names(load_glossary()),
        "doors": stairs(ROOMS, arrows(room_of)),
    }
    return BLOCK.sub(lambda block: f"{block[1]}{drawn[block[2]]}{block[3]}", page)


if __name__ == "__main__":
    for one in PAGES:
        one.write_text(redrawn(one.read_text("utf-8")), "utf-8")
