"""Containers: who they are, whether the caller may know of them, and what was asked about each."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ...facts import Container, Namespaces, Process
from .ancestors import Ancestors
from .cgroups import Tree, parse_cgroup, read_cgroups
from .clocks import read_clocks
from .engines import Clues, Identity, box_id, identify, marks
from .held import Held, read_or
from .mounts import parse_mounts
from .namespaces import enclosing, owner, read_namespaces
from .network import read_interfaces, read_listeners, read_pings
from .roots import read_root
from .security import read_security
from .starters import started_by
from .survey import Group, Survey
from .text import UnreadableError
from .users import read_users
from .visibility import Question
from .written import read_written


@dataclass(frozen=True, slots=True)
class Known:
    """A container that the caller may know of. `box` is the box that it is, or runs in, `owners` the uids of who started it."""

    group: Group
    held: Held
    init: Process
    identity: Identity
    box: str
    owners: tuple[int, ...]
    taken: frozenset[str]


@dataclass(slots=True)
class Recognition:
    """Tells the containers of one survey, outer ones before those inside them."""

    question: Question
    own: Sequence[str]
    ancestors: Ancestors
    runc: frozenset[str] = field(default_factory=lambda: frozenset(_runc_states()))
    known: dict[int, Known] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)

    def recognise(self, found: Survey) -> list[Known]:
        """The containers that the caller may know of, in the order of their start."""
        for group in sorted(found.groups.values(), key=lambda one: one.depth):
            if group.init and group.held:
                with suppress(OSError, UnreadableError):  # it has ended since
                    self._tell(group, group.held, group.init)
        return sorted(self.known.values(), key=lambda one: (one.init.started, one.init.pid))

    def _tell(self, group: Group, held: Held, init: Process) -> None:
        around = enclosing(held)
        outer = self.known.get(around)
        paths = [line.path for line in parse_cgroup(held.read("cgroup"))]
        box = self._box(init, paths) or (outer.box if outer else "")
        owners = self._owners(held, init, box, outer)
        seen = self.question.may_see_box(box) if box else self.question.may_see(owners)
        if around in self.hidden or not seen:
            self.hidden.add(group.inode)
            return
        taken = outer.taken if outer else frozenset(mark.id for mark in marks(self.own))
        identity = self._identity(init, paths, box, taken)
        self.known[group.inode] = Known(group, held, init, identity, box, owners, taken | {identity.id} - {""})

    def _owners(self, held: Held, init: Process, box: str, outer: Known | None) -> tuple[int, ...]:
        """The uids of who started it: whose box or container it runs in, or who stands above it and made its user namespace."""
        if box:
            return (self.question.sandboxes[box].owner,) if box in self.question.sandboxes else ()
        if outer:
            return outer.owners
        made_by = owner(held)
        return tuple(dict.fromkeys((*([made_by] if made_by > 0 else []), *started_by(init, self.ancestors))))

    def _box(self, init: Process, paths: Sequence[str]) -> str:
        known = next((key for key, one in self.question.sandboxes.items() if one.init == init.pid), "")
        return known or box_id(paths, self.own, self.question.instance)

    def _identity(self, init: Process, paths: Sequence[str], box: str, taken: frozenset[str]) -> Identity:
        if box and box not in taken:
            return Identity("box", box)
        parent = self.ancestors.parent(init)
        around = self.ancestors.paths(parent) if parent else ()
        return identify(Clues(paths, around, self.own, parent, taken, self.runc, self.question.instance))


READERS: Mapping[str, tuple[str, Callable[[Known, Sequence[Tree]], object]]] = {
    "mounts": ("mounts", lambda one, _: parse_mounts(one.held.read("mountinfo"))),
    "interfaces": ("interfaces", lambda one, _: read_interfaces(one.held)),
    "pings": ("interfaces", lambda one, _: read_pings(one.held)),
    "listeners": ("listeners", lambda one, _: read_listeners(one.held)),
    "users": ("users", lambda one, _: read_users(one.held)),
    "cgroups": ("cgroups", lambda one, trees: read_cgroups(one.held, trees)),
    "security": ("security", lambda one, _: read_security(one.held, one.group.status)),
    "root": ("roots", lambda one, _: read_root(one.held)),
    "clocks": ("clocks", lambda one, _: read_clocks(one.held)),
}
"""What PID 1's directory in /proc tells of, by Container's field: with which subject, and how it is read."""


def _runc_states() -> list[str]:
    """The containers that runc keeps a state of; each is a directory named by its id."""
    with suppress(OSError):
        return os.listdir("/run/runc")
    return []


def describe_all(known: Sequence[Known], question: Question, trees: Sequence[Tree]) -> list[tuple[Container, Held]]:
    """Each container that still runs, with its PID 1."""
    found = []
    for one in known:
        with suppress(OSError):
            found.append((describe(one, question, trees), one.held))
    return found


def describe(known: Known, question: Question, trees: Sequence[Tree]) -> Container:
    """All that was asked and can be read from outside; raises OSError if the container is gone."""
    identity = known.identity
    known_as = identity.id or f"pid-{known.group.inode}"
    sandboxed = question.sandboxes.get(known_as) if identity.engine == "box" else None
    name = sandboxed.name if sandboxed else identity.short or known_as
    container = Container(known_as, name, identity.engine, Namespaces(), known.init, **_read(known, question.subjects, trees))
    if sandboxed and sandboxed.upper >= 0 and "written" in question.subjects:
        container = replace(container, written=read_or(lambda: read_written(sandboxed.upper), ()))
    members = sorted(known.group.members, key=lambda one: one.inner)
    # Namespaces come last: a process that has ended is in none, so whatever was read before this was all there.
    whole = _whole(read_namespaces(known.held))
    return replace(container, processes=tuple(members), namespaces=whole, owners=known.owners)


def _read(known: Known, subjects: Collection[str], trees: Sequence[Tree]) -> dict[str, Any]:
    """What was asked for of `READERS`, without what can't be read."""
    seen = {
        field: read_or(partial(read, known, trees), None) for field, (subject, read) in READERS.items() if subject in subjects
    }
    return {field: value for field, value in seen.items() if value is not None}


def _whole(namespaces: Namespaces) -> Namespaces:
    if not namespaces.mnt:
        raise ProcessLookupError
    return namespaces
