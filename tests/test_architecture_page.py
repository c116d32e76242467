"""The engineer's pages are so: what is drawn of the code is as new as the code, and each file that is named is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.architecture import PAGES as DRAWN
from docs.architecture import purposes, redrawn, stairs
from docs.count import circles

ROOT = Path(__file__).parents[1]
PAGES = ("docs/architecture.md", "CONTRIBUTING.md")
FLOORS = {"roof": 2, "left": 1, "right": 1}


@pytest.mark.parametrize("page", DRAWN, ids=lambda page: page.name)
def test_the_pictures_are_as_new_as_the_code(page: Path) -> None:
    """Whoever adds a package, an import between two, or a subject of facts, draws them again."""
    text = page.read_text("utf-8")
    assert redrawn(text) == text, "draw them again: .venv/bin/python -m docs.architecture"


def test_a_picture_shows_each_arrow() -> None:
    """A mark in the column of who imports and the row of what is imported, and none elsewhere."""
    assert stairs(FLOORS, {("roof", "right")}).splitlines()[1:-1] == [" 2  roof", " 1  .  left", "    x  .  right"]
    assert stairs(FLOORS, {("roof", "left")}).splitlines()[1:-1] == [" 2  roof", " 1  x  left", "    .  .  right"]


def test_what_a_package_is_for_is_its_first_sentence() -> None:
    """However its lines are broken, and whatever dots it has within."""
    table = purposes({"roof": 2}, {"roof": "Keeps the rain.off\nthe `box`. And more."})
    assert table.splitlines()[-1] == "| 2 | `roof` | Keeps the rain.off the `box` |"


def test_a_circle_is_what_reaches_itself() -> None:
    """By whatever way round; what only leads into one is none of it."""
    assert circles({("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a")}) == {frozenset("abc")}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    """Below the repository, or below workshop/; a name in capitals stands for any."""
    named = re.findall(r"`([\w.]+/[\w./]*)`", (ROOT / page).read_text("utf-8"))
    real = {name for name in named if not re.search("[A-Z]{3}", name)}
    assert real
    assert {name for name in real if not any((root / name).exists() for root in (ROOT, ROOT / "workshop"))} == set()


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_readme_leads_to_both(readme: str) -> None:
    """By a link each."""
    text = (ROOT / readme).read_text("utf-8")
    assert [page for page in PAGES if f"]({page})" not in text] == []
