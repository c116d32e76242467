"""The input driver: bytes typed into a focused terminal pane reach its shell exactly, and at once.

Textual's own parser holds Esc for a tenth of a second and knows no Alt keys of most terminals, so that `Esc :wq` typed fast
loses the Esc. This driver therefore parses nothing but what the outer terminal says of itself (mouse, focus, size) while a
pane has the focus. Of Textual's private parts it uses XTermParser, App._driver's input thread and Driver._debug, each held
by tests/test_terminal_driver.py in a real pseudo-terminal.
"""

from __future__ import annotations

import os
import re
import selectors
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App, ScreenStackError
from textual.drivers.linux_driver import LinuxDriver

from .keys import LEADER

READ_BYTES = 4096
SILENCE_SECONDS = 0.1
"""An unfinished sequence that nothing follows for this long was a key (Alt+[) after all."""

PASTE_SILENCE_SECONDS = 2.0
"""The same for a paste whose end never comes."""

LEAVING_SECONDS = 0.2
"""After the leader, input is the app's until the focus has left the pane, or for this long if the app keeps it there."""

_PASTE_START = b"\x1b[200~"
_OUTER = re.compile(
    rb"""(?P<report>\x1b\[(?:<?-?\d+;-?\d+;-?\d+[Mm]  # mouse
                         |[IO]                        # focus gained, lost
                         |\?[\d;]+\$y                 # a mode's state
                         |48;[\d:;]+t))               # size
        |(?P<unreadable>\x1b\[M[\x20-\xff]{3})        # mouse, in the form that Textual does not read
        |\x1b\[200~(?P<paste>.*?)\x1b\[201~
        |(?P<leader>"""
    + re.escape(LEADER)
    + rb")",
    re.DOTALL | re.VERBOSE,
)
_UNFINISHED = re.compile(rb"\x1b\[(?:<[\d;-]*|\?[\d;]*\$?|[\d;:]*|M[\x20-\xff]{0,2})\Z")


class RawInput(events.Paste):
    """Bytes for the focused pane, in the queue of the app's other input so that the order is kept."""

    def __init__(self, data: bytes, pasted: bool) -> None:
        """Pasted bytes may need brackets; the others are keys. A widget that knows no bytes sees a paste of their text."""
        super().__init__(data.decode("utf-8", "replace"))
        self.data, self.pasted = data, pasted


@dataclass(frozen=True)
class Piece:
    """A stretch of input: `keys` or `paste` for the shell, `report` or `app` (all after the leader) for Textual's parser."""

    kind: str
    data: bytes


class Splitter:
    """Cuts raw input into pieces; what may go on in the next read is kept in `held`."""

    def __init__(self) -> None:
        """Nothing is held at first."""
        self.held = b""

    def split(self, data: bytes) -> Iterator[Piece]:
        """The pieces of what was held and this."""
        data, full = self.held + data, len(data) >= READ_BYTES
        self.held, position = b"", 0
        data, self.held = _cut_unfinished(data, full)
        for match in _OUTER.finditer(data):
            if match.start() > position:
                yield Piece("keys", data[position : match.start()])
            position = match.end()
            if match.lastgroup == "leader":
                yield Piece("app", data[match.start() :] + self.release())
                return
            if match.lastgroup != "unreadable":
                yield Piece(str(match.lastgroup), match[str(match.lastgroup)])
        if position < len(data):
            yield Piece("keys", data[position:])

    def release(self) -> bytes:
        """What was held, held no longer."""
        held, self.held = self.held, b""
        return held

    @property
    def patience(self) -> float:
        """Seconds of silence after which what is held is taken for keys."""
        return PASTE_SILENCE_SECONDS if self.held.startswith(_PASTE_START) else SILENCE_SECONDS


def _cut_unfinished(data: bytes, full: bool) -> tuple[bytes, bytes]:
    """Data up to a paste or sequence that isn't whole yet, and the rest. A lone Esc is a key, unless the read was full."""
    start = data.rfind(_PASTE_START)
    if start >= 0 and b"\x1b[201~" not in data[start:]:
        return data[:start], data[start:]
    if full and data.endswith(b"\x1b"):
        return data[:-1], data[-1:]
    match = _UNFINISHED.search(data)
    return (data[: match.start()], data[match.start() :]) if match else (data, b"")


class RawDriver(LinuxDriver):
    """Textual's Linux driver with an input thread that can tell the shell's bytes from the app's keys."""

    def __init__(self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None) -> None:
        """As Textual's own driver."""
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._splitter = Splitter()
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._left = self._last_read = 0.0

    def run_input_thread(self) -> None:
        """Read and dispatch input until the driver is told to stop; a terminal that has gone away ends the app."""
        parser = XTermParser(self._debug)
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(SILENCE_SECONDS) and not self._read(parser):
                    self._loop.call_soon_threadsafe(self._app.exit)
                    return
                self._tick(parser)

    def _read(self, parser: XTermParser) -> bool:
        try:
            data = os.read(self.fileno, READ_BYTES)
        except OSError:  # EIO: the outer terminal was closed
            return False
        self._last_read = time.monotonic()
        if self._pane_has_focus():
            for piece in self._splitter.split(data):
                self._dispatch(parser, piece)
        else:
            self._parse(parser, self._splitter.release() + data)
        return bool(data)

    def _dispatch(self, parser: XTermParser, piece: Piece) -> None:
        if piece.kind in ("keys", "paste"):
            self.process_message(RawInput(piece.data, piece.kind == "paste"))
            return
        if piece.kind == "app":
            self._left = time.monotonic()
        self._parse(parser, piece.data)

    def _parse(self, parser: XTermParser, data: bytes) -> None:
        if text := self._decoder.decode(data):
            for message in parser.feed(text):
                self.process_message(message)

    def _tick(self, parser: XTermParser) -> None:
        for message in parser.tick():
            self.process_message(message)
        if self._splitter.held and time.monotonic() - self._last_read >= self._splitter.patience:
            self._dispatch(parser, self._unanswered())

    def _unanswered(self) -> Piece:
        held = self._splitter.release()
        return Piece("paste", held.removeprefix(_PASTE_START)) if held.startswith(_PASTE_START) else Piece("keys", held)

    def _pane_has_focus(self) -> bool:
        """Asked from the input thread, which only looks."""
        try:
            focused = bool(getattr(self._app.focused, "takes_raw_input", False))
        except ScreenStackError:  # the app has no screen yet, or no longer
            focused = False
        if not focused:
            self._left = 0.0
        return focused and time.monotonic() - self._left >= LEAVING_SECONDS
