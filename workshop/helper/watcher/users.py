"""Identity maps from /proc/PID/uid_map and gid_map, and whether ordinary users may have any (user_namespaces(7))."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ...facts import IdRange, Users
from .held import Held, read
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


_REFUSING = (
    ("user/max_user_namespaces", "0"),
    ("kernel/unprivileged_userns_clone", "0"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1"),
)
"""Settings under /proc/sys and the value that refuses: the kernel's own (namespaces(7)), Debian's and Ubuntu's."""


def no_user_namespaces(setting: Callable[[str], str]) -> str:
    """The first setting that keeps ordinary users from using a user namespace, '' where none does."""
    return next((name for name, refusing in _REFUSING if setting(name) == refusing), "")


def read_setting(name: str) -> str:
    """What a setting under /proc/sys says, '' where this kernel has none of this name."""
    with suppress(OSError):
        return read(f"/proc/sys/{name}").strip()
    return ""
