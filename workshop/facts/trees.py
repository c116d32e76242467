"""Which control group trees are mounted, by the kernel's texts: the one reader for helper, observer and doctor. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .cgroups import Hierarchy

_ESCAPED = re.compile(r"\\([0-3][0-7]{2})")


class UnreadableError(ValueError):
    """The text is not what its manual page says it is; the message names the file and the piece that was not understood."""


@dataclass(frozen=True, slots=True)
class MountLine:
    """One line; `root` is what of the file system is mounted at `target`; `own` and `shared` are the two lists of options."""

    root: str
    target: str
    own: tuple[str, ...]
    type: str
    source: str
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of /proc/PID/cgroup; version 2 names no controllers."""

    controllers: tuple[str, ...]
    path: str


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


def read_trees(read: Callable[[str], str]) -> tuple[Tree, ...]:
    """What is mounted for this process, `read` giving the text of a file; raises what that does, and UnreadableError."""
    mounts = cgroup_mounts(read("/proc/self/mountinfo"))
    return parse_trees(mounts, parse_cgroup(read("/proc/self/cgroup")), unified(mounts, read))


def unified(mounts: Sequence[MountLine], read: Callable[[str], str]) -> list[str]:
    """Version 2's controllers, from the root of the first of its mounts that can be read; none where there is none."""
    for mount in mounts:
        if mount.type == "cgroup2":
            try:
                return read(f"{mount.target}/cgroup.controllers").split()
            except OSError:
                continue
    return []


def parse_trees(mounts: Sequence[MountLine], own: Sequence[Line], unified: Sequence[str]) -> tuple[Tree, ...]:
    """The mounted hierarchies, each once however often it is mounted; a named one without controllers by its name.

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


def parse_cgroup(text: str) -> list[Line]:
    """Every line of /proc/PID/cgroup; raises UnreadableError."""
    return [_cgroup_line(line) for line in text.split("\n") if line]


def _cgroup_line(line: str) -> Line:
    words = line.split(":", 2)
    if len(words) != 3:
        raise UnreadableError(f"/proc/PID/cgroup: {line[:60]!r} has not three parts between colons")
    return Line(tuple(words[1].split(",")) if words[1] else (), words[2].removesuffix(" (deleted)"))


def cgroup_mounts(mountinfo: str) -> list[MountLine]:
    """The lines of mountinfo that can be cgroup mounts; raises UnreadableError."""
    return parse_mountinfo("\n".join(line for line in mountinfo.split("\n") if " - cgroup" in line))


def parse_mountinfo(text: str) -> list[MountLine]:
    """Every line of /proc/PID/mountinfo (proc_pid_mountinfo(5)), in its order; raises UnreadableError."""
    return [_mount_line(line) for line in text.split("\n") if line]


def _mount_line(line: str) -> MountLine:
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


def unescape(text: str) -> str:
    """Undo the kernel's octal escapes of space, tab, newline, backslash and number sign."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text) if "\\" in text else text
