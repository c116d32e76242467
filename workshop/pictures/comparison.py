"""Two containers side by side, fact by fact: the figure at the end of the capstone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import set_cell_size
from rich.text import Text

from ..facts import Container, Facts, Namespaces
from ..words import clean, say, size
from .drawing import SIGNS, STYLES, heading, wrapped

LABEL_CELLS, VALUE_CELLS = 18, 11
SIGN_CELLS = 5
"""A sign, and the spaces between columns."""
MOUNTS_NAMED = 6
NEEDED = frozenset({"cgroups", "mounts", "security", "users"})
"""The subjects that are compared; without them a fact would look like none."""


@dataclass(frozen=True)
class Row:
    """One fact of both: its key in figures.toml is `compared_NAME`."""

    name: str
    one: str
    other: str


def pair(facts: Facts) -> tuple[Container, Container] | None:
    """The newest box and the newest container of another engine, of those with a terminal; None where there are not both."""
    there = sorted((one for one in facts.containers if one.init.terminal), key=lambda one: one.init.started)
    ours, others = ([one for one in there if (one.engine == "box") is of_box] for of_box in (True, False))
    return (ours[-1], others[-1]) if ours and others else None


def comparison(facts: Facts, language: str, width: int) -> list[Text]:
    """The table; what to start first where there are not two to compare."""
    both = pair(facts)
    if both is None or not set(facts.subjects) >= NEEDED:
        return wrapped(say(language, "figures.compared_nothing"), width)
    one, other = both
    cells = min(LABEL_CELLS, width - 2 * VALUE_CELLS - SIGN_CELLS)
    lines = [heading(say(language, "figures.compared"), width), _line("", clean(one.name), clean(other.name), cells)]
    lines += [_compared(row, language, cells) for row in rows(one, other, facts.host.namespaces, language)]
    for left, right in ((one, other), (other, one)):
        lines += _only(left, right, language, width)
    return lines


def rows(one: Container, other: Container, host: Namespaces, language: str) -> list[Row]:
    """Every fact of both that fits into a cell."""
    return [Row(*row) for row in zip(_NAMES, _facts(one, host, language), _facts(other, host, language), strict=True)]


_NAMES = ("engine", "own", "root", "mounts", "uid", "capabilities", "filter", "new_privileges", "label", "pids", "memory")


def _facts(one: Container, host: Namespaces, language: str) -> Sequence[str]:
    """In the order of _NAMES."""
    uid, pids, memory = one.users.host_uid(0), one.cgroups.pids, one.cgroups.memory
    none, no, yes = (say(language, f"figures.{key}") for key in ("no_limit", "compared_no", "compared_yes"))
    return (
        one.engine,
        str(len(one.namespaces.apart_from(host))),
        next((mount.type for mount in reversed(one.mounts) if mount.target == "/"), "?"),
        str(len(one.mounts)),
        "?" if uid is None else str(uid),
        str(one.security.bounding.bit_count()),
        yes if one.security.seccomp else no,
        no if one.security.no_new_privileges else yes,
        clean(one.security.label) or none,
        str(pids.limit) if pids and pids.limit else none,
        size(memory.limit) if memory and memory.limit else none,
    )


def _compared(row: Row, language: str, cells: int) -> Text:
    answer = "same" if row.one == row.other else "different"
    label = say(language, f"figures.compared_{row.name}")
    return Text.assemble(_line(label, row.one, row.other, cells), " ", (SIGNS[answer], STYLES[answer]))


def _line(label: str, one: str, other: str, cells: int) -> Text:
    """A row whose label has so many cells."""
    return Text(" ".join([set_cell_size(label, cells), *(set_cell_size(value, VALUE_CELLS) for value in (one, other))]))


def _only(one: Container, other: Container, language: str, width: int) -> list[Text]:
    """Where only one of them has something mounted."""
    there = {mount.target for mount in other.mounts}
    found = list(dict.fromkeys(mount.target for mount in one.mounts if mount.target not in there))
    if not found:
        return []
    named = " ".join(map(clean, found[:MOUNTS_NAMED])) + (" ..." if len(found) > MOUNTS_NAMED else "")
    return wrapped(say(language, "figures.compared_only", name=clean(one.name), count=len(found), mounts=named), width)
