"""Files of the helper's own that are there whole or not at all, whatever happens while one is written."""

from __future__ import annotations

import contextlib
import os


def replace(path: str, data: bytes) -> None:
    """Write a file that only its owner can read, in place of what was there; raises OSError, and then that is still there.

    It is synced beside its place before it gets its name: a name whose bytes are not on the disk yet can be an empty file
    after a power cut (rename(2), fsync(2)).
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
