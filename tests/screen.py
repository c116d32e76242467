"""A terminal for tests: runs a program in a pseudo-terminal and reads from its screen what a user would see."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import psutil
from pyghostty.core import Terminal

QUIET_SECONDS = 0.02  # a program that was blocked by a full terminal goes on within this time once it is read again
FLOOD_SECONDS = 1.0  # a program that never stops writing is looked at after so long
Condition = str | Callable[[str], object]
_TAKE_TERMINAL = ': <>"$0" && exec "$@"'  # the new session's leader gets the terminal it opens as its own


class Screen:
    """A program on a screen of columns x rows; as a context manager it leaves no process and no descriptor."""

    def __init__(
        self, argv: Sequence[str], columns: int = 80, rows: int = 24, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start argv; the environment is added to this process's."""
        self.terminal: Any = Terminal(columns, rows, scrollback=0)
        self.output = bytearray()
        self._replies: list[bytes] = []
        self.terminal.on_reply(self._replies.append)
        self._primary, secondary = os.openpty()
        os.set_blocking(self._primary, False)
        self._set_size(columns, rows)
        surroundings = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})}
        command = ["/bin/sh", "-c", _TAKE_TERMINAL, os.ttyname(secondary), *argv]
        self.process = subprocess.Popen(
            command, env=surroundings, stdin=secondary, stdout=secondary, stderr=secondary, start_new_session=True
        )
        os.close(secondary)

    def __enter__(self) -> Screen:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Kill what still runs."""
        self.kill()

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self.process.pid

    def wait(self, condition: Condition, timeout: float = 10) -> float:
        """The time (perf_counter) at which the screen first met the condition: a text on it, or a predicate of its text.

        Raises AssertionError with the screen's content when the time (seconds) is over or the program has ended.
        """
        met = condition if callable(condition) else lambda text: condition in text
        deadline, alive = time.perf_counter() + timeout, True
        while not met(self._shown()):
            if not alive or (left := deadline - time.perf_counter()) <= 0:
                why = "never came" if alive else "did not come before the program ended"
                raise AssertionError(f"{condition!r} {why}; the screen:\n{self._shown()}")
            alive = self._pump(min(left, 0.5))
        return time.perf_counter()

    def wait_for_end(self, timeout: float = 10) -> int:
        """The exit code of the program, once it has ended; its last output is read."""
        deadline = time.perf_counter() + timeout
        while self._pump(0.05) and time.perf_counter() < deadline:
            pass
        return self.process.wait(max(0.1, deadline - time.perf_counter()))

    def send(self, data: bytes) -> None:
        """Type these bytes."""
        while data:
            select.select([], [self._primary], [], 5)
            data = data[os.write(self._primary, data) :]

    def text(self) -> str:
        """What the screen shows now, right margins trimmed; what the program is about to write has a moment to arrive."""
        deadline = time.perf_counter() + FLOOD_SECONDS
        while select.select([self._primary], [], [], QUIET_SECONDS)[0] and self._pump(0) and time.perf_counter() < deadline:
            pass
        return self._shown()

    def lines(self) -> list[str]:
        """The same, line by line."""
        return self.text().split("\n")

    def resize(self, columns: int, rows: int) -> None:
        """Give the screen another size, as a user who drags the window."""
        self.terminal.resize(columns, rows)
        self._set_size(columns, rows)

    def close_window(self) -> None:
        """Take the terminal away from the program, as a user who closes the window."""
        if self._primary >= 0:
            os.close(self._primary)
            self._primary = -1

    def kill(self) -> None:
        """End the program, and what it started and left behind."""
        started = self._descendants()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.close_window()
        for process in still_running(started, 2):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _descendants(self) -> list[psutil.Process]:
        try:
            return list(psutil.Process(self.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._primary, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _shown(self) -> str:
        return str(self.terminal.text())

    def _pump(self, timeout: float) -> bool:
        """Show the output that arrives within the time; false once there is nothing more (or, for 0, nothing now)."""
        if not select.select([self._primary], [], [], timeout)[0]:
            return timeout > 0
        try:
            data = os.read(self._primary, 1 << 16)
        except OSError:  # EIO: nobody holds the other end any more
            return False
        self.output += data
        self.terminal.feed(data)
        while self._replies:
            self.send(self._replies.pop(0))
        return True


def still_running(processes: Sequence[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Those that have not ended within so many seconds; a zombie has ended, whoever has yet to reap it."""
    deadline = time.monotonic() + timeout
    while (left := [process for process in processes if _runs(process)]) and time.monotonic() < deadline:
        time.sleep(0.005)  # the end of a process that is not our child is announced to nobody
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
