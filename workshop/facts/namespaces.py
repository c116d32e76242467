"""The eight namespaces that a process lives in, each named by its inode (namespaces(7))."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Inode of each namespace; 0 where this kernel has none or it may not be read."""

    cgroup: int = 0
    ipc: int = 0
    mnt: int = 0
    net: int = 0
    pid: int = 0
    time: int = 0
    user: int = 0
    uts: int = 0

    def shared_with(self, other: Namespaces) -> tuple[str, ...]:
        """Names of the namespaces that are known on both sides and are the same."""
        return tuple(name for name in KINDS if getattr(self, name) == getattr(other, name) != 0)

    def apart_from(self, other: Namespaces) -> tuple[str, ...]:
        """Names of the namespaces that are known on both sides and differ."""
        return tuple(
            name for name in KINDS if 0 not in (getattr(self, name), getattr(other, name)) and name not in self.shared_with(other)
        )


KINDS = tuple(field.name for field in fields(Namespaces))
