"""Two terminals, one of them in view, and the line that says which."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Protocol, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from ...language import say
from ...lesson import Typed

NUMBERS = (1, 2)
QUIET = 0.3
"""Seconds without output after which a line typed for the learner counts as done."""
PATIENCE = 5.0
"""Seconds after which the next line is typed although the terminal still moves."""
SHORTEST_LIFE = 1.0
"""A shell that ends sooner than this many seconds after its start is not started again."""


class Pane(Protocol):
    """What a terminal can do, TerminalPane's way: its type is loaded late."""

    def start(self) -> None:
        """Start the shell."""

    def type(self, text: str) -> None:
        """Send text to the shell."""


MakePane = Callable[[str], Widget]
"""Makes a terminal pane (a widget that is a Pane) that speaks this language."""


class Terminals(Container):
    """Starts each terminal's shell when it is first shown, and a new one when a shell ends."""

    class Moved(Message):
        """A terminal showed something new."""

    class Ended(Message):
        """A shell ended; `again` tells whether a new one was started in its place."""

        def __init__(self, number: int, again: bool) -> None:
            """Keep which terminal."""
            super().__init__()
            self.number = number
            self.again = again

    def __init__(self, make_pane: MakePane) -> None:
        """Panes are made by `make_pane`, each once it is needed."""
        super().__init__(id="terminals")
        self._make_pane = make_pane
        self._panes: dict[int, Widget] = {}
        self._started: dict[int, float] = {}
        self._moved = 0.0
        self.shown = 1
        self.language = "en"

    def compose(self) -> ComposeResult:
        """The tab line; panes come with `show`."""
        yield Static("", markup=False, id="tabs")

    @property
    def active(self) -> bool:
        """True while keys go to a terminal."""
        focused = self.screen.focused
        return focused is not None and self in focused.ancestors

    async def show(self, number: int) -> Widget:
        """Bring a terminal into view, with its shell started."""
        self.shown = number
        if number not in self._panes:
            await self._start(number)
        for other, pane in self._panes.items():
            pane.display = other == number
        self.label()
        return self._panes[number]

    async def _start(self, number: int) -> None:
        pane = self._panes[number] = self._make_pane(self.language)
        self._started[number] = time.monotonic()
        await self.mount(pane)
        cast(Pane, pane).start()

    async def enter(self, number: int | None = None) -> None:
        """Hand the keys to a terminal, the one in view where none is named."""
        pane = await self.show(number or self.shown)
        pane.focus()

    def label(self) -> None:
        """Say which terminal is in view and how to get there and back."""
        line = Text(no_wrap=True)
        for number in NUMBERS:
            name = say(self.language, "tui.terminal", number=number)
            if number == self.shown:
                line.append(f"[{name}] ", "bold reverse" if self.active else "bold")
            else:
                line.append(f" {name}  ", "dim")
        line.append(say(self.language, "tui.keys_go_to_shell" if self.active else "tui.keys_go_to_lesson"), "italic")
        self.query_one("#tabs", Static).update(line)

    async def type_lines(self, lines: Iterable[Typed]) -> None:
        """Type lines into the terminals that they name, each once the one before has been answered."""
        for line in lines:
            pane = await self.show(line.terminal)
            sent = time.monotonic()
            cast(Pane, pane).type(f"{line.line}\r")
            await self._quiet(sent)

    async def _quiet(self, since: float) -> None:
        """Return once a terminal has moved and then been quiet, or after PATIENCE."""
        while (now := time.monotonic()) - since < PATIENCE:
            if self._moved > since and now - self._moved > QUIET:
                return
            await asyncio.sleep(QUIET / 6)

    def on_terminal_pane_moved(self, event: Message) -> None:
        """Remember when, for `type_lines`, and tell the screen."""
        event.stop()
        self._moved = time.monotonic()
        self.post_message(self.Moved())

    async def on_terminal_pane_exited(self, event: Message) -> None:
        """Put a new shell where one ended, unless it could not live at all."""
        event.stop()
        number = next((number for number, pane in self._panes.items() if pane is event._sender), None)
        if number is None:
            return
        again = time.monotonic() - self._started[number] > SHORTEST_LIFE
        if again:
            await self._replace(number)
        self.post_message(self.Ended(number, again))

    async def _replace(self, number: int) -> None:
        old = self._panes.pop(number)
        had_focus = self.screen.focused is old
        await old.remove()
        if self.shown == number:
            pane = await self.show(number)
            if had_focus:
                pane.focus()
