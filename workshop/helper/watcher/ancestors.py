"""The processes above a container's own, up to PID 1: who started it, seen from the host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ...facts import Process
from .cgroups import parse_cgroup
from .held import Held
from .processes import parse_status, read_process
from .text import UnreadableError


@dataclass(slots=True)
class Ancestors:
    """Reads each process once for one observation."""

    seen: dict[int, Process | None] = field(default_factory=dict)

    def read(self, pid: int) -> Process | None:
        """A process; None if it has ended or may not be looked at."""
        if pid not in self.seen:
            self.seen[pid] = _read(pid) if pid else None
        return self.seen[pid]

    def parent(self, child: Process) -> Process | None:
        """The process above this one; None if it has ended, may not be looked at, or is none of this machine's."""
        parent = self.read(child.parent)
        # A parent is older than its child: a younger one has got the number of a parent that ended just now.
        return parent if parent and parent.started <= child.started else None

    def above(self, child: Process) -> Iterator[Process]:
        """All processes above this one, the nearest first."""
        while parent := self.parent(child):
            yield parent
            child = parent

    def paths(self, process: Process) -> list[str]:
        """The cgroups of a process; none if it has ended."""
        with suppress(OSError, UnreadableError), Held(process.pid) as held:
            return [line.path for line in parse_cgroup(held.read("cgroup"))]
        return []

    def outside(self, processes: Iterable[Process], inside: set[int]) -> tuple[Process, ...]:
        """Every ancestor of these that is not `inside` a container, the oldest first, without its arguments.

        Facts travel to the instructor as evidence, and what stands in a command line of the host's is nobody's business.
        """
        found: dict[int, Process] = {}
        for process in processes:
            above = self.parent(process)
            while above and above.pid not in found:
                found[above.pid] = above
                above = self.parent(above)
        outer = [replace(one, arguments=()) for one in found.values() if one.pid not in inside]
        return tuple(sorted(outer, key=lambda one: (one.started, one.pid)))


def _read(pid: int) -> Process | None:
    with suppress(OSError, UnreadableError), Held(pid) as held:
        return read_process(held, parse_status(held.read("status")))
    return None
