"""The live picture: figures of the latest facts, as wide as there is room."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from ....facts import Facts
from ....pictures import History, picture, recorded


class Picture(VerticalScroll, can_focus=True):
    """Draws again only when there is something new to see. The space bar reads on, as in the lesson."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "page_down", show=False)]

    def __init__(self) -> None:
        """Nothing has been seen yet."""
        super().__init__(id="picture")
        self._facts: Facts | None = None
        self._language = ""  # nobody has said yet
        self._covered = frozenset[str]()
        self._history = History()
        self._shown = Text()

    def compose(self) -> ComposeResult:
        """One block of lines."""
        yield Static("", markup=False, id="figures")

    def draw(self, facts: Facts | None, language: str, covered: frozenset[str]) -> None:
        """Show these facts, and what moves from look to look, but for what is `covered`."""
        past, self._history = self._history, recorded(self._history, time.monotonic(), facts or Facts())
        shown = (facts, language, covered)
        if (shown, past.moments[:-1]) != ((self._facts, self._language, self._covered), self._history.moments[:-1]):
            self._facts, self._language, self._covered = shown
            self._redraw()

    def on_resize(self) -> None:
        """Fill the new width."""
        self._redraw()

    def _redraw(self) -> None:
        width = self.scrollable_content_region.width
        if not (width and self._language):  # not laid out, or not displayed: on_resize comes when it is
            return
        drawn = Text("\n").join(picture(self._facts, self._language, width, self._history, self._covered))
        if drawn != self._shown:
            self._shown = drawn
            self.query_one("#figures", Static).update(drawn)
