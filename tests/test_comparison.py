"""Two containers side by side: which are compared, and what the figure says of each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from workshop.course.cases import read_case
from workshop.course.library import load_library
from workshop.facts import Facts
from workshop.pictures.comparison import comparison, pair
from workshop.words import LANGUAGES

LIBRARY = load_library()
FACTS = LIBRARY.folder(LIBRARY.lesson("from_scratch")) / "facts"
SEEN = read_case(FACTS / "compare__right.json").evidence.now
"""A box, and a container made by `unshare -fpmuin --mount-proc sh`."""


def table(facts: Facts, language: str = "en") -> dict[str, list[str]]:
    """The values of each row by its label."""
    lines = [line.plain for line in comparison(facts, language, 46)]
    return {line[:18].strip(): line[18:].split() for line in lines}


def test_each_fact_of_both_stands_in_a_row() -> None:
    """What the kernel showed of a box and of a container made by hand, with a sign for what differs."""
    rows = table(SEEN)
    assert rows["made by"] == ["box", "unshare", "!="]
    assert rows["own namespaces"] == ["7", "5", "!="]
    assert rows["/ is of type"] == ["overlay", "ext4", "!="]
    assert rows["root is host's uid"] == ["2147483648", "0", "!="]
    assert rows["capabilities"] == ["14", "40", "!="]
    assert rows["seccomp filter"] == ["yes", "no", "!="]
    assert rows["can gain more"] == ["no", "yes", "!="]
    assert rows["security label"] == ["none", "none", "="]


def test_mounts_of_one_only_are_named() -> None:
    """Each side's own mounts are counted, and the first of them named."""
    text = " ".join(line.plain for line in comparison(SEEN, "en", 200))
    assert "Mounted in lab only" in text
    assert "17: /dev/null" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("facts", [SEEN, Facts(), replace(SEEN, subjects=())], ids=["both", "nothing", "not looked at"])
def test_no_line_is_too_wide(language: str, facts: Facts) -> None:
    """In both languages every line fits, also where there is nothing to compare."""
    assert all(0 < cell_len(line.plain) <= 46 for line in comparison(facts, language, 46))


def test_another_box_or_a_service_is_not_compared() -> None:
    """It takes a box and another engine's container, both with a terminal."""
    boxes = tuple(one for one in SEEN.containers if one.engine == "box")
    silent = tuple(replace(one, init=replace(one.init, terminal=0)) for one in SEEN.containers)
    assert pair(replace(SEEN, containers=boxes)) is None
    assert pair(replace(SEEN, containers=silent)) is None
