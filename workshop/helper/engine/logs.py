"""What a detached program prints: the helper reads it, so that the program never waits, and keeps the last of it.

A program that prints without end costs the helper no more than a read each PAUSE_SECONDS, and then waits itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ..kernel.troubles import contained
from .loop import Loop

KEPT = 64 * 1024
"""Bytes that are kept of one sandbox."""
PIECES = 1024
"""So many changes between its two streams: each is an object in memory."""
READ = 64 * 1024
LEFT = 16
"""At the end: as many reads as empty the largest pipe that a program without privileges can have (pipe(7))."""
PAUSE_SECONDS = 0.01
MoreCall = Callable[[], None]


class Log:
    """The last bytes of the streams that it reads, each piece with its stream's number (1 or 2)."""

    def __init__(self, loop: Loop, kept: int = KEPT) -> None:
        """Keep so many bytes; 0 to read and drop."""
        self._loop, self._kept = loop, kept
        self._pieces: list[tuple[int, bytearray]] = []
        self._open: dict[int, int] = {}
        self._waiters: list[tuple[MoreCall, Callable[[], bool]]] = []
        self.end = 0
        """How many bytes were printed in all."""

    @property
    def ended(self) -> bool:
        """True when nothing more can come."""
        return not self._open

    def read(self, descriptor: int, stream: int) -> None:
        """Read this descriptor from now on, and close it at its end."""
        os.set_blocking(descriptor, False)
        self._open[descriptor] = stream
        self._loop.watch(descriptor, lambda: self._ready(descriptor))

    def recall(self, pieces: list[tuple[int, bytes]], end: int) -> None:
        """Hold what an earlier helper kept of something that printed `end` bytes in all."""
        self._pieces, self.end = [(stream, bytearray(data)) for stream, data in pieces], end

    def since(self, start: int) -> list[tuple[int, bytes]]:
        """What is still kept of everything that was printed after the first `start` bytes."""
        position = self.end - sum(len(piece) for _, piece in self._pieces)
        found = []
        for stream, piece in self._pieces:
            rest = piece[max(0, start - position) :]
            position += len(piece)
            if rest:
                found.append((stream, bytes(rest)))
        return found

    def when_more(self, call: MoreCall, wanted: Callable[[], bool]) -> None:
        """Call this once, when there is more or the end, if it is still wanted then."""
        self._waiters = [one for one in self._waiters if one[1]()] + [(call, wanted)]

    def close(self) -> None:
        """Take what is left, now that nobody prints any more, and tell that it is the end."""
        for descriptor in list(self._open):
            for _ in range(LEFT):
                if descriptor not in self._open or not self._take(descriptor):
                    break
            self._shut(descriptor)
        self._tell()

    def _ready(self, descriptor: int) -> None:
        """Take what is there, and look again after a pause: that is set first, whatever is met."""
        self._loop.forget(descriptor)
        self._loop.later(PAUSE_SECONDS, lambda: self._watch_again(descriptor))
        self._take(descriptor)
        self._tell()

    def _watch_again(self, descriptor: int) -> None:
        """Unless it was closed meanwhile: then the number may be another's."""
        if descriptor in self._open:
            self._loop.watch(descriptor, lambda: self._ready(descriptor))

    def _take(self, descriptor: int) -> bool:
        """Read once; False where there is nothing, and at the end, where the descriptor is closed."""
        try:
            data = os.read(descriptor, READ)
        except BlockingIOError:
            return False
        except OSError:  # EIO: nobody has the terminal open any more
            data = b""
        if data:
            self._keep(self._open[descriptor], data)
        else:
            self._shut(descriptor)
        return bool(data)

    def _keep(self, stream: int, data: bytes) -> None:
        """Add to what is kept, and drop the oldest where it is too much."""
        self.end += len(data)
        if self._pieces and self._pieces[-1][0] == stream:
            self._pieces[-1][1].extend(data)
        else:
            self._pieces.append((stream, bytearray(data)))
        excess = max(0, sum(len(piece) for _, piece in self._pieces) - self._kept)
        while self._pieces and (excess >= len(self._pieces[0][1]) or len(self._pieces) > PIECES):
            excess = max(0, excess - len(self._pieces.pop(0)[1]))
        if excess:
            del self._pieces[0][1][:excess]

    def _shut(self, descriptor: int) -> None:
        """Close a descriptor, unless that has been done."""
        if self._open.pop(descriptor, None) is not None:
            self._loop.forget(descriptor)
            os.close(descriptor)

    def _tell(self) -> None:
        """Tell those who wait for more."""
        waiters, self._waiters = self._waiters, []
        for call, wanted in waiters:
            if wanted():
                contained(call)
