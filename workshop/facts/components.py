"""What container engines are made of on this machine: their processes outside every container, and where they listen."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Component:
    """A process that belongs to an engine.

    `part` is client, daemon, containerd, shim, runtime, registry, or helper for the observer itself, which is box's daemon.
    `name` is the kernel's for it, 15 characters at most (proc_pid_comm(5)).
    """

    part: str
    pid: int
    parent: int
    name: str
    uid: int = 0
    started: int = 0
    """Clock ticks between boot and its start (starttime of proc_pid_stat(5))."""
    lasting: bool = field(default=True, compare=False)
    """It had run for a second at least when it was seen: no client that only asks and ends."""
    owners: tuple[int, ...] = field(default=(), compare=False)
    """The uids of who started it, as a container's."""
