"""The figures that a lesson's text can ask for by `{name}`, and such a text with them drawn. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ..facts import Facts
from .comparison import comparison
from .drawing import timeline
from .history import own_first
from .layers import bootfs, layer_stack

OF_FACTS = {"comparison": comparison, "bootfs": bootfs, "layers": layer_stack}
"""Those that are drawn from what was seen."""
FIGURES = frozenset({"timeline", *OF_FACTS})
"""Every name of a figure."""


TEXT_CELLS = 74
"""How wide a figure in a text is where no pane says otherwise: lines of text have 78, and a fence takes some."""


def drawn(text: str, facts: Facts | None, language: str, width: int) -> str:
    """The text with each figure where it says `{timeline}` or the like; what needs facts stays until there are some."""
    if "{timeline}" in text:
        text = text.replace("{timeline}", _plain(timeline(language, width)))
    for name, figure in OF_FACTS.items():
        if f"{{{name}}}" in text and facts:
            text = text.replace(f"{{{name}}}", _plain(figure(own_first(facts), language, width)))
    return text


def _plain(lines: Sequence[Text]) -> str:
    return "\n".join(line.plain for line in lines)
