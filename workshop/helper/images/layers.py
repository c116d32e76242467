"""The layers of one owner on disk: each a directory that is made beside its place and renamed into it, or not there at all.

`<digest>/root` is the layer's tree as overlay wants it below, `<digest>/layer.tar` the archive that it was made of, byte by
byte: what is saved again has the same digest. Names are the hexadecimal digits of diff ids (OCI image specification).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection

MAKING = ".making-"
GONE = ".gone-"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PREFIX = "sha256:"


class Layers:
    """Layers in one directory, which need not exist yet."""

    def __init__(self, directory: str) -> None:
        """Keep them here."""
        self.directory = directory

    def has(self, digest: str) -> bool:
        """True where the layer is there, and so is whole."""
        return os.path.isdir(self._place(digest))

    def root(self, digest: str) -> str:
        """The directory to mount."""
        return f"{self._place(digest)}/root"

    def archive(self, digest: str) -> str:
        """The file that the layer was made of."""
        return f"{self._place(digest)}/layer.tar"

    def size(self, digest: str) -> int:
        """Bytes of its archive."""
        return os.stat(self.archive(digest)).st_size

    def total(self) -> int:
        """Bytes of all archives."""
        return sum(self.size(PREFIX + name) for name in _names(self.directory) if not name.startswith("."))

    def begin(self) -> str:
        """A directory of its own for a layer that is being made, with an empty `root` and an empty `layer.tar` in it."""
        making = f"{self.directory}/{MAKING}{os.urandom(8).hex()}"
        make_private(self.directory)
        os.mkdir(making, 0o755)
        os.mkdir(f"{making}/root", 0o755)
        os.close(os.open(f"{making}/layer.tar", os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        return making

    def keep(self, making: str, digest: str) -> None:
        """The layer is whole: give it its name."""
        os.rename(making, self._place(digest))

    def leave(self, wanted: Collection[str]) -> list[str]:
        """Take their names from all layers but those wanted; returns the directories that can be removed now."""
        names = [name for name in _names(self.directory) if not name.startswith(".") and PREFIX + name not in wanted]
        return [self.discard(f"{self.directory}/{name}") for name in names]

    def discard(self, path: str) -> str:
        """Take its name from a layer, whole or not; returns the directory that can be removed now."""
        gone = f"{self.directory}/{GONE}{os.urandom(8).hex()}"
        os.rename(path, gone)
        return gone

    def unfinished(self) -> list[str]:
        """Directories of what a crash left half made or half removed."""
        return [f"{self.directory}/{name}" for name in _names(self.directory) if name.startswith((MAKING, GONE))]

    def _place(self, digest: str) -> str:
        """Where a layer is, or would be; the digest's form was checked, so that it is no path."""
        return f"{self.directory}/{digest.removeprefix(PREFIX)}"


def make_private(directory: str) -> None:
    """Make a directory, and those above it that are missing, which nobody else can look into."""
    if not os.path.isdir(directory):
        make_private(os.path.dirname(directory))
        os.mkdir(directory, 0o700)


def _names(directory: str) -> list[str]:
    """Names in a directory, none where it is missing."""
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []
