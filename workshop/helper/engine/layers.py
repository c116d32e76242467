"""The layers of one owner on disk: each a directory that is made beside its place and renamed into it, or not there at all.

`<digest>/root` is the layer's tree as overlay wants it below, `<digest>/layer.tar` the archive that it was made of, byte by
byte: what is saved again has the same digest. `<digest>/taken.json` tells what all of it takes of the disk, so that nobody
has to walk through it. Names are the hexadecimal digits of diff ids (OCI image specification).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Collection
from dataclasses import asdict

from ..confined import disk
from ..confined.disk import Taken
from ..kernel import files
from ..kernel.troubles import saying

MAKING = ".making-"
GONE = ".gone-"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PREFIX = "sha256:"
AROUND = 4
"""Files of a layer that are not in its tree: its directory, that tree's, the archive and the record."""


class Layers:
    """Layers in one directory, which need not exist yet. One object for each: it remembers what they take."""

    def __init__(self, directory: str) -> None:
        """Keep them here."""
        self.directory = directory
        self._taken: dict[str, Taken] | None = None

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

    def taken(self) -> Taken:
        """What all layers take together, what is around their trees included."""
        known = self._known().values()
        return Taken(sum(one.disk for one in known), sum(one.files for one in known))

    def begin(self) -> str:
        """A directory of its own for a layer that is being made, with an empty `root` and an empty `layer.tar` in it."""
        making = f"{self.directory}/{MAKING}{os.urandom(8).hex()}"
        files.make_private(self.directory)
        try:
            os.mkdir(making, 0o755)
            os.mkdir(f"{making}/root", 0o755)
            os.close(os.open(f"{making}/layer.tar", os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError:
            files.remove(making)
            raise
        return making

    def keep(self, making: str, digest: str, tree: Taken) -> list[str]:
        """The layer is whole, and on the disk: give it its name. Returns the directories that can be removed now.

        `tree` is what its tree takes. Where the layer is there already, that one stays: a sandbox may run on it.
        """
        if self.has(digest):
            return [self.discard(making)]
        odd = [self.discard(self._place(digest))] if os.path.lexists(self._place(digest)) else []
        known = self._known()
        taken = Taken(tree.disk + disk.blocks(os.stat(f"{making}/layer.tar").st_size) + 3 * disk.BLOCK, tree.files + AROUND)
        _record(making, taken)
        os.rename(making, self._place(digest))
        known[digest.removeprefix(PREFIX)] = taken
        files.sync_names(self.directory)
        return odd

    def leave(self, digests: Collection[str]) -> list[str]:
        """Take their names from these layers; returns the directories that can be removed now. Where that fails, it is said."""
        gone = []
        for one in digests:
            with saying(f"{self._place(one)} is left"):
                gone.append(self.discard(self._place(one)))
        return gone

    def discard(self, path: str) -> str:
        """Take its name from a layer, whole or not; returns the directory that can be removed now."""
        gone = f"{self.directory}/{GONE}{os.urandom(8).hex()}"
        os.rename(path, gone)
        if self._taken:
            self._taken.pop(os.path.basename(path), None)
        return gone

    def all(self) -> set[str]:
        """The digest of each layer that is there, and the like of whatever else has a name."""
        return {PREFIX + name for name in files.names(self.directory) if not name.startswith(".")}

    def unfinished(self) -> list[str]:
        """Directories of what a crash left half made or half removed."""
        return [f"{self.directory}/{name}" for name in files.names(self.directory) if name.startswith((MAKING, GONE))]

    def _known(self) -> dict[str, Taken]:
        """What each layer takes, read once."""
        if self._taken is None:
            self._taken = {one[len(PREFIX) :]: _recorded(self._place(one)) for one in self.all()}
        return self._taken

    def _place(self, digest: str) -> str:
        """Where a layer is, or would be; the digest's form was checked, so that it is no path."""
        return f"{self.directory}/{digest.removeprefix(PREFIX)}"


def _record(directory: str, taken: Taken) -> None:
    """Write down what a layer takes. It need not be on the disk: where it is missing, it is counted again."""
    with open(f"{directory}/taken.json", "w", encoding="utf-8") as file:
        json.dump(asdict(taken), file)


def _recorded(directory: str) -> Taken:
    """What a layer takes: as it was written down, or counted where it was not, or can't be read."""
    try:
        with open(f"{directory}/taken.json", encoding="utf-8") as file:
            told = json.load(file)
            return Taken(int(told["disk"]), int(told["files"]))
    except (OSError, ValueError, TypeError, KeyError):
        tree = disk.count(directory)
    counted = Taken(tree.disk + 2 * disk.BLOCK, tree.files + 2)  # itself and its record
    with contextlib.suppress(OSError):
        _record(directory, counted)
    return counted
