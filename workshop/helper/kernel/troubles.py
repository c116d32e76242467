"""What went wrong, on standard error, which is the helper's log: bounded, so that nobody can fill a disk with it.

What one action raises ends that action and nothing else: the helper has one thread, and everybody's sandboxes end with it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

MOST_LOGGED = 64 * 1024
"""Bytes that may be written at once, and as many again in PERIOD_SECONDS."""
PERIOD_SECONDS = 3600.0
LONGEST = 2000
"""Characters of one line."""


class Troubles:
    """Lines on their way to `write`; those that are too many are counted, and the number is told once there is room."""

    def __init__(self, write: Callable[[bytes], object], clock: Callable[[], float] = time.monotonic) -> None:
        """All room is there at first."""
        self._write, self._clock = write, clock
        self._room, self._since, self._left_out = float(MOST_LOGGED), clock(), 0

    def tell(self, text: str) -> None:
        """Write one line, without what a terminal would obey; raises nothing, for a log may be full or gone."""
        now = self._clock()
        self._room = min(MOST_LOGGED, self._room + (now - self._since) * MOST_LOGGED / PERIOD_SECONDS)
        self._since = now
        others = f" ({self._left_out} lines before this one were left out)" if self._left_out else ""
        line = f"helper: {_printable(text[:LONGEST])}{others}\n".encode()
        if len(line) > self._room:
            self._left_out += 1
            return
        self._room -= len(line)
        self._left_out = 0
        with contextlib.suppress(OSError):
            self._write(line)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


_log = Troubles(lambda line: os.write(2, line))


def tell(text: str) -> None:
    """Write one line into the helper's log, as long as there is room."""
    _log.tell(text)


def tell_error(error: BaseException) -> None:
    """The same with an error, and the lines of code that it came through."""
    places, at = [], error.__traceback__
    while at:
        places.append(f"{os.path.basename(at.tb_frame.f_code.co_filename)}:{at.tb_lineno}")
        at = at.tb_next
    tell(f"{type(error).__name__}: {error} ({' > '.join(places)})")


@contextlib.contextmanager
def saying(what: str) -> Iterator[None]:
    """Go on where this could not be done: a line says so, and why."""
    try:
        yield
    except (OSError, RecursionError) as error:  # the latter of a tree that is deeper than any that we make
        tell(f"{what}: {error}")


def contained(act: Callable[..., object], *arguments: object) -> bool:
    """Do it. True where it went well; what it raises is told, and goes no further."""
    try:
        act(*arguments)
    except Exception as error:
        tell_error(error)
        return False
    return True
