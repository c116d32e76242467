"""The pane with the learner's shell: a real terminal inside the screen.

Joins the shell (its bytes), the emulator (what they look like) and Textual (keys in, lines out). The emulator's slow import
happens in a thread after the first paint; the shell starts meanwhile, and what is typed before it is ready is delivered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ...words import language_of, say
from . import keys
from .colours import segments
from .driver import RawInput
from .emulator import BRACKETED_PASTE, CURSOR_KEYS, FOCUS_REPORTS, SGR_MOUSE, Emulator, available
from .shell import Shell

FRAME_SECONDS = 1 / 120
"""The least time between frames; Textual itself paints sixty a second, and two equal beats in a row would add up."""

WHEEL_LINES = 3
SCROLL_KEYS = {b"\x1b[5;2~": -1, b"\x1b[6;2~": 1}
"""Shift+PageUp and Shift+PageDown, where the outer terminal leaves them to us."""


class TerminalPane(Widget, can_focus=True):
    """A shell to work in. All keys but the leader are the shell's while it has the focus and the shell runs."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "TerminalPane { background: $background; color: $foreground; }"

    class Moved(Message):
        """The program wrote something; at most once a frame."""

    class Exited(Message):
        """The shell ended by itself."""

        def __init__(self, code: int) -> None:
            """Take the exit code; negative for a signal's number."""
            super().__init__()
            self.code = code

    def __init__(  # noqa: PLR0913 -- three of them are every widget's
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        language: str | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 -- as all widgets name it
        classes: str | None = None,
    ) -> None:
        """Prepare to run argv with exactly this environment; nothing runs before `start()`."""
        super().__init__(name=name, id=id, classes=classes)
        self._argv, self._environment = list(argv), dict(environment)
        self._language = language or language_of()
        self._started = self._loaded = self._unavailable = False
        self._notice = ""
        self._shell: Shell | None = None
        self._emulator: Emulator | None = None
        self._typed, self._unseen = bytearray(), bytearray()
        self._rows: list[str] = []
        self._cursor: tuple[int, int] | None = None
        self._frame: asyncio.TimerHandle | None = None
        self._last_frame, self._moved = 0.0, False

    @property
    def takes_raw_input(self) -> bool:
        """Whether keys go to a shell; the driver and the app ask."""
        return self._started and not self._notice

    def start(self) -> None:
        """Start the shell, now or as soon as there is a size to start it with; nothing if it runs already."""
        if self._started or self._unavailable:
            return
        self._started, self._notice, self._emulator = True, "", None
        self._unseen.clear()
        self._begin()

    def stop(self) -> None:
        """Hang up: the shell's session gets SIGHUP, the shell is waited for, and no descriptor stays open."""
        self._started = False
        self._typed.clear()
        if self._frame is not None:
            self._frame.cancel()
            self._frame = None
        if self._shell is not None:
            self._shell.hang_up()
            self._shell = None

    def type(self, text: str) -> None:
        """Send text to the shell as if it had been typed; it may hold control characters."""
        self._send(text.encode())

    def on_mount(self) -> None:
        """Load the emulator once the screen has been painted."""
        self.call_after_refresh(self._load)

    def on_unmount(self) -> None:
        """Leave nothing behind."""
        self.stop()

    async def _load(self) -> None:
        reason = await asyncio.to_thread(available)
        self._loaded, self._unavailable = not reason, bool(reason)
        if reason:
            self._give_up(say(self._language, "terminal.unavailable", reason=reason))
        else:
            self._begin()

    def _give_up(self, notice: str) -> None:
        self.stop()
        self._notice = notice
        self.refresh()

    def _begin(self) -> None:
        """Start whatever of shell and emulator is wanted, possible and missing."""
        if not (self.is_mounted and self.size.area) or self._notice:
            return
        size = self.size.width, self.size.height
        if self._started and self._shell is None and not self._start_shell(size):
            return
        if self._emulator is None and self._loaded and (self._shell or self._unseen):
            _, _, background, text = self.colors
            self._emulator = Emulator(*size, self._reply, (background.rgb, text.rgb))
            self._feed(bytes(self._unseen))
            self._unseen.clear()
            if self._shell is not None:
                self._shell.read()

    def _start_shell(self, size: tuple[int, int]) -> bool:
        try:
            self._shell = Shell(self._argv, self._environment, size, self._feed, self._ended)
        except OSError as error:
            self._give_up(say(self._language, "terminal.not_started", reason=str(error)))
            return False
        self._shell.write(bytes(self._typed))
        self._typed.clear()
        return True

    def _reply(self, data: bytes) -> None:
        """What the emulator answers to a program's question."""
        if self._shell is not None:
            self._shell.reply(data)

    def _feed(self, data: bytes) -> None:
        if self._emulator is None:  # a program that was done before the emulator was ready
            self._unseen += data
            return
        self._emulator.feed(data)
        self._moved = True
        self._schedule()

    def _ended(self, code: int) -> None:
        self._shell, self._started = None, False
        leave = "\x1b[?1049l" if self._full_screen else ""
        self._feed(f"{leave}\x1b[0m\r\n{say(self._language, 'terminal.ended', code=code)}\r\n".encode())
        self.post_message(self.Exited(code))

    def on_resize(self) -> None:
        """Give shell and emulator the new size."""
        if not self.size.area:
            return
        if self._emulator is not None:
            self._emulator.resize(self.size.width, self.size.height)
            self._schedule()
        if self._shell is not None:
            self._shell.resize(self.size.width, self.size.height)
        self._begin()

    def _schedule(self) -> None:
        """Have a frame drawn soon, at once if the last is long ago."""
        if self._frame is None:
            wait = max(0.001, self._last_frame + FRAME_SECONDS - time.monotonic())
            self._frame = asyncio.get_running_loop().call_later(wait, self._draw)

    def _draw(self) -> None:
        """Refresh the lines that differ from what is shown."""
        self._frame, self._last_frame = None, time.monotonic()
        if self._emulator is None or not self.is_attached:
            return
        rows, cursor = self._emulator.rows(), self._emulator.cursor if self.has_focus else None
        touched = {y for y, pair in enumerate(zip(rows, self._rows, strict=False)) if pair[0] != pair[1]}
        if cursor != self._cursor:
            touched |= {position[1] for position in (cursor, self._cursor) if position}
        everything = len(rows) != len(self._rows)
        self._rows, self._cursor = rows, cursor
        self._place_input_method()
        if everything:
            self.refresh()
        elif touched:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in touched))
        if self._moved:
            self._moved = False
            self.post_message(self.Moved())

    def _place_input_method(self) -> None:
        """The outer terminal's cursor goes where ours is: input methods open their window there."""
        if self._cursor is not None:
            self.app.cursor_position = self.content_region.offset + Offset(*self._cursor)

    def render(self) -> Text:
        """The notice that stands in the terminal's place."""
        return Text(self._notice)

    def render_line(self, y: int) -> Strip:
        """One row of the terminal, with the cursor if it is there."""
        if self._notice:
            return super().render_line(y)
        width = self.size.width
        strip = Strip(segments(self._rows[y]) if y < len(self._rows) else ()).adjust_cell_length(width)
        if self._cursor is not None and self._cursor[1] == y:
            strip = _with_cursor(strip, self._cursor[0])
        return strip.apply_style(self.rich_style)

    def _send(self, data: bytes) -> None:
        """Write to the shell, or keep it until there is one; the newest lines come into view."""
        if not self.takes_raw_input:
            return
        if self._emulator is not None and not self._emulator.at_bottom:
            self._emulator.scroll_to_bottom()
            self._schedule()
        if self._shell is not None:
            self._shell.write(data)
        else:
            self._typed += data

    def _mode(self, number: int) -> bool:
        return self._emulator is not None and self._emulator.mode(number)

    def on_raw_input(self, event: RawInput) -> None:
        """Bytes from the driver."""
        event.stop()
        event.prevent_default()
        if event.pasted:
            self._send(keys.of_paste(event.data, self._mode(BRACKETED_PASTE)))
        elif event.data in SCROLL_KEYS and not self._full_screen:
            self._scroll(SCROLL_KEYS[event.data] * max(1, self.size.height - 1))
        else:
            self._send(keys.in_cursor_mode(event.data, self._mode(CURSOR_KEYS)))

    def on_key(self, event: events.Key) -> None:
        """A key that Textual parsed: from another driver, or typed just as the focus came here."""
        data = keys.of_key(event.key, event.character, self._mode(CURSOR_KEYS))
        if event.key == keys.LEADER_KEY or not self.takes_raw_input or not data:
            return
        event.stop()
        event.prevent_default()
        self._send(data)

    def on_paste(self, event: events.Paste) -> None:
        """A paste that Textual parsed."""
        event.stop()
        self._send(keys.of_paste(event.text.encode(), self._mode(BRACKETED_PASTE)))

    def on_focus(self) -> None:
        """Show the cursor, and tell a program that asked."""
        self._focus_changed(b"\x1b[I")

    def on_blur(self) -> None:
        """Hide the cursor, and tell a program that asked."""
        self._focus_changed(b"\x1b[O")

    def _focus_changed(self, report: bytes) -> None:
        self._schedule()
        if self._shell is not None and self._mode(FOCUS_REPORTS):
            self._shell.write(report)

    @property
    def _full_screen(self) -> bool:
        return self._emulator is not None and self._emulator.alternate_screen

    def _scroll(self, lines: int) -> None:
        if self._emulator is not None:
            self._emulator.scroll(lines)
            self._schedule()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Forward it to a program that asked for the mouse, and follow the pointer until the button is up."""
        if self._forward_mouse(event, event.button - 1):
            self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Forward it."""
        self.release_mouse()
        self._forward_mouse(event, event.button - 1, released=True)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Forward it if the program asked for this much."""
        needed = 1002 if event.button else 1003
        if self._emulator is not None and self._emulator.mouse_mode >= needed:
            self._forward_mouse(event, event.button - 1 if event.button else 3, moved=True)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the program, or the scroll-back."""
        self._wheel(event, 64, "up", -WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the program, or the scroll-back."""
        self._wheel(event, 65, "down", WHEEL_LINES)

    def _wheel(self, event: events.MouseEvent, code: int, key: str, lines: int) -> None:
        if self._forward_mouse(event, code):
            return
        event.stop()
        if self._full_screen:
            self._send(keys.of_key(key, None, self._mode(CURSOR_KEYS)) * WHEEL_LINES)
        else:
            self._scroll(lines)

    def _forward_mouse(self, event: events.MouseEvent, button: int, *, moved: bool = False, released: bool = False) -> bool:
        """Whether the program wanted it and has it now."""
        if self._shell is None or self._emulator is None or not self._emulator.mouse_mode:
            return False
        event.stop()
        column, row = event.get_content_offset_capture(self)
        column, row = min(max(column, 0), self.size.width - 1), min(max(row, 0), self.size.height - 1)
        code = keys.mouse_code(button, moved=moved, shift=event.shift, meta=event.meta, ctrl=event.ctrl)
        self._shell.write(keys.of_mouse(code, column, row, released=released, sgr=self._mode(SGR_MOUSE)))
        return True


def _with_cursor(strip: Strip, column: int) -> Strip:
    """The strip with the cell at the column in reverse."""
    width = strip.cell_length
    before, under, after = strip.crop(0, column), strip.crop(column, column + 1), strip.crop(column + 1, width)
    return Strip.join([before, under.apply_style(Style(reverse=True)), after])
