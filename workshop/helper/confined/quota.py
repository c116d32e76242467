"""How much of the disk the images of one owner may take. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ...protocol import ProtocolError
from .disk import Taken

LAYER_BYTES = 64 << 20
"""Of one layer of an ordinary user's: its archive, and all its files together."""
ALL = Taken(disk=768 << 20, files=1 << 17)
"""Of all layers of an ordinary user's, archives and what was unpacked of them: four that are each as large and of as many files
as one may be (64 MiB, 30,000 files) take 684 MiB and 120,016 files, where half a block is lost for each file."""
LEAST = Taken(disk=4 * LAYER_BYTES, files=1 << 15)
"""Where less than this is left, what nobody needs is removed first: as much as one layer can take."""


@dataclass(frozen=True)
class Room:
    """What one more layer may have: bytes of archive, and of disk and files whatever its owner has left."""

    archive: int
    disk: int
    files: int


OF_ROOT = Room(archive=4 << 30, disk=1 << 50, files=1 << 30)
"""What a layer of root's may have: as much as the disk has."""


def room(owner: int, taken: Taken) -> Room:
    """What one more layer may have, where this is taken; raises ProtocolError `images_full` where nothing is left."""
    if owner == 0:
        return OF_ROOT
    if taken.disk >= ALL.disk or taken.files >= ALL.files:
        raise full()
    return Room(LAYER_BYTES, ALL.disk - taken.disk, ALL.files - taken.files)


def is_short(owner: int, taken: Taken) -> bool:
    """True where less is left than one layer can take."""
    return owner != 0 and (ALL.disk - taken.disk < LEAST.disk or ALL.files - taken.files < LEAST.files)


def full() -> ProtocolError:
    """The refusal of what would be more than an owner may have."""
    return ProtocolError("images_full", mebibytes=ALL.disk >> 20, files=ALL.files)
