"""Images: names for stacks of layers, each owner's own, and `busybox`, which is made on this machine and everybody's.

An image is its configuration (OCI image specification): the id is that text's digest, and the layers are those it names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from ...protocol import ProtocolError
from ..launch import MOST_LAYERS
from .layers import DIGEST, Layers, make_private

SHARED = "shared"
IMAGES_EACH = 32
LAYER_BYTES = 64 << 20
ALL_BYTES = 256 << 20
"""What the layers of an ordinary user may take, one and all together, as archives."""
NAME = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,31})?")
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

    def told(self) -> dict[str, Any]:
        """As the protocol's Images tells it."""
        return {key: value for key, value in asdict(self).items() if key not in ("config", "command")}


class Images:
    """All images of all owners under one directory, which only the helper can look into."""

    def __init__(self, directory: str) -> None:
        """Keep them here."""
        self.directory = directory
        self.unpacking: set[int] = set()
        """Owners of whom a layer is on its way: one each."""

    def of(self, owner: int) -> list[Image]:
        """The images that this uid may use: its own, then those of everybody, unless its own have the same name."""
        self._make_shared()
        return self.made(owner)

    def made(self, owner: int) -> list[Image]:
        """Those of them that are there already."""
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
        return Layers(f"{self.directory}/{owner}/layers")

    def holding(self, owner: int, digest: str) -> Layers:
        """The own or shared layers that hold this one; raises ProtocolError `no_such_layer`."""
        if DIGEST.fullmatch(digest):
            for layers in (self.layers(owner), Layers(f"{self.directory}/{SHARED}/layers")):
                if layers.has(digest):
                    return layers
        raise ProtocolError("no_such_layer", digest=digest)

    def roots(self, owner: int, image: Image) -> dict[str, str]:
        """The directories to mount one upon the other, the topmost first, by the names that a container shows them under."""
        return {digest[7:19]: self.holding(owner, digest).root(digest) for digest in reversed(image.layers)}

    def register(self, owner: int, name: str, config: str) -> Image:
        """Give a name to the image of this configuration, whose layers must be there; raises ProtocolError."""
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise ProtocolError("bad_image_name", name=name)
        own = [one for one in self._read(str(owner)) if one.name != with_tag(name)]
        if owner and len(own) >= IMAGES_EACH:
            raise ProtocolError("too_many_images", maximum=IMAGES_EACH)
        layers, command = _read_config(config)
        size = sum(self.holding(owner, one).size(one) for one in layers)
        image = Image(with_tag(name), _digest(config), layers, command, config, int(time.time()), size)
        self._write(str(owner), [*own, image])
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

    def sweep(self, owner: int, running: Collection[str]) -> list[str]:
        """Free the layers that no image of this owner has and no box runs on; returns directories to remove."""
        wanted = {layer for one in self._read(str(owner)) for layer in one.layers}
        return self.layers(owner).leave(wanted | set(running))

    def sweep_all(self) -> list[str]:
        """The same for every owner when nothing runs, with what a crash left half made."""
        found = []
        for name in os.listdir(self.directory) if os.path.isdir(self.directory) else ():
            layers = Layers(f"{self.directory}/{name}/layers")
            wanted = {layer for one in self._read(name) for layer in one.layers}
            found += layers.leave(wanted) + layers.unfinished()
        return found

    def _make_shared(self) -> None:
        """Make everybody's image, once a machine, when somebody first asks."""
        if self._read(SHARED):
            return
        # A helper that is larger by these libraries forks, and so starts every sandbox, slower.
        from .baking import bake  # noqa: PLC0415  # as just said

        layers = Layers(f"{self.directory}/{SHARED}/layers")
        digest, config = bake(layers)
        command, size = _read_config(config)[1], layers.size(digest)
        self._write(SHARED, [Image("busybox:latest", _digest(config), [digest], command, config, int(time.time()), size)])

    def _read(self, owner: str) -> list[Image]:
        """The images that are written down for an owner."""
        try:
            with open(f"{self.directory}/{owner}/images.json") as file:
                return [Image(**one) for one in json.load(file)]
        except FileNotFoundError:
            return []

    def _write(self, owner: str, images: list[Image]) -> None:
        """Write them down, at one blow."""
        place = f"{self.directory}/{owner}/images.json"
        make_private(f"{self.directory}/{owner}")
        with open(f"{place}.new", "w") as file:
            json.dump([asdict(one) for one in images], file)
        os.rename(f"{place}.new", place)


def with_tag(name: str) -> str:
    """The name with `:latest` where it has no tag."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _digest(config: str) -> str:
    """The id of the image that has this configuration."""
    return "sha256:" + hashlib.sha256(config.encode()).hexdigest()


def _read_config(config: str) -> tuple[list[str], list[str]]:
    """Layers and command of a configuration; raises ProtocolError `bad_config` for anything else than such a one."""
    try:
        told = json.loads(config)
        layers, inner = told["rootfs"]["diff_ids"], told.get("config") or {}
        command = [*(inner.get("Entrypoint") or ()), *(inner.get("Cmd") or ())]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ProtocolError("bad_config") from error
    if not all(type(one) is str and "\0" not in one for one in [*layers, *command]):
        raise ProtocolError("bad_config")
    if not 1 <= len(layers) <= MOST_LAYERS:
        raise ProtocolError("bad_layer_count", maximum=MOST_LAYERS)
    return layers, command or ["sh"]
