"""System V objects of one IPC namespace (sysvipc(7), /proc/sysvipc)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Queue:
    """A message queue; `owner` is the host's uid."""

    id: int
    key: int
    owner: int = 0
    messages: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A shared memory segment; `size` in bytes."""

    id: int
    key: int
    owner: int = 0
    size: int = 0
    attached: int = 0


@dataclass(frozen=True, slots=True)
class Semaphores:
    """A semaphore set of `count` semaphores."""

    id: int
    key: int
    owner: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Ipc:
    """Everything that `ipcs` would list inside one IPC namespace."""

    queues: tuple[Queue, ...] = ()
    segments: tuple[Segment, ...] = ()
    semaphores: tuple[Semaphores, ...] = ()

    @property
    def count(self) -> int:
        """How many objects there are of all three kinds."""
        return len(self.queues) + len(self.segments) + len(self.semaphores)


@dataclass(frozen=True, slots=True)
class Others:
    """What is told of the objects of other users: the ids of their message queues, and how many there are of all kinds."""

    queues: tuple[int, ...] = ()
    count: int = 0
