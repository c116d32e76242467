"""What every parser of kernel text shares: one declared error, numbers, and lists of `name value` lines."""

from __future__ import annotations

from ...facts.trees import UnreadableError as UnreadableError  # noqa: PLC0414  # for every parser here


def number(text: str, where: str, base: int = 10) -> int:
    """A whole number; raises UnreadableError naming `where`."""
    try:
        return int(text, base)
    except ValueError as error:
        raise UnreadableError(f"{where}: {text[:40]!r} is not a number; is this kernel's format a new one?") from error


def counters(text: str, where: str) -> dict[str, int]:
    """Lines of `name value`, as cpu.stat and memory.events have them; raises UnreadableError for any other line."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) != 2:
            raise UnreadableError(f"{where}: {line[:40]!r} is not a name and a number")
        found[words[0]] = number(words[1], where)
    return found


def limit(text: str, where: str) -> int | None:
    """A limit as version 2 of cgroups writes it: a number, or `max` for none."""
    word = text.strip()
    return None if word == "max" else number(word, where)


MOST_LISTED = 65536
"""More processors than any kernel can be built for."""


def numbers_listed(text: str, where: str) -> tuple[int, ...]:
    """The numbers of a list such as `0-2,7` (cpuset(7), List format); raises UnreadableError."""
    found: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        low, high = number(first, where), number(last or first, where)
        if not 0 <= low <= high < MOST_LISTED:
            raise UnreadableError(f"{where}: {part[:40]!r} is no range of processors")
        found += range(low, high + 1)
    return tuple(found)
