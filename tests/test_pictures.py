"""README's pictures: they are there, show nothing of the machine that made them, and hold wide characters in their cells."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs import pictures

ROOT = Path(__file__).parents[1]
PICTURES = sorted((ROOT / "docs").glob("*.svg"))


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_every_picture_of_a_readme_is_there(readme: str) -> None:
    """And each language shows its own."""
    named = re.findall(r"\]\((docs/[^)]*\.svg)\)", (ROOT / readme).read_text("utf-8"))
    assert {ROOT / name for name in named} == {one for one in PICTURES if one.name.endswith(".zh.svg") == (readme != "README.md")}


@pytest.mark.parametrize("picture", PICTURES, ids=lambda one: one.name)
def test_a_picture_names_no_place_of_its_machine(picture: Path) -> None:
    """No folder of whoever made it, nothing that is loaded from elsewhere; and it is an SVG."""
    text = picture.read_text("utf-8")
    ElementTree.fromstring(text)  # noqa: S314  # our own file
    assert not re.search(r"/home/|/tmp/|/root|/work|@font-face|url\(\"?http", text)


def test_wide_and_narrow_characters_stand_in_their_cells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each run begins where its cell begins, whatever font shows it."""
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(pictures, "ROOT", tmp_path)
    pictures.write("one", '<svg ><text class="a" x="12.2" y="1" textLength="61">终端&#160;1：</text></svg>')
    placed = re.findall(r'x="([0-9.]+)"[^>]*>([^<]*)<', (tmp_path / "docs" / "one.svg").read_text("utf-8"))
    assert placed == [("12.2", "终端"), ("61.0", "&#160;1"), ("85.4", "：")]
