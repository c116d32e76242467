"""Control groups of both versions in one shape (cgroups(7), the kernel's cgroup-v1 and cgroup-v2 documents)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A cgroup tree that is mounted: its controllers and where. Version 2 may have none, if v1 holds them all."""

    version: int
    controllers: tuple[str, ...]
    mounted: str


@dataclass(frozen=True, slots=True)
class Membership:
    """Where something is in one hierarchy: `path` from the hierarchy's root, `directory` on the host's file system."""

    version: int
    controllers: tuple[str, ...]
    path: str
    directory: str


@dataclass(frozen=True, slots=True)
class Cpu:
    """The cpu controller. `quota_us` None is no limit (-1 in v1, `max` in v2); times in microseconds.

    `weight` is v2's 1..10000 (default 100) or v1's cpu.shares (default 1024). `each_us` is the usage on each processor, from
    number 0; version 2 does not tell it, and it is empty there.
    """

    quota_us: int | None = None
    period_us: int = 100_000
    weight: int = 0
    usage_us: int = 0
    periods: int = 0
    throttled: int = 0
    throttled_us: int = 0
    each_us: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory controller, in bytes. `limit` None is no limit; `peak` None where the kernel does not tell."""

    limit: int | None = None
    usage: int = 0
    peak: int | None = None
    oom_kills: int = 0


@dataclass(frozen=True, slots=True)
class Pids:
    """The pids controller. `limit` None is no limit; `refused` counts the forks that failed at it (pids.events)."""

    limit: int | None = None
    current: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Throttle:
    """Limits of one block device, named by its numbers as `254:0`; in bytes and requests a second, None for no limit."""

    device: str
    read_bytes: int | None = None
    written_bytes: int | None = None
    reads: int | None = None
    writes: int | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """What went to and from one block device so far, in bytes and requests."""

    device: str
    read_bytes: int = 0
    written_bytes: int = 0
    reads: int = 0
    writes: int = 0


@dataclass(frozen=True, slots=True)
class Io:
    """The io controller, blkio in version 1 (where it counts a device only once somebody has throttled it)."""

    throttles: tuple[Throttle, ...] = ()
    transfers: tuple[Transfer, ...] = ()


@dataclass(frozen=True, slots=True)
class Cgroups:
    """Membership in every hierarchy, and what each controller that was found there says; None where it is absent.

    `cpus` are the processors that the cpuset controller allows. `devices` are the lines of devices.list; version 2 has an
    eBPF program instead, of which no file tells.
    """

    memberships: tuple[Membership, ...] = ()
    cpu: Cpu | None = None
    memory: Memory | None = None
    pids: Pids | None = None
    frozen: bool | None = None
    cpus: tuple[int, ...] | None = None
    io: Io | None = None
    devices: tuple[str, ...] | None = None

    def of(self, controller: str) -> Membership | None:
        """The membership in the hierarchy that has this controller."""
        return next((one for one in self.memberships if controller in one.controllers), None)
