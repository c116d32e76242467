"""Which containers a caller may know of: the rule that keeps one learner's boxes from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..stepping import Stop


@dataclass(frozen=True, slots=True)
class Sandboxed:
    """What the helper knows of a box: its name, its owner's uid, its PID 1 where no cgroup can tell, where it is half made.

    `upper` is a descriptor of the directory of its own layer, -1 where it has none.
    """

    name: str
    owner: int
    init: int = 0
    stop: Stop | None = None
    upper: int = -1


def may_see(caller: int, box: str, sandboxes: Mapping[str, Sandboxed], owner: int) -> bool:
    """True where this caller may know of a container.

    Root sees everything. A box, and all that runs in it, is its owner's alone; one that the helper does not know (it is
    being made, or is left over) is nobody's. Any other container is seen by whoever made its user namespace, and by
    everybody if that was root: Docker's, say, which `ps` shows to everybody too.
    """
    if caller == 0:
        return True
    if box:
        return box in sandboxes and sandboxes[box].owner == caller
    return owner in (0, caller)
