"""Control groups as directories, which stay when their last process has gone, unless somebody removes them (cgroups(7))."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from .cgroups import Line, Tree, memberships, parse_cgroup
from .engines import box_id
from .held import read_or
from .host import Machine
from .visibility import Question

DEPTH = 4
"""Levels below the mount. Docker makes its groups on the second, whoever makes one by hand seldom goes further."""
MOST_GROUPS = 256
MOST_LOOKED_AT = 4096
"""Directories of one level; one look is made at a time, and a user may fill the part of the tree that is delegated."""

_CONTAINER = re.compile(r"[0-9a-f]{64}")
_SHARED = re.compile(r".*\.slice|init\.scope")


def read_groups(seen: Machine, question: Question) -> tuple[str, ...]:
    """The groups that Host.groups tells of, as far as the caller may know of them."""
    tree = _tree(seen.trees)
    if tree is None:
        return ()
    mounted = tree.hierarchy.mounted.rstrip("/")
    kept = listed(_walk(mounted), _own(seen, tree).removeprefix(mounted))
    ours = [mounted + path for path in kept if _may_see(tree.root.rstrip("/") + path, seen.paths, question)]
    return tuple(sorted(ours)[:MOST_GROUPS])


def listed(paths: Iterable[str], own: str) -> list[str]:
    """Of paths below a mount, those of containers, and those outside of what systemd and `own`, the reader's group, hold."""
    return [path for path in paths if _CONTAINER.search(path.rpartition("/")[2]) or not _within(path, own)]


def _within(path: str, own: str) -> bool:
    return any(map(_SHARED.fullmatch, path.split("/"))) or (own != "" and f"{path}/".startswith(f"{own}/"))


def _tree(trees: Sequence[Tree]) -> Tree | None:
    """The hierarchy that holds the cpu controller, else version 2's."""
    with_cpu = [tree for tree in trees if "cpu" in tree.hierarchy.controllers]
    return next(iter(with_cpu + [tree for tree in trees if tree.hierarchy.version == 2]), None)


def _own(seen: Machine, tree: Tree) -> str:
    """The directory of the observer's own group, '' if it can't be told."""
    lines: list[Line] = read_or(lambda: parse_cgroup(seen.observer.read("cgroup")), [])
    kind = (tree.hierarchy.version, tree.hierarchy.controllers)
    found = memberships(lines, seen.trees)
    return next((one.directory for one in found if (one.version, one.controllers) == kind), "")


def _may_see(path: str, own: Sequence[str], question: Question) -> bool:
    """A box's groups are its owner's to know of; a group that is no box's has no owner but root."""
    box = box_id([path], own, question.instance)
    return not box or question.may_see_box(box)


def _walk(top: str) -> Iterator[str]:
    """Directories below `top`, without it in front, level by level."""
    level = [""]
    for _ in range(DEPTH):
        level = [f"{path}/{name}" for path in level for name in _children(top + path)][:MOST_LOOKED_AT]
        yield from level


def _children(directory: str) -> list[str]:
    """The directories in a group; its files are many, so a group without any is told by its number of links alone."""
    with suppress(OSError):
        if os.stat(directory).st_nlink != 2:
            with os.scandir(directory) as entries:
                return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []
