"""One look at the processes of the machine: those of each PID namespace that is not the host's, and how many processes there are.

What counts as a member: a process that runs. One that has ended and waits to be reaped (state Z) is in no list; if it is
PID 1, its namespace is dead and so is no container any more, although the number still stands in /proc.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ...facts import Process
from .held import Held
from .processes import DEAD, numbers_inside, parse_status, read_process
from .text import UnreadableError


@dataclass(slots=True)
class Group:
    """The processes of one PID namespace. `init`, `held`, `status` and `depth` are its PID 1's."""

    inode: int
    members: list[Process] = field(default_factory=list)
    init: Process | None = None
    held: Held | None = None
    status: dict[str, str] = field(default_factory=dict)
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """The processes of the machine: `count` is what `ps -e` counts, kernel threads too; `pids` are those that may be read."""

    count: int
    pids: tuple[int, ...]


@dataclass(slots=True)
class Survey:
    """All that one walk found."""

    groups: dict[int, Group] = field(default_factory=dict)

    def group(self, inode: int) -> Group:
        """The group of a PID namespace, new if need be."""
        return self.groups.setdefault(inode, Group(inode))

    def inside(self) -> set[int]:
        """The host's numbers of all members of all groups."""
        return {process.pid for group in self.groups.values() for process in group.members}


def running(hidden: Collection[int]) -> Running:
    """What runs at this moment, by its numbers; raises OSError only where there is no /proc."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    return Running(len(pids), tuple(pid for pid in pids if pid not in hidden))


@contextmanager
def survey(host: int, wanted: Collection[str], pids: Collection[int]) -> Iterator[Survey]:
    """Look at these processes; each group's PID 1 stays held until the block ends. `host` is the host's PID namespace."""
    found = Survey()
    try:
        for pid in pids:
            with suppress(OSError, UnreadableError):  # it has ended since, or is none of this observer's business
                _look_at(pid, host, wanted, found)
        yield found
    finally:
        for group in found.groups.values():
            if group.held:
                group.held.close()


def _look_at(pid: int, host: int, wanted: Collection[str], found: Survey) -> None:
    # Most processes are the host's: one call tells, and only what is not the host's is held and looked at again.
    if os.stat(f"/proc/{pid}/ns/pid").st_ino == host:
        return
    held = Held(pid)
    try:
        inode = held.namespace("pid")
        if inode != host and _join(held, found.group(inode), wanted):
            return
    except BaseException:
        held.close()
        raise
    held.close()


def _join(held: Held, group: Group, wanted: Collection[str]) -> bool:
    """Add a process to its group; True where it is the PID 1, which the group then holds."""
    status = parse_status(held.read("status"))
    inside = numbers_inside(status)
    first = inside[-1] == 1
    if status.get("State", "")[:1] in DEAD or not (first or "processes" in wanted):
        return False
    process = read_process(held, status)
    if process.state in DEAD:
        return False
    if "processes" in wanted:
        group.members.append(process)
    if first:
        group.init, group.held, group.status, group.depth = process, held, status, len(inside)
    return first
