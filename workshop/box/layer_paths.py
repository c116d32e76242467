"""Which files a stack of layers shows, and what one more layer changes. Pure: members of tar archives in, paths out."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True)
class Member:
    """A file of a layer: its path without a slash in front, and whether it is a directory."""

    path: str
    directory: bool = False


def members(archive: BinaryIO) -> list[Member]:
    """The files of a layer's archive, in its order."""
    with tarfile.open(fileobj=archive, mode="r:") as opened:
        return [Member(one.name.removeprefix("./").strip("/"), one.isdir()) for one in opened if one.name not in (".", "./")]


def stacked(below: frozenset[str], layer: Iterable[Member]) -> frozenset[str]:
    """The paths that are to be seen when this layer lies on those below."""
    here = list(layer)
    gone = [path for one in here if (path := deleted(one.path))]
    emptied = [one.path.rpartition("/")[0] for one in here if one.path.rpartition("/")[2] == OPAQUE]
    left = {path for path in below if not _under(path, gone) and not (_under(path, emptied) and path not in emptied)}
    return frozenset(left | {one.path for one in here if not _is_mark(one.path)})


def changes(below: frozenset[str], layer: Iterable[Member]) -> list[tuple[str, str]]:
    """`A`dded, `C`hanged and `D`eleted paths of a layer, in the order of paths."""
    found = []
    for one in layer:
        if path := deleted(one.path):
            found.append(("D", path))
        elif not _is_mark(one.path):
            found.append(("C" if one.path in below else "A", one.path))
    return sorted(found, key=lambda one: one[1])


def deleted(path: str) -> str:
    """The path that a mark of deletion hides, '' for what is no such mark."""
    above, _, name = path.rpartition("/")
    if not name.startswith(WHITEOUT) or name.startswith(WHITEOUT * 2):
        return ""
    return f"{above}/{name.removeprefix(WHITEOUT)}".lstrip("/")


def _is_mark(path: str) -> bool:
    """True for a file that says something about others."""
    return path.rpartition("/")[2].startswith(WHITEOUT)


def _under(path: str, tops: Iterable[str]) -> bool:
    """True for one of these paths, and for everything below one."""
    return any(path == top or path.startswith(f"{top}/") for top in tops)
