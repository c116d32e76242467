"""Which namespaces have to be entered for what only those inside are told, and what was found in each, put where it belongs."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ...facts import Container, Host, Ipc, Namespaces, Users
from .held import Held
from .inside import Inside, read_here, visit
from .ipc import parse_ipc
from .links import Link, joined, parse_links
from .text import UnreadableError
from .users import read_users

_KINDS = {"ipc": "ipc", "hostname": "uts", "interfaces": "net"}
"""The subjects that can be read only inside, and the namespace that each belongs to."""

Place = tuple[int, ...]
Seen = TypeVar("Seen", Host, Container)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Room:
    """Namespaces to look into, and a process that is in them."""

    namespaces: Namespaces
    held: Held


@dataclass(frozen=True, slots=True)
class Found:
    """What is inside, as facts."""

    hostname: str = ""
    ipc: Ipc = field(default_factory=Ipc)
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Interior:
    """What is inside, by place: the inodes of the namespaces that the subjects asked for belong to."""

    kinds: tuple[str, ...]
    found: dict[Place, Found]

    def fill(self, seen: Seen) -> Seen:
        """The host or a container with what was found in its namespaces."""
        found = self.found.get(_place(seen.namespaces, self.kinds), Found())
        return replace(seen, hostname=found.hostname, ipc=found.ipc, interfaces=joined(seen.interfaces, found.links))


def look_inside(subjects: Collection[str], own: Namespaces, rooms: Sequence[Room], root: bool) -> Interior:
    """What is inside of these rooms. Those in the observer's `own` namespaces need no child process.

    `root` may enter everything from outside; anybody else enters a room's user namespace first, one room a child.
    """
    kinds = tuple(kind for subject, kind in _KINDS.items() if subject in subjects)
    places = {_place(room.namespaces, kinds): room for room in rooms} if kinds else {}
    found: dict[Place, Found] = {}
    if places.pop(_place(own, kinds), None):
        found[_place(own, kinds)] = _parsed(read_here(subjects))
    for batch in [places] if root else [{place: room} for place, room in places.items()]:
        found |= _visited(batch, subjects, kinds, None if root else own)
    return Interior(kinds, found)


def _place(namespaces: Namespaces, kinds: Sequence[str]) -> Place:
    return tuple(getattr(namespaces, kind) for kind in kinds)


def _visited(
    batch: dict[Place, Room], subjects: Collection[str], kinds: Sequence[str], own: Namespaces | None
) -> dict[Place, Found]:
    """Visit a batch with one child; a room whose process has ended is left out.

    `own` None is root, who enters whatever is asked for. Anybody else enters the user namespace first, and none that the child
    is in already: that of the machine's network, say, nobody else may enter.
    """
    doors: dict[Place, list[int]] = {}
    with ExitStack() as descriptors:
        for place, room in batch.items():
            apart = room.namespaces.apart_from(own) if own else kinds
            entered = [kind for kind in ("user", *kinds) if kind in apart]
            with suppress(OSError):
                doors[place] = [_open(room, kind, descriptors) for kind in entered]
        seen = visit(list(doors.values()), subjects)
    return {place: _parsed(inside, _users(batch[place]) if own else None) for place, inside in zip(doors, seen, strict=True)}


def _open(room: Room, kind: str, descriptors: ExitStack) -> int:
    descriptor = room.held.open_namespace(kind)
    descriptors.callback(os.close, descriptor)
    return descriptor


def _users(room: Room) -> Users:
    with suppress(OSError, UnreadableError):
        return read_users(room.held)
    return Users()


def _parsed(inside: Inside, users: Users | None = None) -> Found:
    """What was read inside as facts; with `users`, owners are turned from uids inside into the host's."""
    ipc = _or(lambda: parse_ipc(inside.ipc), Ipc())
    links = _or(lambda: parse_links(bytes.fromhex(inside.links)), tuple[Link, ...]())
    return Found(inside.hostname, _on_the_host(ipc, users) if users else ipc, links)


def _or(parse: Callable[[], T], otherwise: T) -> T:
    with suppress(UnreadableError):
        return parse()
    return otherwise


def _on_the_host(ipc: Ipc, users: Users) -> Ipc:
    def outside(inside: int) -> int:
        known = users.host_uid(inside)
        return inside if known is None else known

    return Ipc(
        tuple(replace(one, owner=outside(one.owner)) for one in ipc.queues),
        tuple(replace(one, owner=outside(one.owner)) for one in ipc.segments),
        tuple(replace(one, owner=outside(one.owner)) for one in ipc.semaphores),
    )
