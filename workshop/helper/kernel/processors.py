"""Which processors a sandbox may run on, of those that the machine has switched on (cpuset(7), List format)."""

from __future__ import annotations

import re

from ...protocol import ProtocolError

ONLINE = "/sys/devices/system/cpu/online"
PART = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?", re.ASCII)
PARTS = 64
"""So many numbers and ranges may be named: each is looked at before any of them is counted out."""


def chosen(text: str) -> str:
    """What a caller asked for as the kernel is told it, '' for no wish; raises ProtocolError `bad_cpus`, `no_such_cpu`."""
    if not text:
        return ""
    wanted = ranges(text) if text.count(",") < PARTS else []
    if not wanted:
        raise ProtocolError("bad_cpus", cpus=text[:40])
    with open(ONLINE) as file:
        online = file.read().strip()
    there = expanded(ranges(online))
    if max(last for _, last in wanted) > max(there) or not expanded(wanted) <= there:
        raise ProtocolError("no_such_cpu", cpus=text[:40], online=online[:40])
    return ",".join(map(str, sorted(expanded(wanted))))


def ranges(text: str) -> list[tuple[int, int]]:
    """First and last number of each part of a list such as `0-2,7`; none where it is no such list."""
    parts = [PART.fullmatch(part) for part in text.split(",")]
    found = [(int(part[1]), int(part[2] or part[1])) for part in parts if part]
    return found if len(found) == len(parts) and all(first <= last for first, last in found) else []


def expanded(wanted: list[tuple[int, int]]) -> set[int]:
    """All numbers in these ranges."""
    return {number for first, last in wanted for number in range(first, last + 1)}
