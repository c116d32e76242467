"""Which directory a process takes for `/` (proc_pid_root(5), chroot(2), pivot_root(2))."""

from __future__ import annotations

from dataclasses import dataclass, field

from .namespaces import Namespaces
from .processes import Process


@dataclass(frozen=True, slots=True)
class Root:
    """A root directory. Two are the same if device and inode are; all is 0 where it may not be looked at.

    `path` is where it lies, as its mount namespace shows it to the observer; `removed` is True where nothing links to it
    any more.
    """

    path: str = ""
    device: int = 0
    inode: int = 0
    removed: bool = False

    def same(self, other: Root) -> bool:
        """True where both are known and are the same directory."""
        return (self.device, self.inode) == (other.device, other.inode) != (0, 0)

    def apart(self, other: Root) -> bool:
        """True where both are known and are different directories."""
        return 0 not in (self.inode, other.inode) and not self.same(other)


@dataclass(frozen=True, slots=True)
class Chrooted:
    """A process in the host's PID namespace whose `/` is not the host's; its arguments are not told."""

    process: Process
    root: Root = field(default_factory=Root)
    namespaces: Namespaces = field(default_factory=Namespaces)
