"""box: the workshop's own engine, which is there wherever the workshop is. What removes what a lesson made with it."""

from __future__ import annotations

from collections.abc import Mapping

from ..facts import Facts
from .leftovers import Leftover, Removal

REMOVES: Mapping[str, Removal] = {"container": ("box", "rm", "-f"), "network": ("box", "network", "rm"), "image": ("box", "rmi")}
"""What removes each kind; the id or name comes after it."""
SHARED_IMAGE = "busybox:latest"
"""Made by the helper when it is first needed; nobody can remove it."""


def leftovers(before: Facts, now: Facts, _: int, __: frozenset[str]) -> list[Leftover]:
    """Boxes that appeared since, half made ones too, networks, and names of images. Pure."""
    boxes = [one.id for one in now.containers if before.same(one) is None and one.engine == "box"]
    boxes += [one.id for one in now.half_made if one.id not in {other.id for other in before.half_made}]
    found = [Leftover("container", identity) for identity in dict.fromkeys(boxes)]
    found += [Leftover("network", one.id) for one in now.networks if one not in before.networks]
    return found + [Leftover("image", name) for name in _new_images(before, now)]


def _new_images(before: Facts, now: Facts) -> list[str]:
    """Names of images that were given since; none where the step did not look at images."""
    looked = "images" in before.subjects and "images" in now.subjects
    old = {SHARED_IMAGE, *(one.name for one in before.images)}
    return [one.name for one in now.images if looked and one.name not in old]
