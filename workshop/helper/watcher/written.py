"""What a box has written into its own layer, as overlay keeps it (kernel: Documentation/filesystems/overlayfs.rst)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import islice

from ...facts import Written
from ..confined.packing import MOUNTED_UPON, OPAQUE_ATTRIBUTE, WRITTEN_BY_HELPER

MOST_PATHS = 64
"""Paths that are told, and names that are looked at in one directory: the layer is a stranger's, and may hold any number."""
DEPTH = 8
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def read_written(upper: int) -> tuple[Written, ...]:
    """Paths below the directory that this descriptor holds, not those that the helper made; raises OSError if it is gone.

    Safe: each name is opened in the directory that was opened before it, and no link is followed.
    """
    return tuple(islice(_below(upper, ".", ""), MOST_PATHS))


def _below(directory: int, name: str, above: str) -> Iterator[Written]:
    """What one directory holds, each path before what is below it."""
    opened = os.open(name, _DIRECTORY, dir_fd=directory)
    try:
        with os.scandir(opened) as entries:
            names = sorted(entry.name for entry in islice(entries, MOST_PATHS))
        for one in names:
            path = f"{above}{one}"
            kind = _kind(opened, one)
            inside = list(islice(_below(opened, one, f"{path}/"), MOST_PATHS)) if _goes_on(kind, path) else []
            if path not in WRITTEN_BY_HELPER and (inside or path not in MOUNTED_UPON):
                yield Written(path, kind)
                yield from inside
    finally:
        os.close(opened)


def _goes_on(kind: str, path: str) -> bool:
    """True for a directory that is not too deep."""
    return kind in ("directory", "opaque") and path.count("/") < DEPTH


def _kind(directory: int, name: str) -> str:
    """file, directory, opaque (it hides all that is below it in other layers), whiteout (so is this name), or other."""
    seen = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if stat.S_ISCHR(seen.st_mode) and seen.st_rdev == 0:
        return "whiteout"
    if stat.S_ISDIR(seen.st_mode):
        return "opaque" if _is_opaque(directory, name) else "directory"
    return "file" if stat.S_ISREG(seen.st_mode) else "other"


def _is_opaque(directory: int, name: str) -> bool:
    """True where overlay has marked this directory."""
    opened = os.open(name, _DIRECTORY, dir_fd=directory)
    try:
        return os.getxattr(opened, OPAQUE_ATTRIBUTE) == b"y"
    except OSError:
        return False
    finally:
        os.close(opened)
