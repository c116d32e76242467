"""Which containers a caller may know of: the rule that keeps one learner's boxes from another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .asked import Sandboxed
from .held import read, read_or


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks, for what, and what the helper itself knows. `persons` are the uids that stand for the caller."""

    subjects: Collection[str]
    caller: int
    persons: tuple[int, ...]
    sandboxes: Mapping[str, Sandboxed]
    instance: str

    def may_see_box(self, box: str) -> bool:
        """True where the caller may know of this box, and of all that runs in it.

        It is its owner's alone; one that the helper does not know (it is being made, or is left over) is nobody's. Root sees all.
        """
        return self.caller == 0 or (box in self.sandboxes and self.sandboxes[box].owner == self.caller)

    def may_see(self, owners: tuple[int, ...]) -> bool:
        """True where the caller may know of a container that is in no box, started by these uids, by none for a daemon's.

        It is seen by who started it, and by everybody where that was root, or may have been: `ps` shows those to everybody too.
        """
        return self.caller == 0 or not owners or bool({0, *self.persons} & {*owners})

    def not_to_be_read(self) -> frozenset[int]:
        """The processes in other callers' boxes, by the host's numbers: to look costs who is looked at, and nobody else."""
        hidden = [one.group for box, one in self.sandboxes.items() if one.group and not self.may_see_box(box)]
        return frozenset(int(pid) for group in hidden for pid in _members(group))


def _members(group: str) -> list[str]:
    return read_or(lambda: read(f"{group}/cgroup.procs", most=MOST_READ).split(), [])


MOST_READ = 1 << 20
"""Bytes of a list of members: more than a box with the most processes has."""
