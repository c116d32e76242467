"""Which cgroup a process is in, in every hierarchy, and where that is on the host's file system (cgroups(7))."""

from __future__ import annotations

from collections.abc import Sequence

from ...facts import Cgroups, Membership
from ...facts.trees import Line, MountLine, Tree, cgroup_mounts, parse_cgroup, parse_trees, unified
from . import controllers
from .held import Held, read

__all__ = [
    "Line", "Tree", "cgroup_mounts", "memberships", "parse_cgroup", "parse_trees", "read_cgroups", "read_trees",
]  # fmt: skip


def read_trees(mounts: Sequence[MountLine], own: Sequence[Line]) -> tuple[Tree, ...]:
    """The mounted hierarchies, with version 2's controllers read from its root."""
    return parse_trees(mounts, own, unified(mounts, read))


def memberships(lines: Sequence[Line], trees: Sequence[Tree]) -> tuple[Membership, ...]:
    """Where a process is in each hierarchy, also in those that are mounted nowhere (their `directory` is '')."""
    return tuple(_membership(line, trees) for line in lines)


def _membership(line: Line, trees: Sequence[Tree]) -> Membership:
    version = 1 if line.controllers else 2
    for tree in trees:
        hierarchy = tree.hierarchy
        if hierarchy.version == version and (version == 2 or set(hierarchy.controllers) == set(line.controllers)):
            return Membership(version, hierarchy.controllers, line.path, tree.directory(line.path))
    return Membership(version, line.controllers, line.path, "")


def read_cgroups(held: Held, trees: Sequence[Tree]) -> Cgroups:
    """Membership and what each controller says; raises OSError or UnreadableError."""
    found = memberships(parse_cgroup(held.read("cgroup")), trees)
    texts = controllers.read_texts(found)
    return controllers.parse_controllers(found, texts)
