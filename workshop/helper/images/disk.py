"""Files and directories of the helper's own on the disk: made, replaced, counted and removed so that a crash does no harm.

What replaces another file is on the disk before it does: after any crash there is the old or the new, and never a part.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from ...protocol import ProtocolError

BLOCK = 4096
"""What a file takes at least, a directory as well: an inode, and as a rule a block."""
MOST_COUNTED = 100_000
"""More files than this are not counted: it takes half a second, and is beyond what anybody may have in one layer."""
_ALL_OF_ITS_OWNER = 0o700


@dataclass(frozen=True)
class Taken:
    """What something takes of a disk: bytes, in whole blocks, and files, directories among them."""

    disk: int
    files: int


@contextlib.contextmanager
def saying(what: str) -> Iterator[None]:
    """Go on where this could not be done: a line on standard error says so, and why."""
    try:
        yield
    except (OSError, RecursionError) as error:  # the latter of a tree that is deeper than any that we make
        say(f"{what}: {error}")


def say(sentence: str) -> None:
    """A line on standard error."""
    with contextlib.suppress(OSError):  # it may be a file on a full disk
        os.write(2, f"helper: {sentence}\n".encode("utf-8", "backslashreplace"))


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Raise ProtocolError `images_failed`, with the kernel's reason, where the disk does not do what it should."""
    try:
        yield
    except OSError as error:
        raise ProtocolError("images_failed", reason=error.strerror or str(error)) from error


def blocks(size: int) -> int:
    """What a file of so many bytes takes."""
    return max(BLOCK, -(-size // BLOCK) * BLOCK)


def count(directory: str) -> Taken:
    """What all in a directory takes, as far as it is counted."""
    disk = files = 0
    places = [directory]
    while places and files < MOST_COUNTED:
        with contextlib.suppress(OSError), os.scandir(places.pop()) as entries:
            for entry in entries:
                disk += max(BLOCK, entry.stat(follow_symlinks=False).st_blocks * 512)
                files += 1
                if entry.is_dir(follow_symlinks=False):
                    places.append(entry.path)
    return Taken(disk, files)


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


def replace(path: str, text: str) -> None:
    """Write a file in place of what has this name; it is on the disk when this returns."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{path}.new", path)
    sync_names(os.path.dirname(path))


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
