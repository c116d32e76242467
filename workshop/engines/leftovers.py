"""What a lesson left of an engine's, and what removes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..facts import Facts


@dataclass(frozen=True)
class Leftover:
    """Something to remove: its `kind` tells how; `name` is its id or path, or its name where it has one only."""

    kind: str
    name: str

    @property
    def shown(self) -> str:
        """The name, of a long id as much as engines show, of a control group what it has in each of version 1's trees."""
        name = self.name.rpartition("/")[2] if self.kind == "group" else self.name
        return name[:12] if re.fullmatch("[0-9a-f]{64}", name) else name


Removal = tuple[str, ...] | Callable[[str], None]
"""A command that the name comes after, or a function of the name, which may raise OSError."""


class Engine(Protocol):
    """An engine's module, as undo needs it. `session.removed_KIND` is the sentence for each kind that it removes."""

    REMOVES: Mapping[str, Removal]

    def leftovers(self, before: Facts, now: Facts, uid: int, lessons: frozenset[str], /) -> list[Leftover]:
        """What of it appeared since `before` and is this user's; of others' containers `lessons` are the ids of those. Pure."""
