"""Mounts from /proc/PID/mountinfo (proc_pid_mountinfo(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ...facts import Mount
from .text import UnreadableError

_ESCAPED = re.compile(r"\\([0-3][0-7]{2})")


@dataclass(frozen=True, slots=True)
class MountLine:
    """One line: `root` is what of the file system is mounted at `target`; `own` and `shared` are the two lists of options."""

    root: str
    target: str
    own: tuple[str, ...]
    type: str
    source: str
    shared: tuple[str, ...]


def unescape(text: str) -> str:
    """Undo the kernel's octal escapes of space, tab, newline, backslash and number sign."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text) if "\\" in text else text


def parse_lines(text: str) -> list[MountLine]:
    """Every line of mountinfo, in its order; raises UnreadableError."""
    return [_line(line) for line in text.split("\n") if line]


def _line(line: str) -> MountLine:
    # Split at single spaces: a mount whose source is the empty string leaves two in a row.
    before, separator, after = line.partition(" - ")
    first, last = before.split(" "), after.split(" ")
    if not separator or len(first) < 6 or len(last) < 3:
        raise UnreadableError(f"mountinfo: {line[:60]!r} has not six fields, a dash and three more")
    return MountLine(
        root=unescape(first[3]),
        target=unescape(first[4]),
        own=tuple(first[5].split(",")),
        type=unescape(last[0]),
        source=unescape(last[1]),
        shared=tuple(unescape(last[2]).split(",")),
    )


@lru_cache(maxsize=32)
def parse_mounts(text: str) -> tuple[Mount, ...]:
    """What is mounted, in the order of mounting; an option that both lists hold is given once.

    Remembered by text, because mounts seldom change from one look to the next.
    """
    return tuple(
        Mount(line.target, line.type, line.source, tuple(dict.fromkeys(line.own + line.shared))) for line in parse_lines(text)
    )


def parse_filesystems(text: str) -> tuple[str, ...]:
    """Kinds of file system that the kernel has at this moment, in its order (proc_filesystems(5)); modules add to them."""
    return tuple(line.split()[-1] for line in text.splitlines() if line.strip())
