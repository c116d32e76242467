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

from ....course import Typed
from ....learning import keystrokes
from ....words import say

NUMBERS = (1, 2)
QUIET_SECONDS = 0.3
"""Seconds without output after which a line typed for the learner counts as done."""
LINE_SECONDS = 5.0
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


class Slot(Container):
    """The place of one terminal: a shell that ends is followed by a new one, unless it could not live at all."""

    class Ended(Message):
        """A shell ended; `again` tells whether a new one was started in its place."""

        def __init__(self, number: int, again: bool) -> None:
            """Keep which terminal."""
            super().__init__()
            self.number = number
            self.again = again

    def __init__(self, number: int, make: Callable[[], Widget]) -> None:
        """Nothing runs before it is mounted."""
        super().__init__(classes="slot")
        self.number = number
        self._make = make
        self._since = 0.0
        self.pane: Widget | None = None

    async def start(self) -> None:
        """A fresh pane with a fresh shell."""
        self.pane = self._make()
        self._since = time.monotonic()
        await self.mount(self.pane)
        cast(Pane, self.pane).start()

    async def on_terminal_pane_exited(self, event: Message) -> None:
        """Put a new shell where one ended."""
        event.stop()
        again = time.monotonic() - self._since > SHORTEST_LIFE
        if again and self.pane is not None:
            had_focus = self.screen.focused is self.pane
            await self.pane.remove()
            await self.start()
            if had_focus:
                self.screen.set_focus(self.pane)
        self.post_message(self.Ended(self.number, again))


class Terminals(Container):
    """Starts each terminal's shell when it is first shown."""

    class Moved(Message):
        """A terminal showed something new."""

    def __init__(self, make_pane: MakePane) -> None:
        """Panes are made by `make_pane`, each once it is needed."""
        super().__init__(id="terminals")
        self._slots = {number: Slot(number, lambda: make_pane(self.language)) for number in NUMBERS}
        self._moved = 0.0
        self._more = False
        self.shown = NUMBERS[0]
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
        slot = self._slots[number]
        if not slot.is_attached:
            await self.mount(slot)
        if slot.pane is None:
            await slot.start()
        for other, one in self._slots.items():
            one.display = other == number
        self.label()
        assert slot.pane is not None  # it was started  # noqa: S101
        return slot.pane

    async def enter(self, number: int | None = None) -> None:
        """Hand the keys to a terminal, the one in view where none is named."""
        pane = await self.show(number or self.shown)
        self.screen.set_focus(pane)

    def label(self, more: bool | None = None) -> None:
        """Say which terminal is in view and how to get there and back, and how to read on where there is `more` text."""
        self._more = self._more if more is None else more
        line = Text(no_wrap=True)
        for number in NUMBERS:
            name = say(self.language, "tui.terminal", number=number)
            if number == self.shown:
                line.append(f"[{name}] ", "bold reverse" if self.active else "bold")
            else:
                line.append(f" {name}  ", "dim")
        line.append(say(self.language, "tui.keys_go_to_shell" if self.active else "tui.keys_go_to_lesson"), "italic")
        if self._more and not self.active:
            line.append(say(self.language, "tui.read_on"), "italic")
        self.query_one("#tabs", Static).update(line)

    async def type_lines(self, lines: Iterable[Typed]) -> None:
        """Type lines into the terminals that they name, each once the one before has been answered."""
        for line in lines:
            pane = await self.show(line.terminal)
            sent = time.monotonic()
            cast(Pane, pane).type(keystrokes(line.line))
            await self._quiet(sent)

    async def _quiet(self, since: float) -> None:
        """Return once a terminal has moved and then been quiet, or after LINE_SECONDS."""
        while (now := time.monotonic()) - since < LINE_SECONDS:
            if self._moved > since and now - self._moved > QUIET_SECONDS:
                return
            await asyncio.sleep(QUIET_SECONDS / 6)

    def on_terminal_pane_moved(self, event: Message) -> None:
        """Remember when, for `type_lines`, and tell the screen."""
        event.stop()
        self._moved = time.monotonic()
        self.post_message(self.Moved())
