"""What layers take of a disk, and the refusal where it does not do what it should."""

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


@dataclass(frozen=True)
class Taken:
    """What something takes of a disk: bytes, in whole blocks, and files, directories among them."""

    disk: int
    files: int


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
