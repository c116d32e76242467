"""Images: names for stacks of layers, each owner's own, and `busybox`, which is made on this machine and everybody's.

An image is its configuration (OCI image specification): the id is that text's digest, and the layers are those it names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

from ...protocol import ImageInfo, ProtocolError
from ..confined import disk
from ..kernel import files
from ..kernel.troubles import saying, tell
from . import configuration
from .layers import DIGEST, Layers

SHARED = "shared"
DAMAGED = "images.json.damaged-"
"""What the name of a list that can't be read begins with, once it is put aside; the moment follows."""
IMAGES_EACH = 32
IMAGE_NAME = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,31})?")
LONGEST_NAME = 96


@dataclass(frozen=True)
class Image:
    """One name of an image. `layers` are diff ids, the bottom one first; size is that of its layers' archives."""

    name: str
    id: str
    layers: list[str]
    command: list[str]
    config: str
    created: int
    size: int

    def info(self) -> ImageInfo:
        """What its owner may know of it."""
        return ImageInfo(self.name, self.id, tuple(self.layers), self.created, self.size)


class Images:
    """All images of all owners under one directory, which only the helper can look into."""

    def __init__(self, directory: str) -> None:
        """Keep them here."""
        self.directory = directory
        self.unpacking: set[int] = set()
        """Owners of whom a layer is on its way: one each."""
        self.wanting: list[Callable[[Exception | None], None]] = []
        """Who waits for everybody's image to be made, and gets the error where it is not."""
        self._layers: dict[str, Layers] = {}
        self._expected: dict[tuple[int, str], Callable[[], bool]] = {}

    def of(self, owner: int) -> list[Image]:
        """The images that this uid may use: its own, then those of everybody, unless its own have the same name."""
        own = self._read(str(owner))
        taken = {one.name for one in own}
        return own + [one for one in self._read(SHARED) if one.name not in taken]

    def find(self, owner: int, reference: str) -> Image:
        """By name, id, or the beginning of an id; raises ProtocolError `no_such_image`."""
        known = self.of(owner)
        named = [one for one in known if one.name == with_tag(reference)]
        digits = reference.removeprefix("sha256:")
        by_id = [one for one in known if len(digits) >= 4 and one.id.removeprefix("sha256:").startswith(digits)]
        if not named and len({one.id for one in by_id}) != 1:
            raise ProtocolError("no_such_image", image=reference)
        return (named or by_id)[0]

    def layers(self, owner: int) -> Layers:
        """An owner's own layers."""
        return self._layers_of(str(owner))

    def shared_layers(self) -> Layers:
        """Everybody's."""
        return self._layers_of(SHARED)

    def has_shared(self) -> bool:
        """True where everybody's image is made, which is once a machine."""
        return bool(self._read(SHARED))

    def share(self, digest: str) -> None:
        """Write down everybody's image, whose one layer is there. Raises ProtocolError `images_failed`."""
        config = configuration.of_busybox(digest)
        with disk.refusing():
            size = self.shared_layers().size(digest)
        command = configuration.read(config).command
        self._write(SHARED, [Image("busybox:latest", _digest(config), [digest], command, config, int(time.time()), size)])

    def holding(self, owner: int, digest: str) -> Layers:
        """The own or shared layers that hold this one; raises ProtocolError `no_such_layer`."""
        if DIGEST.fullmatch(digest):
            for layers in (self.layers(owner), self.shared_layers()):
                if layers.has(digest):
                    return layers
        raise ProtocolError("no_such_layer", digest=digest)

    def roots(self, owner: int, image: Image) -> dict[str, str]:
        """The directories to mount one upon the other, the topmost first, by the names that a container shows them under."""
        return {digest[7:19]: self.holding(owner, digest).root(digest) for digest in reversed(image.layers)}

    def register(self, owner: int, name: str, config: str) -> Image:
        """Give a name to the image of this configuration, whose layers must be there; raises ProtocolError."""
        if not IMAGE_NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise ProtocolError("bad_image_name", name=name)
        own = [one for one in self._read(str(owner)) if one.name != with_tag(name)]
        if owner and len(own) >= IMAGES_EACH:
            raise ProtocolError("too_many_images", maximum=IMAGES_EACH)
        told = configuration.read(config)
        with disk.refusing():
            size = sum(self.holding(owner, one).size(one) for one in told.layers)
        image = Image(with_tag(name), _digest(config), told.layers, told.command, config, int(time.time()), size)
        self._write(str(owner), [*own, image])
        for one in told.layers:
            self._expected.pop((owner, one), None)
        return image

    def remove(self, owner: int, reference: str, running: Collection[str]) -> bool:
        """Take one name away; True if that was the image's last one. `running` are ids of images that must stay.

        Raises ProtocolError `image_in_use` or, for one that is everybody's, `image_is_shared`.
        """
        image = self.find(owner, reference)
        own = self._read(str(owner))
        if image not in own:
            raise ProtocolError("image_is_shared", image=image.name)
        rest = [one for one in own if one != image]
        last = image.id not in {one.id for one in (*rest, *self._read(SHARED))}
        if last and image.id in running:
            raise ProtocolError("image_in_use", image=image.name)
        self._write(str(owner), rest)
        return last

    def expect(self, owner: int, digest: str, waits: Callable[[], bool]) -> None:
        """Keep a layer that came for an image which is not registered yet, for as long as somebody waits to do so."""
        self._expected = {key: waits for key, waits in self._expected.items() if waits()}
        self._expected[owner, digest] = waits

    def sweep(self, owner: int, running: Collection[str], short: bool = False) -> list[str]:
        """Free the layers that no image of this owner has, no box runs on and nobody is about to use; returns what to remove.

        Where a list was damaged, all layers stay until room is `short`: the list may be mended, or its images loaded again.
        """
        expected = {digest for (whose, digest), waits in self._expected.items() if whose == owner and waits()}
        with saying(f"the layers in {self.directory}/{owner} that nobody needs stay"):
            return self._free(str(owner), expected.union(running), short)
        return []

    def sweep_all(self) -> list[str]:
        """The same for every owner when nothing runs, and what a crash left half made; where it can't be done, it is said."""
        found: list[str] = []
        for owner in files.names(self.directory) if os.path.isdir(self.directory) else ():
            with saying(f"the images in {self.directory}/{owner} are left as they are"):
                layers = self._layers_of(owner)
                found += layers.unfinished()
                found += self._free(owner, (), short=False)
                layers.taken()  # counted now where that must be, before anybody waits for it
        return found

    def _free(self, owner: str, used: Collection[str], short: bool) -> list[str]:
        """Take their names from the layers that no image has, and that are not used either. Raises OSError."""
        wanted = {layer for one in self._listed(owner) for layer in one.layers}
        damaged = any(name.startswith(DAMAGED) for name in files.names(f"{self.directory}/{owner}"))
        layers = self._layers_of(owner)
        return layers.leave(layers.all() - wanted - set(used)) if short or not damaged else []

    def _layers_of(self, owner: str) -> Layers:
        """An owner's layers, or everybody's: one object for each."""
        return self._layers.setdefault(owner, Layers(f"{self.directory}/{owner}/layers"))

    def _read(self, owner: str) -> list[Image]:
        """The images that are written down for an owner."""
        with disk.refusing():
            return self._listed(owner)

    def _listed(self, owner: str) -> list[Image]:
        """The same, raising OSError: none where the list is damaged, which is put aside."""
        place = f"{self.directory}/{owner}/images.json"
        try:
            with open(place, encoding="utf-8") as file:
                return [_image(one) for one in json.load(file)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (IsADirectoryError, ValueError, TypeError, RecursionError):
            aside = f"{self.directory}/{owner}/{DAMAGED}{int(time.time())}"
            os.rename(place, aside)
            tell(f"{place} is damaged, and lies in {aside} now; this owner begins with no image")
            return []

    def _write(self, owner: str, images: list[Image]) -> None:
        """Write them down, at one blow."""
        with disk.refusing():
            files.make_private(f"{self.directory}/{owner}")
            files.replace(f"{self.directory}/{owner}/images.json", json.dumps([asdict(one) for one in images]).encode())


def with_tag(name: str) -> str:
    """The name with `:latest` where it has no tag."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _digest(config: str) -> str:
    """The id of the image that has this configuration."""
    return "sha256:" + hashlib.sha256(config.encode()).hexdigest()


def _image(told: dict[str, Any]) -> Image:
    """An image as it was written down; raises ValueError or TypeError where something else was."""
    image = Image(**told)
    texts = (image.name, image.id, image.config, *image.layers, *image.command)
    if not all(type(one) is str for one in texts) or type(image.created) is not int or type(image.size) is not int:
        raise TypeError
    if not all(map(DIGEST.fullmatch, image.layers)):
        raise ValueError
    return image
