"""Which cgroup a process is in, in every hierarchy, and where that is on the host's file system (cgroups(7))."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...facts import Cgroups, Hierarchy, Membership
from . import controllers
from .held import Held, read
from .mounts import MountLine, parse_lines
from .text import UnreadableError


@dataclass(frozen=True, slots=True)
class Tree:
    """A mounted hierarchy and `root`, the cgroup that its mount shows as its top (not `/` inside some containers)."""

    hierarchy: Hierarchy
    root: str

    def directory(self, path: str) -> str:
        """Where a cgroup is on the file system, '' if it lies outside what is mounted."""
        top = self.root.rstrip("/")
        if ".." in path.split("/") + top.split("/") or not f"{path}/".startswith(f"{top}/"):
            return ""
        return self.hierarchy.mounted.rstrip("/") + path[len(top) :].rstrip("/")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of /proc/PID/cgroup; version 2 names no controllers."""

    controllers: tuple[str, ...]
    path: str


def parse_cgroup(text: str) -> list[Line]:
    """Every line of /proc/PID/cgroup; raises UnreadableError."""
    return [_line(line) for line in text.split("\n") if line]


def _line(line: str) -> Line:
    words = line.split(":", 2)
    if len(words) != 3:
        raise UnreadableError(f"/proc/PID/cgroup: {line[:60]!r} has not three parts between colons")
    return Line(tuple(words[1].split(",")) if words[1] else (), words[2].removesuffix(" (deleted)"))


def parse_trees(mounts: Sequence[MountLine], own: Sequence[Line], unified: Sequence[str]) -> tuple[Tree, ...]:
    """The mounted hierarchies, each once.

    `own` is the reader's /proc/self/cgroup, which tells controllers from other mount options; `unified` is what version
    2's root has in cgroup.controllers.
    """
    known = {name for line in own for name in line.controllers}
    found: dict[tuple[int, tuple[str, ...]], Tree] = {}
    for mount in mounts:
        if mount.type not in ("cgroup", "cgroup2"):
            continue
        version = 1 if mount.type == "cgroup" else 2
        names = tuple(name for name in mount.shared if name in known) if version == 1 else tuple(unified)
        tree = Tree(Hierarchy(version, names, mount.target), mount.root)
        seen = found.get((version, names))
        if seen is None or (seen.root != "/" and tree.root == "/"):
            found[version, names] = tree
    return tuple(found.values())


def cgroup_mounts(mountinfo: str) -> list[MountLine]:
    """The lines of mountinfo that can be cgroup mounts; raises UnreadableError."""
    return parse_lines("\n".join(line for line in mountinfo.split("\n") if " - cgroup" in line))


def read_trees(mounts: Sequence[MountLine], own: Sequence[Line]) -> tuple[Tree, ...]:
    """The mounted hierarchies, with version 2's controllers read from its root."""
    return parse_trees(mounts, own, _unified(mounts))


def _unified(mounts: Sequence[MountLine]) -> list[str]:
    for mount in mounts:
        if mount.type == "cgroup2":
            try:
                return read(f"{mount.target}/cgroup.controllers").split()
            except OSError:
                continue
    return []


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
