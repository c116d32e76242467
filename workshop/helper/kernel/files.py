"""Files and directories of the helper's own: made, replaced and removed so that a crash at any moment does no harm."""

from __future__ import annotations

import contextlib
import os

_ALL_OF_ITS_OWNER = 0o700


def replace(path: str, data: bytes) -> None:
    """Write a file that only its owner can read, in place of what was there; raises OSError, and then that is still there.

    It is synced beside its place before it gets its name, and then its name is: one whose bytes are not on the disk yet can
    be an empty file after a power cut (rename(2), fsync(2)).
    """
    fresh = f"{path}.new"
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.rename(fresh, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise
    sync_names(os.path.dirname(path))


def make_private(directory: str) -> None:
    """Make a directory, and those above it that are missing, which nobody else can look into."""
    if not os.path.isdir(directory):
        make_private(os.path.dirname(directory))
        os.mkdir(directory, _ALL_OF_ITS_OWNER)


def names(directory: str) -> list[str]:
    """Names in a directory, none where it is missing."""
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def sync_names(directory: str) -> None:
    """Have what was made and renamed in a directory on the disk: a file's own fsync(2) does not see to its name."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def remove(name: str, above: int | None = None) -> None:
    """Remove a file, or a directory with all that is in it, whatever their modes; what has gone already is no trouble.

    Safe: no link is followed, since each directory is opened by its name in the one above it, which is held.
    Raises OSError where something does not go; the rest has gone then.
    """
    with contextlib.suppress(FileNotFoundError):
        try:
            directory = _open(name, above)
        except NotADirectoryError:
            os.unlink(name, dir_fd=above)
            return
        try:
            _empty(directory)
        finally:
            os.close(directory)
        os.rmdir(name, dir_fd=above)


def _open(name: str, above: int | None) -> int:
    """A directory of this user's, to be read whatever its mode is."""
    flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, os.O_RDONLY | flags, dir_fd=above)
    except PermissionError:
        held = os.open(name, os.O_PATH | flags, dir_fd=above)
        try:
            os.chmod(f"/proc/self/fd/{held}", _ALL_OF_ITS_OWNER)
        finally:
            os.close(held)
        return os.open(name, os.O_RDONLY | flags, dir_fd=above)


def _empty(directory: int) -> None:
    """Remove all that is in a directory."""
    if os.fstat(directory).st_mode & _ALL_OF_ITS_OWNER != _ALL_OF_ITS_OWNER:
        os.fchmod(directory, _ALL_OF_ITS_OWNER)
    first: OSError | None = None
    for name in os.listdir(directory):
        try:
            remove(name, directory)
        except OSError as error:
            first = first or error
    if first:
        raise first
