"""The learner's shell in a pseudo-terminal of its own, read by the event loop without starving it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pwd
import shutil
import struct
import subprocess
import sysconfig
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

READ_SECONDS = 0.004
"""A flood is read for at most this long before the screen has its turn."""

PAUSE_SECONDS = 0.008
"""How long the screen's turn lasts; the kernel makes the program wait meanwhile."""

READ_BYTES = 1 << 16

MOST_UNREAD_BYTES = 1 << 16
"""So much may wait for a program that does not read before the emulator's answers to it are dropped."""

HANG_UP_SECONDS = 1.0
"""How long a shell may take to end after SIGHUP before it is killed."""

# The new session's leader opens the terminal by name and gets it as its controlling terminal (tty(4)): Python code between
# fork and exec would be unsafe in a program with threads.
_TAKE_TERMINAL = ': <>"$0" && exec "$@"'

_MISLEADING = ("COLUMNS", "LINES", "TMUX", "TMUX_PANE", "STY", "WINDOWID", "VTE_VERSION", "TERMCAP", "WT_SESSION")
_MISLEADING_PREFIXES = ("TEXTUAL_", "TERM_PROGRAM", "LC_TERMINAL", "KITTY_", "WEZTERM_")


def shell_command(surroundings: Mapping[str, str] = os.environ) -> tuple[list[str], dict[str, str]]:
    """The learner's own shell and its environment: $SHELL, else the account's, else bash, else sh.

    The environment says what our terminal can do (UTF-8 where no locale is set), forgets the outer terminal, and finds `box`
    if nothing else is called so.
    """
    environment = {
        name: value
        for name, value in surroundings.items()
        if name not in _MISLEADING and not name.startswith(_MISLEADING_PREFIXES)
    }
    if not any(surroundings.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG")):
        environment["LC_CTYPE"] = "C.UTF-8"  # programs that are told nothing take Chinese for bytes
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    path = environment.get("PATH", os.defpath)
    if shutil.which("box", path=path) is None:
        path = f"{path}{os.pathsep}{sysconfig.get_path('scripts')}"
    return [_shell(surroundings)], environment | {"PATH": path}


def _shell(surroundings: Mapping[str, str]) -> str:
    candidates = [surroundings.get("SHELL", "")]
    with contextlib.suppress(KeyError):  # a uid without an account
        candidates.append(pwd.getpwuid(os.getuid()).pw_shell)
    unusable = {"nologin", "false", "true", ""}
    usable = (shell for shell in [*candidates, "/bin/bash"] if Path(shell).name not in unusable and os.access(shell, os.X_OK))
    return next(usable, "/bin/sh")


def set_window_size(terminal: int, columns: int, rows: int) -> None:
    """Tell the pseudo-terminal its size in cells; its foreground programs get SIGWINCH (ioctl_tty(2))."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def start_in_terminal(argv: Sequence[str], environment: Mapping[str, str], secondary: int) -> subprocess.Popen[bytes]:
    """Start a program as the leader of a new session whose controlling terminal is this one; raises OSError."""
    command = ["/bin/sh", "-c", _TAKE_TERMINAL, os.ttyname(secondary), *argv]
    return subprocess.Popen(
        command, env=dict(environment), stdin=secondary, stdout=secondary, stderr=secondary, start_new_session=True
    )


class Shell:
    """A program in a pseudo-terminal; made inside a running event loop, which reads and writes for it."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        size: tuple[int, int],
        on_output: Callable[[bytes], None],
        on_exit: Callable[[int], None],
    ) -> None:
        """Start it, with size as (columns, rows). Nothing is read before `read()`; raises OSError if it can't be started."""
        self._loop = asyncio.get_running_loop()
        self._on_output, self._on_exit = on_output, on_exit
        self._outgoing = bytearray()
        self._pause: asyncio.TimerHandle | None = None
        self._primary, secondary = os.openpty()
        try:
            set_window_size(self._primary, *size)
            os.set_blocking(self._primary, False)
            self._process = start_in_terminal(argv, environment, secondary)
        except OSError:
            os.close(self._primary)
            raise
        finally:
            os.close(secondary)
        self._ended = os.pidfd_open(self._process.pid)
        self._loop.add_reader(self._ended, self._exited)

    @property
    def pid(self) -> int:
        """The process id of the session's leader."""
        return self._process.pid

    def read(self) -> None:
        """Begin handing its output on."""
        if self._primary >= 0:
            self._loop.add_reader(self._primary, self._readable)

    def write(self, data: bytes) -> None:
        """Send bytes as if typed; what the terminal can't take yet is kept and sent in order."""
        if self._primary >= 0:
            self._outgoing += data
            self._writable()

    def reply(self, data: bytes) -> None:
        """Send a terminal's answer to a question; a program that asks without end and never reads gets no more of them."""
        if len(self._outgoing) < MOST_UNREAD_BYTES:
            self.write(data)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal a new size in cells."""
        if self._primary >= 0:
            set_window_size(self._primary, columns, rows)

    def hang_up(self) -> None:
        """Close the terminal: the kernel sends SIGHUP to the session. Returns when the shell has ended and is reaped.

        It gets that one signal: a second SIGHUP can end bash before it has passed the first on to its jobs.
        """
        self._close_terminal()
        if self._ended < 0:
            return
        try:
            self._process.wait(HANG_UP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close_process()

    def _readable(self) -> None:
        deadline = time.perf_counter() + READ_SECONDS
        while time.perf_counter() < deadline:
            if (data := self._read_once()) is None:
                return
            self._on_output(data)
        self._loop.remove_reader(self._primary)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self.read)

    def _read_once(self) -> bytes | None:
        try:
            return os.read(self._primary, READ_BYTES) or None
        except BlockingIOError:
            return None
        except OSError:  # EIO: nobody holds the other end, so the shell is ending
            self._loop.remove_reader(self._primary)
            return None

    def _writable(self) -> None:
        try:
            del self._outgoing[: os.write(self._primary, self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:  # EIO, as above: nobody will ever read this
            self._outgoing.clear()
        if self._outgoing:
            self._loop.add_writer(self._primary, self._writable)
        else:
            self._loop.remove_writer(self._primary)

    def _exited(self) -> None:
        code = self._process.wait()
        while (data := self._read_once()) is not None:
            self._on_output(data)
        self._close_terminal()
        self._close_process()
        self._on_exit(code)

    def _close_terminal(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        if self._primary >= 0:
            self._loop.remove_reader(self._primary)
            self._loop.remove_writer(self._primary)
            os.close(self._primary)
            self._primary = -1

    def _close_process(self) -> None:
        self._loop.remove_reader(self._ended)
        os.close(self._ended)
        self._ended = -1
