"""Offsets of a time namespace's clocks from /proc/PID/timens_offsets (time_namespaces(7))."""

from __future__ import annotations

from ...facts import Clocks
from .held import Held
from .text import UnreadableError, number

_NUMBERS = {"1": "monotonic", "7": "boottime"}
"""The clocks by CLOCK_ numbers (linux/time.h): Linux 5.6 to 5.8 wrote those instead of names."""


def parse_clocks(text: str) -> Clocks:
    """Both offsets, 0 for one that is not told; raises UnreadableError."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) != 3:
            raise UnreadableError(f"timens_offsets: {line[:40]!r} is not a clock, seconds and nanoseconds")
        found[_NUMBERS.get(words[0], words[0])] = number(words[1], "timens_offsets")
    return Clocks(found.get("monotonic", 0), found.get("boottime", 0))


def read_clocks(held: Held) -> Clocks:
    """The offsets of the namespace that the children of this process are born in; raises OSError or UnreadableError.

    FileNotFoundError where the kernel has no time namespaces.
    """
    return parse_clocks(held.read("timens_offsets"))
