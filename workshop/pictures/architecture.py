"""The article's figure of Docker's architecture, drawn from what runs now: client, server, containers, images, registry. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest

from rich.cells import set_cell_size
from rich.text import Text

from ..facts import Component, Facts
from ..words import clean, say
from .drawing import called, cut, heading

WIDE = 100
"""Cells from which on the parts stand side by side, as in the article."""
CLIENT_CELLS, REGISTRY_CELLS, ARROW_CELLS = 26, 30, 6
SERVING = ("daemon", "containerd", "shim", "helper")
MOST_ROWS = 6
"""Rows of one part: a picture is no list."""


def architecture(facts: Facts, language: str, width: int) -> list[Text]:
    """Who asks whom at this moment; nothing where components were not looked at."""
    if "components" not in facts.subjects:
        return []
    drawn = _side_by_side(facts, language, width) if width >= WIDE else _stacked(facts, language, width)
    return cut([heading(say(language, "figures.architecture"), width), *map(Text, drawn)], width)


def _side_by_side(facts: Facts, language: str, width: int) -> list[str]:
    """Client, server with what it runs, registry, from left to right."""
    middle = width - CLIENT_CELLS - REGISTRY_CELLS - 2 * ARROW_CELLS
    columns = (
        (_frame(language, "client", _clients(facts, language), CLIENT_CELLS), CLIENT_CELLS),
        (_arrow(), ARROW_CELLS),
        (_server(facts, language, middle), middle),
        (_arrow(), ARROW_CELLS),
        (_frame(language, "registry", _repositories(facts, language), REGISTRY_CELLS), REGISTRY_CELLS),
    )
    rows = zip_longest(*(lines for lines, _ in columns), fillvalue="")
    return ["".join(set_cell_size(line, cells) for line, (_, cells) in zip(row, columns, strict=True)) for row in rows]


def _stacked(facts: Facts, language: str, width: int) -> list[str]:
    """The same from top to bottom, with the way between two parts on the line between them."""
    lines = _frame(language, "client", _clients(facts, language), width)
    lines += [f"   | {way}" for way in _ways(facts)] or ["   |"]
    lines += _server(facts, language, width)
    lines += ["   | HTTP", *_frame(language, "registry", _repositories(facts, language), width)]
    return lines


def _server(facts: Facts, language: str, width: int) -> list[str]:
    """The engine's own processes, and under them what they look after; images where a step looks at these."""
    parts = {"server": _serving(facts, language), "containers": _containers(facts, language)}
    if "images" in facts.subjects:
        parts["images"] = _images(facts, language)
    return [line for part, lines in parts.items() for line in _frame(language, part, lines, width)]


def _arrow() -> list[str]:
    return ["", " ---> "]


def _frame(language: str, part: str, lines: list[str], width: int) -> list[str]:
    """A part with its name in the upper edge."""
    title = f"+- {say(language, f'figures.part_{part}')} "
    shown = (
        lines
        if len(lines) <= MOST_ROWS
        else [*lines[: MOST_ROWS - 1], say(language, "figures.part_more", count=len(lines) - MOST_ROWS + 1)]
    )
    edge = f"+{'-' * (width - 2)}+"
    top = set_cell_size(f"{title}{'-' * width}", width - 1) + "+"
    return [top, *(f"| {set_cell_size(line, width - 4)} |" for line in shown), edge]


def _ways(facts: Facts) -> list[str]:
    """The sockets at which a client can ask: containerd's is the daemon's own way."""
    return [clean(one) for one in facts.host.sockets if not one.endswith("containerd.sock")][:2]


def _clients(facts: Facts, language: str) -> list[str]:
    running = [f"{clean(one.name)} ({one.pid})" for one in facts.host.components if one.part == "client"]
    return running or [say(language, "figures.part_none")]


def _serving(facts: Facts, language: str) -> list[str]:
    """Each process of the engines' with its number; the shims, one a container, in one row."""
    running = [one for one in facts.host.components if one.part in SERVING]
    names = Counter(one.name for one in running if one.part == "shim")
    rows = [_said(one, language) for one in running if one.part != "shim"]
    return [*rows, *(f"{clean(name)} x {count}" for name, count in names.items())] or [say(language, "figures.part_none")]


def _said(one: Component, language: str) -> str:
    """The helper is called by what it is: the kernel only knows the name of its interpreter."""
    name = clean(one.name)
    return say(language, "figures.part_helper", name=name, pid=one.pid) if one.part == "helper" else f"{name} ({one.pid})"


def _containers(facts: Facts, language: str) -> list[str]:
    rows = [f"{called(one)}: {clean(one.init.name)} ({one.init.pid}), {one.engine}" for one in facts.containers]
    return rows or [say(language, "figures.part_none")]


def _images(facts: Facts, language: str) -> list[str]:
    """The images that box holds, by name and the beginning of their digest; those of Docker only Docker knows."""
    rows = [clean(f"{one.name} {_short(one.id)}") for one in facts.images]
    return rows or [say(language, "figures.part_none")]


def _repositories(facts: Facts, language: str) -> list[str]:
    if "registry" not in facts.subjects:
        return [say(language, "figures.part_not_asked")]
    if not facts.registry.answers:
        return [say(language, "figures.part_none")]
    return list(_tags(facts)) or [say(language, "figures.part_empty")]


def _tags(facts: Facts) -> Iterator[str]:
    for repository in facts.registry.repositories:
        yield clean(repository.name)
        for tag in repository.tags:
            yield clean(f"  {tag.name} {_short(tag.digest)}")


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
