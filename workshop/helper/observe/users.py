"""Identity maps from /proc/PID/uid_map and gid_map (user_namespaces(7))."""

from __future__ import annotations

from ...facts import IdRange, Users
from .held import Held
from .text import UnreadableError, number


def parse_map(text: str) -> tuple[IdRange, ...]:
    """The ranges of a map, none for a user namespace without a map yet; raises UnreadableError."""
    return tuple(_range(line) for line in text.split("\n") if line)


def _range(line: str) -> IdRange:
    words = line.split()
    if len(words) != 3:
        raise UnreadableError(f"uid_map: {line[:40]!r} has not three numbers")
    inside, outside, count = (number(word, "uid_map") for word in words)
    return IdRange(inside, outside, count)


def read_users(held: Held) -> Users:
    """Both maps of a process's user namespace; raises OSError or UnreadableError."""
    return Users(parse_map(held.read("uid_map")), parse_map(held.read("gid_map")))
