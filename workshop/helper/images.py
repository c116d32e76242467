"""The images: there is one, `busybox`, made on this machine when it is first asked for (see `baking`)."""

from __future__ import annotations

import json
import os

from ..protocol import ProtocolError

MAKING = ".making-"


class Images:
    """Images in one directory: each a directory with `root` and `image.json` in it."""

    def __init__(self, directory: str) -> None:
        """Keep them here."""
        self.directory = directory

    def find(self, name: str) -> str:
        """The root directory of an image; raises ProtocolError `no_such_image`, or `image_failed` with a reason."""
        if name.removesuffix(":latest") != "busybox":
            raise ProtocolError("no_such_image", image=name)
        place = f"{self.directory}/busybox"
        if not os.path.isdir(place):
            # Once a machine, and only then: a helper larger by these libraries forks, and so starts every sandbox, slower.
            from .baking import bake  # noqa: PLC0415  # as just said

            bake(place, f"{self.directory}/{MAKING}{os.urandom(8).hex()}")
        return f"{place}/root"

    def listing(self) -> list[dict[str, str | int]]:
        """Every image as the protocol's Images tells it."""
        with open(os.path.dirname(self.find("busybox")) + "/image.json") as file:
            return [json.load(file)]

    def remove_unfinished(self) -> int:
        """Remove what a crash left half made; returns how many."""
        found = [name for name in _names(self.directory) if name.startswith(MAKING)]
        if found:
            import shutil  # noqa: PLC0415  # as above

            for name in found:
                shutil.rmtree(f"{self.directory}/{name}")
        return len(found)


def _names(directory: str) -> list[str]:
    """Names in a directory, none where it is missing."""
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []
