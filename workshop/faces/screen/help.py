"""Help: how the workshop works, and every key."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ...engines import Choice
from ...words import say
from .widgets.key_line import KeyLine

EXPLAINED = (
    ("Tab", "terminal"), ("^]", "lesson"), ("o", "other"), ("1-9", "choose"), ("a", "answer"), ("n", "next"), ("b", "back"),
    ("h", "hint"), ("s", "solution"), ("t", "type_solution"), ("r", "rebuild"), ("u", "undo"), ("c", "check"), ("v", "view"),
    ("g", "glossary"), ("m", "map"), ("l", "language"), ("d", "dark"), ("q", "quit"),
)  # fmt: skip


class HelpScreen(ModalScreen[None]):
    """Over whatever was there; any of the keys that one would try closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,enter,q", "dismiss", show=False)]

    def __init__(self, language: str, engine: Choice) -> None:
        """In this language, for the engine that lessons type."""
        super().__init__()
        self._language = language
        self._engine = engine

    def compose(self) -> ComposeResult:
        """Two paragraphs, then the keys, each with a sentence."""
        with VerticalScroll(id="help"):
            yield Static(say(self._language, "tui.help_text"), markup=False)
            why = self._engine.reason(self._language)
            yield Static(say(self._language, "tui.help_engine", engine=why), markup=False)
            yield Static(self._keys(), markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """The way out."""
        self.query_one(KeyLine).offer([("Esc", say(self._language, "tui.key_close"))])

    def _keys(self) -> Text:
        lines = [
            Text.assemble((f"{key:>5}", "bold"), "  ", say(self._language, f"tui.help_{meaning}")) for key, meaning in EXPLAINED
        ]
        return Text("\n").join(lines)
