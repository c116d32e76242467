"""How a user namespace maps identities (user_namespaces(7))."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IdRange:
    """`count` identities from `inside` on are the host's from `outside` on."""

    inside: int
    outside: int
    count: int


@dataclass(frozen=True, slots=True)
class Users:
    """The uid and gid maps of one user namespace, as seen from the host."""

    uids: tuple[IdRange, ...] = ()
    gids: tuple[IdRange, ...] = ()

    def host_uid(self, inside: int) -> int | None:
        """The host's uid for a uid inside, None where the map has no such uid."""
        for part in self.uids:
            if part.inside <= inside < part.inside + part.count:
                return part.outside + inside - part.inside
        return None
