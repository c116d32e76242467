"""A question as data: who asks, for what, and what the helper itself knows that the one who looks must know."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
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

    def told(self) -> tuple[object, ...]:
        """By position: it is told of every box at every look, in the helper's one thread."""
        stop = asdict(self.stop) if self.stop else None
        return (self.name, self.owner, self.init, stop, self.upper, self.group)


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
        uid, left = self.asker.uid, uppers if "written" in self.subjects else 0
        known = {}
        for box, one in self.sandboxes.items():
            if uid not in (0, one.owner):
                known[box] = Sandboxed("", one.owner, one.init, group=one.group)
            elif one.upper >= 0 and left > 0:
                known[box], left = one, left - 1
            else:
                known[box] = replace(one, upper=-1)
        return replace(self, sandboxes=known)

    def uppers(self) -> list[int]:
        """The descriptors that travel beside it, in the order of the boxes."""
        return [one.upper for one in self.sandboxes.values() if one.upper >= 0]

    def told(self) -> dict[str, object]:
        """As `understood` takes it."""
        return {
            "subjects": list(self.subjects),
            "asker": (self.asker.uid, self.asker.pid),
            "sandboxes": {box: one.told() for box, one in self.sandboxes.items()},
            "instance": self.instance,
            "networks": list(map(asdict, self.networks)),
            "images": list(map(asdict, self.images)),
        }


def understood(text: bytes, uppers: Sequence[int]) -> Asked:
    """The question that was told as JSON, with the descriptors that came beside it in place of those that were sent."""
    told = json.loads(text)
    came = iter(uppers)
    return Asked(
        told["subjects"],
        Asker(*told["asker"]),
        {box: _sandboxed(one, came) for box, one in told["sandboxes"].items()},
        told["instance"],
        tuple(Network(**one) for one in told["networks"]),
        tuple(Image(**{**one, "layers": tuple(one["layers"])}) for one in told["images"]),
    )


def _sandboxed(told: Sequence[Any], came: Iterator[int]) -> Sandboxed:
    name, owner, init, stop, upper, group = told
    return Sandboxed(name, owner, init, Stop(**stop) if stop else None, next(came) if upper >= 0 else -1, group)
