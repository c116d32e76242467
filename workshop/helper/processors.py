"""Which processors a sandbox may run on, of those that the machine has switched on (cpuset(7), List format)."""

from __future__ import annotations

import re

from ..protocol import ProtocolError

ONLINE = "/sys/devices/system/cpu/online"
LIST = re.compile(r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*", re.ASCII)


def chosen(text: str) -> str:
    """What a caller asked for as the kernel is told it, '' for no wish; raises ProtocolError `bad_cpus`, `no_such_cpu`."""
    if not text:
        return ""
    if not LIST.fullmatch(text):
        raise ProtocolError("bad_cpus", cpus=text[:40])
    with open(ONLINE) as file:
        online = file.read().strip()
    wanted = parse(text)
    if not wanted or not wanted <= parse(online):
        raise ProtocolError("no_such_cpu", cpus=text[:40], online=online)
    return ",".join(map(str, sorted(wanted)))


def parse(text: str) -> set[int]:
    """The numbers in a list such as `0-2,7`."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found
