"""What can't be meant, or is more than one may have, is refused before anything is done: numbers, names, lists, shares."""

from __future__ import annotations

import dataclasses
import re

from ... import protocol
from ...protocol import NAME, Limits, ProtocolError
from ..kernel.cgroups import SHARES

MEBIBYTE = 1 << 20
QUOTA = Limits(millicpus=0, memory=1024 * MEBIBYTE, pids=4096, shares=1024)
"""More than this an ordinary caller can't have; root can."""
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.ASCII | re.DOTALL)
NUMBERS = {
    "millicpus": (10, 1_000_000),
    "memory": (6 * MEBIBYTE, 1 << 50),
    "pids": (1, 4_194_304),
    "shares": SHARES,
    "rows": (1, 10_000),
    "columns": (1, 10_000),
    "seconds": (0, 3_600),
}
LISTS = {"command": 1024, "variables": 64, "dropped": 64, "subjects": 64}
"""So many members may a list have."""


def hold_bounds(request: protocol.Request[object]) -> None:
    """Refuse what can't be meant; 0 is the default, and in Update -1 lifts a limit. Raises ProtocolError."""
    given = {one.name: getattr(request, one.name) for one in dataclasses.fields(request)}
    for key, maximum in LISTS.items():
        if len(given.get(key, ())) > maximum:
            raise ProtocolError("list_too_long", key=key, maximum=maximum)
    for key, (least, most) in NUMBERS.items():
        free = (0, -1) if isinstance(request, protocol.Update) else (0,) if isinstance(request, protocol.Run) else ()
        if key in given and given[key] not in free and not least <= given[key] <= most:
            raise ProtocolError("out_of_bounds", key=key, least=least, most=most)
    for key in ("name", "hostname"):
        if isinstance(request, protocol.Run) and given[key] and not NAME.fullmatch(given[key]):
            raise ProtocolError("bad_name", name=given[key])
    for one in given.get("variables", ()):
        if not VARIABLE.fullmatch(one):
            raise ProtocolError("bad_variable", variable=one[:40])


def hold_quota(owner: int, limits: Limits) -> None:
    """An ordinary caller's sandboxes stay within what one may have, so that many can share the machine."""
    for key in ("memory", "pids"):
        most = getattr(QUOTA, key)
        if owner != 0 and not 0 < getattr(limits, key) <= most:
            raise ProtocolError("beyond_quota", key=key, most=most)
    if owner != 0 and limits.shares > QUOTA.shares:
        raise ProtocolError("beyond_quota", key="shares", most=QUOTA.shares)
