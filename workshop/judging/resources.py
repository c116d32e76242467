"""What a container's control groups count, 0 where nothing is counted or there is no such container. Pure."""

from __future__ import annotations

from ..facts import Container, Evidence


def memory_limit(container: Container) -> int:
    """Its memory limit in bytes, 0 for none."""
    return container.cgroups.memory.limit or 0 if container.cgroups.memory else 0


def memory_used(container: Container | None) -> int:
    """What it is charged for memory now, in bytes."""
    return container.cgroups.memory.usage if container and container.cgroups.memory else 0


def oom_kills(container: Container | None) -> int:
    """How many of its processes the kernel has killed for want of memory."""
    return container.cgroups.memory.oom_kills if container and container.cgroups.memory else 0


def cpu_used(container: Container | None) -> int:
    """The CPU time that it has had since its start, in microseconds."""
    return container.cgroups.cpu.usage_us if container and container.cgroups.cpu else 0


def cpu_gained(seen: Evidence, container: Container) -> int:
    """The CPU time that it has had since the step began, or since its start if that was later, in microseconds."""
    return cpu_used(container) - cpu_used(seen.before.same(container))


def processors(container: Container | None) -> tuple[int, ...]:
    """The processors that it may run on, () where the kernel does not tell."""
    return container.cgroups.cpus or () if container else ()
