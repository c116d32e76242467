"""A question as data: who asks, for what, and what the helper itself knows that the one who looks must know."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ...facts import Image, Network
from ..engine.stepping import Stop


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the uid that the kernel told of the connection, and the process that made it, 0 where that is not known."""

    uid: int
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Sandboxed:
    """What the helper knows of a box: its name, its owner's uid, its PID 1 where no cgroup can tell, where it is half made.

    `upper` is a descriptor of the directory of its own layer, -1 where it has none; `group` the directory of one of its
    control groups, '' where it has none.
    """

    name: str
    owner: int
    init: int = 0
    stop: Stop | None = None
    upper: int = -1
    group: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. `networks` and `images` are facts that the helper alone has, about what is the asker's own."""

    subjects: Collection[str]
    asker: Asker
    sandboxes: Mapping[str, Sandboxed] = field(default_factory=dict)
    instance: str = ""
    networks: tuple[Network, ...] = ()
    images: tuple[Image, ...] = ()

    def bounded(self, uppers: int) -> Asked:
        """The same without what its asker may not know, and with so many layers at most: those need a descriptor each.

        Of another's box is left what keeps it from being read: whose it is, and where its processes are.
        """
        left = uppers if "written" in self.subjects else 0
        kept = {}
        for box, one in self.sandboxes.items():
            kept[box] = one if self.asker.uid in (0, one.owner) else Sandboxed("", one.owner, one.init, group=one.group)
            if kept[box].upper >= 0 and left <= 0:
                kept[box] = replace(kept[box], upper=-1)
            left -= kept[box].upper >= 0
        return replace(self, sandboxes=kept)

    def uppers(self) -> list[int]:
        """The descriptors that travel beside it, in the order of the boxes."""
        return [one.upper for one in self.sandboxes.values() if one.upper >= 0]

    def told(self) -> dict[str, Any]:
        """As `understood` takes it."""
        return asdict(replace(self, subjects=list(self.subjects)))


def understood(text: bytes, uppers: Sequence[int]) -> Asked:
    """The question that was told as JSON, with the descriptors that came beside it in place of those that were sent."""
    told = json.loads(text)
    came = iter(uppers)
    sandboxes = {box: _sandboxed(one, next(came) if one["upper"] >= 0 else -1) for box, one in told["sandboxes"].items()}
    return Asked(
        told["subjects"],
        Asker(**told["asker"]),
        sandboxes,
        told["instance"],
        tuple(Network(**one) for one in told["networks"]),
        tuple(Image(**{**one, "layers": tuple(one["layers"])}) for one in told["images"]),
    )


def _sandboxed(told: dict[str, Any], upper: int) -> Sandboxed:
    stop = Stop(**told["stop"]) if told["stop"] else None
    return Sandboxed(**{**told, "stop": stop, "upper": upper})
