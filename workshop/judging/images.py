"""What checks say often about images, layers and their digests. Pure."""

from __future__ import annotations

from ..facts import Container, Facts, Image

SHOWN = 12
"""Digits of a digest that engines show, and that name a layer in a container's mounts."""


def digest_digits(digest: str) -> str:
    """A digest without its algorithm: the `0a1b...` of `sha256:0a1b...`."""
    return digest.removeprefix("sha256:")


def short_digest(digest: str) -> str:
    """As many digits of a digest as engines show: twelve."""
    return digest_digits(digest)[:SHOWN]


def base_of(image: Image, facts: Facts) -> Image | None:
    """The image that has all layers of this one but the topmost; None where there is none."""
    return next((one for one in facts.images if one.layers and one.layers == image.layers[:-1]), None)


def grown_images(facts: Facts) -> list[tuple[Image, Image]]:
    """Images that have one layer more than another, each with that other one."""
    return [(one, base) for one in facts.images if (base := base_of(one, facts))]


def layers_of(container: Container) -> tuple[str, ...]:
    """The names of the directories that overlay stacks for a container, the topmost first; () where its root is no overlay.

    With box each is the first twelve digits of a layer's digest. `mounts` must have been looked at.
    """
    roots = [one for one in container.mounts if one.target == "/" and one.type == "overlay"]
    options = [option for option in roots[-1].options if option.startswith("lowerdir=")] if roots else []
    return tuple(path.rpartition("/")[2] for path in options[0].removeprefix("lowerdir=").split(":")) if options else ()
