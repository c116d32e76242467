"""One process held by its directory in /proc, so that a recycled number is never read (proc(5)).

A held directory belongs to one process for ever: after its end every read fails with ESRCH or ENOENT, also when another
process has got the same number since.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TypeVar

from .text import UnreadableError

T = TypeVar("T")

READ_LIMIT = 256 * 1024
"""Bytes read of one file at most: a container can hold 32,000 queues and 100,000 mounts, and one look is made at a time."""

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


def read(path: str, directory: int | None = None, most: int = READ_LIMIT) -> str:
    """The text of a file, cut at its last whole line if it is longer than `most` bytes; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        pieces = []
        left = most + 1
        while left > 0 and (piece := os.read(descriptor, min(left, 65536))):
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(descriptor)
    return _whole_lines(b"".join(pieces), most).decode("utf-8", "replace")


def _whole_lines(data: bytes, most: int) -> bytes:
    end = data.rfind(b"\n", 0, most) + 1
    return data if len(data) <= most else data[: end or most]


class Held:
    """A process; `pid` is its number as this /proc counts. A context manager; raises OSError if it is gone."""

    __slots__ = ("descriptor", "pid")

    def __init__(self, pid: int) -> None:
        """Open its directory in /proc."""
        self.pid = pid
        self.descriptor = os.open(f"/proc/{pid}", _DIRECTORY)

    def read(self, name: str, most: int = READ_LIMIT) -> str:
        """The text of /proc/PID/`name`; raises OSError, ProcessLookupError once it is gone."""
        return read(name, self.descriptor, most)

    def namespace(self, kind: str) -> int:
        """The inode of one of its namespaces; raises OSError if it is gone or may not be looked at."""
        return os.stat(f"ns/{kind}", dir_fd=self.descriptor).st_ino

    def open_namespace(self, kind: str) -> int:
        """A descriptor of one of its namespaces, which the caller closes; raises OSError."""
        return os.open(f"ns/{kind}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.descriptor)

    def close(self) -> None:
        """Let it go."""
        os.close(self.descriptor)

    def __enter__(self) -> Held:
        """Hold it for a block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let it go at the block's end."""
        self.close()


def read_or(read: Callable[[], T], otherwise: T) -> T:
    """What a reader gives, or `otherwise` where the kernel does not let it or it has ended meanwhile."""
    with suppress(OSError, UnreadableError):
        return read()
    return otherwise
