"""What a terminal would show: pyghostty (libghostty) behind the few questions that the pane asks of it.

pyghostty is imported here and nowhere else, and only when asked for: importing it takes a tenth of a second, and it exists
for glibc on two machines only. What is used of its private parts is held by tests/test_terminal_emulator.py.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

SCROLLBACK_LINES = 5000
_MOST_LINES = SCROLLBACK_LINES + 1000  # lines are dropped in pages of up to so many
_MOST_BYTES = 64 << 20  # by itself the library keeps 10 kB, a few hundred lines

CURSOR_KEYS, CURSOR_VISIBLE, FOCUS_REPORTS, SGR_MOUSE, BRACKETED_PASTE = 1, 25, 1004, 1006, 2004
"""DEC private modes, by number (xterm's ctlseqs.ms)."""

_FORMAT_BYTES = 1 << 18


def available() -> str:
    """Why there can be no terminal on this machine, in the importer's words; empty if there can."""
    try:
        importlib.import_module("pyghostty.core")
    except (ImportError, OSError) as error:
        return str(error) or type(error).__name__
    return ""


Rgb = tuple[int, int, int]


class Emulator:
    """A screen of columns x rows cells that bytes are fed to."""

    def __init__(
        self, columns: int, rows: int, reply: Callable[[bytes], None], colours: tuple[Rgb, Rgb] = ((0, 0, 0), (255, 255, 255))
    ) -> None:
        """Replies are what a terminal answers to a program's questions: where is the cursor, which colours (background and
        text) have you? vim picks its own by the answer. Raises ImportError or OSError where `available()` says why.
        """
        core = importlib.import_module("pyghostty.core")
        self._ffi, self._library = core.ffi, core.lib
        self._terminal = core.Terminal(columns, rows, scrollback=_MOST_LINES, bg=colours[0], fg=colours[1])
        limit = self._library.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_BYTES
        self._library.ghostty_terminal_set(self._terminal._t[0], limit, self._ffi.new("size_t*", _MOST_BYTES))
        self._terminal.on_reply(reply)
        self._size = columns, rows
        self._formatter_options = core.init_sized("GhosttyFormatterTerminalOptions")
        self._formatter_options.emit = self._library.GHOSTTY_FORMATTER_FORMAT_VT
        self._selection = core.init_sized("GhosttySelection")
        self._formatter_options.selection = self._selection
        self._buffer, self._written = self._ffi.new("uint8_t[]", _FORMAT_BYTES), self._ffi.new("size_t*")
        self._cell = self._ffi.new("GhosttyCell*")
        self._scroll = _scroll_function()

    def feed(self, data: bytes) -> None:
        """Take a program's output."""
        self._terminal.feed(data)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size in cells; long lines wrap anew."""
        self._terminal.resize(columns, rows)
        self._size = columns, rows

    def mode(self, number: int) -> bool:
        """Whether the program has set this DEC private mode."""
        return bool(self._terminal.mode(number))

    @property
    def mouse_mode(self) -> int:
        """What the program asked to hear of the mouse: 0 nothing, 1000 buttons, 1002 dragging too, 1003 every movement."""
        return next((mode for mode in (1003, 1002, 1000) if self.mode(mode)), 0)

    @property
    def alternate_screen(self) -> bool:
        """Whether a full-screen program (vim, less) shows its own screen, which has no scroll-back."""
        return bool(self._terminal.get("active_screen", "uint32_t"))

    @property
    def at_bottom(self) -> bool:
        """Whether the newest lines are shown, not older ones from the scroll-back."""
        return bool(self._terminal.get("viewport_active", "bool"))

    @property
    def cursor(self) -> tuple[int, int] | None:
        """Column and row from 0; None while the program hides it or the newest lines are scrolled away."""
        return self._terminal.cursor if self.mode(CURSOR_VISIBLE) and self.at_bottom else None

    def scroll(self, lines: int) -> None:
        """Show older (negative) or newer lines."""
        self._scroll(self._terminal, self._library.GHOSTTY_SCROLL_VIEWPORT_DELTA, lines)

    def scroll_to_bottom(self) -> None:
        """Show the newest lines."""
        self._scroll(self._terminal, self._library.GHOSTTY_SCROLL_VIEWPORT_BOTTOM, 0)

    def rows(self) -> list[str]:
        """The rows shown, each its text with the colours as SGR sequences, complete in itself."""
        columns, count = self._size
        self._selection.start = self._terminal.ref(0, 0, "viewport")[0]
        self._selection.end = self._terminal.ref(columns - 1, count - 1, "viewport")[0]
        text = self._formatted()
        rows = text.split("\r\n")[:count]
        rows += [""] * (count - len(rows))
        return [row or self._background(y) for y, row in enumerate(rows)]

    def _formatted(self) -> str:
        """What is selected, as text with SGR sequences."""
        formatter = self._ffi.new("GhosttyFormatter*")
        self._library.ghostty_formatter_terminal_new(self._ffi.NULL, formatter, self._terminal._t[0], self._formatter_options[0])
        try:
            write = self._library.ghostty_formatter_format_buf
            write(formatter[0], self._buffer, len(self._buffer), self._written)
            if self._written[0] > len(self._buffer):  # the size it needs: accents without end in a cell, say
                self._buffer = self._ffi.new("uint8_t[]", 2 * self._written[0])
                write(formatter[0], self._buffer, len(self._buffer), self._written)
        finally:
            self._library.ghostty_formatter_free(formatter[0])
        return str(self._ffi.buffer(self._buffer, self._written[0])[:].decode("utf-8", "replace"))

    def _background(self, y: int) -> str:
        """A row without text as it was erased to: the formatter leaves the colour of such a row out."""
        self._library.ghostty_grid_ref_cell(self._terminal.ref(0, y, "viewport"), self._cell)
        tag = self._cell_data("CONTENT_TAG", "GhosttyCellContentTag")[0]
        if tag == self._library.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE:
            colour = f"48;5;{self._cell_data('COLOR_PALETTE', 'uint8_t')[0]}"
        elif tag == self._library.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB:
            rgb = self._cell_data("COLOR_RGB", "GhosttyColorRgb")[0]
            colour = f"48;2;{rgb.r};{rgb.g};{rgb.b}"
        else:
            return ""
        return f"\x1b[{colour}m{' ' * self._size[0]}\x1b[0m"

    def _cell_data(self, name: str, kind: str) -> Any:
        value = self._ffi.new(f"{kind}*")
        self._library.ghostty_cell_get(self._cell[0], getattr(self._library, f"GHOSTTY_CELL_DATA_{name}"), value)
        return value


@cache
def _scroll_function() -> Callable[[Any, int, int], None]:
    """The library's scrolling call, whose tagged union cffi can only pass as a plain structure of the same layout."""
    core = importlib.import_module("pyghostty.core")
    core.ffi.cdef("typedef struct { GhosttyTerminalScrollViewportTag tag; int64_t delta; uint64_t padding; } WorkshopScroll;")
    call = core.union_fn("ghostty_terminal_scroll_viewport", "void(*)(GhosttyTerminal, WorkshopScroll)")

    def scroll(terminal: Any, tag: int, delta: int) -> None:
        call(terminal._t[0], core.ffi.new("WorkshopScroll*", {"tag": tag, "delta": delta})[0])

    return scroll
