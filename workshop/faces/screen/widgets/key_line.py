"""The line at the foot that names every key that works right now."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static


class KeyLine(Static):
    """Keys and what they do, on one line, set closer together where it would not fit."""

    def __init__(self) -> None:
        """Empty until the screen says which keys work."""
        super().__init__("", markup=False, id="keys")

    def offer(self, keys: Sequence[tuple[str, str]]) -> None:
        """Show these (key, what it does) pairs."""
        self.update(line(keys, self.app.size.width))


def line(keys: Sequence[tuple[str, str]], width: int) -> Text:
    """The pairs as one line, keys bold and underlined so that they stand out without colour."""
    pairs = [Text.assemble((key, "bold underline"), f" {meaning}") for key, meaning in keys]
    line = Text(" ").join([Text(), Text("  ").join(pairs)])
    if line.cell_len > width:
        line = Text(" ").join([Text(), *pairs])
    line.no_wrap = True
    return line
