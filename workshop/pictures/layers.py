"""Layers -> figures, as lines of text: which container is stacked of which, and the two roots above one kernel. Pure."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ..facts import Container, Facts, Root, Written
from ..judging import layers_of
from ..words import clean, say
from .drawing import called, cut, heading, wrapped

NAME_CELLS = 12
"""A layer's name is the first twelve digits of its digest."""
COLUMN_CELLS = 7
GAP = 2
BOX_CELLS = 14
MOST_BOXES = 4


# The stack


def layer_stack(facts: Facts, language: str, width: int) -> list[Text]:
    """A row for each layer, the topmost first, a column for each container that has it below; nothing where there is none.

    Where it is narrow, images are left out, that all columns of what is shown stand whole.
    """
    stacked = [one for one in facts.containers if layers_of(one)]
    if not stacked:
        return []
    named = width >= 2 * (NAME_CELLS + GAP) + COLUMN_CELLS
    shown = stacked[: max(1, (width + GAP - (1 + named) * (NAME_CELLS + GAP)) // (COLUMN_CELLS + GAP))]
    rows = dict.fromkeys(layer for one in shown for layer in layers_of(one))
    words = {name: say(language, f"figures.{name}") for name in ("layer", "layer_image", "layer_own")}
    lines = [Text(_line([words["layer"], words["layer_image"]][: 1 + named], [called(one) for one in shown]), "bold")]
    lines.append(Text(_line([words["layer_own"], ""][: 1 + named], [_change(one.written) for one in shown]), "green"))
    for layer in _ordered(list(rows), shown):
        marks = ["ro" if layer in layers_of(one) else "-" for one in shown]
        lines.append(Text(_line([layer[:NAME_CELLS], _images(facts, layer)][: 1 + named], marks)))
    return cut(
        [heading(say(language, "figures.layers"), width), *lines, *wrapped(say(language, "figures.layers_marks"), width)], width
    )


def _ordered(layers: list[str], shown: list[Container]) -> list[str]:
    """The layers so that no one stands above another that lies on it: by how deep they lie, and whoever has them."""
    depth = {
        one: min(len(layers_of(owner)) - layers_of(owner).index(one) for owner in shown if one in layers_of(owner))
        for one in layers
    }
    return sorted(layers, key=lambda one: -depth[one])


def _images(facts: Facts, layer: str) -> str:
    """The names of the images that have a layer, without tags that say nothing; the lowest alone, and how many more, if many."""
    having = [one for one in facts.images if any(digest[7:19] == layer for digest in one.layers)]
    names = [clean(one.name.removesuffix(":latest")) for one in sorted(having, key=lambda one: (len(one.layers), one.name))]
    together = ", ".join(names)
    return together if cell_len(together) <= NAME_CELLS or len(names) == 1 else f"{names[0]} +{len(names) - 1}"


def _change(written: tuple[Written, ...]) -> str:
    """How many names a container has written and deleted."""
    gone = sum(one.kind == "whiteout" for one in written)
    return f"+{len(written) - gone} -{gone}" if written else "rw"


def _line(first: list[str], columns: list[str]) -> str:
    """One row of the table."""
    cells = [set_cell_size(one, NAME_CELLS) for one in first] + [set_cell_size(one, COLUMN_CELLS) for one in columns]
    return (" " * GAP).join(cells)


# Two roots, one kernel


def bootfs(facts: Facts, language: str, width: int) -> list[Text]:
    """A box for each root file system, the host's first, all standing upon the one kernel."""
    fitting = max(2, min(MOST_BOXES, (width - 1) // (BOX_CELLS + 3)))  # one root alone would show nothing
    roots = [(say(language, "figures.host"), facts.host.root), *((called(one), one.root) for one in facts.containers)][:fitting]
    kernel = say(language, "figures.kernel_below", kernel=clean(facts.host.kernel))
    # As wide as it takes to name the kernel below, if there is room.
    cells = min(max(BOX_CELLS, -(-cell_len(kernel) // len(roots))), (width - 1) // len(roots) - 3)
    rule = "+" + f"{'-' * (cells + 2)}+" * len(roots)
    floor = f"+{'-' * (len(rule) - 2)}+"
    lines = [
        rule,
        _boxes([say(language, "figures.root_of", name=name) for name, _ in roots], cells),
        _boxes([_told(root) for _, root in roots], cells),
        floor,
        _boxes([kernel], len(rule) - 4),
        floor,
    ]
    return cut([Text(one) for one in lines], width)


def _boxes(texts: list[str], cells: int) -> str:
    """Texts side by side, each in its box."""
    return "|" + "|".join(f" {set_cell_size(one, cells)} " for one in texts) + "|"


def _told(root: Root) -> str:
    """What tells one root directory from another: device and inode (stat(2))."""
    return f"{root.device}:{root.inode}" if root.inode else "?"
