"""Files and directories that are the learner's alone: made so whatever the umask says, and mended where they were not."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

OTHERS = 0o077
"""What group and all others may do (chmod(2))."""


def make_directory(path: Path) -> None:
    """Make it with mode 0700, and what it lies in; one that is there stays as it is. Raises OSError."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir()
        path.chmod(0o700)  # what the umask took from its owner comes back, too


def make_file(path: Path) -> None:
    """Make it, empty, with mode 0600; one that is there stays as it is. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
    except FileExistsError:
        return
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def write(path: Path, data: bytes) -> None:
    """Write these bytes, with mode 0600, in place of what the file held; a link is not followed. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def beginning(with_name: Path) -> list[Path]:
    """What stands in the same directory with a name that begins so; nothing where the directory can't be looked into."""
    try:
        return [one for one in with_name.parent.iterdir() if one.name.startswith(with_name.name)]
    except OSError:
        return []


def is_ours(path: Path) -> bool:
    """True for a file or directory of this user's, and no link: in /tmp anybody may have put one in its place."""
    try:
        seen = path.lstat()
    except OSError:
        return False
    return seen.st_uid == os.geteuid() and not stat.S_ISLNK(seen.st_mode)


def mend(path: Path) -> None:
    """Take from group and others what they may do with a file or directory of this user's; raises nothing."""
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & OTHERS and is_ours(path):
            path.chmod(mode & ~OTHERS)
