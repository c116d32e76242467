"""How much memory each of many containers takes, by the kernel's own account of its control group."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import ExitStack

from ...facts import Container, Facts, own
from .programs import BYTES, PAUSE, SILENT_SECONDS, ExperimentError, Point, Points, Surroundings, program, running

CONTAINERS = 10
ARGUMENTS = ("cat", "-")
"""Waits for input that never comes, and ends with it."""


def density(where: Surroundings) -> Points:
    """10 containers side by side, each with one program that waits; then what each of them is charged for."""
    before = where.observe(["cgroups"])
    command = [program(where.engine), "run", "-i", "--rm", "busybox", *ARGUMENTS]
    with ExitStack() as stack:
        for number in range(1, CONTAINERS + 1):
            stack.enter_context(running(command, keep_open=True))
            seen = yield from _until_there(where, before, number)
            yield Point("container", BYTES, _charged(_ours(before, seen)[-1]))


def _until_there(where: Surroundings, before: Facts, count: int) -> Generator[None, None, Facts]:
    """Look until so many of ours run."""
    end = time.monotonic() + SILENT_SECONDS
    while len(_ours(before, seen := where.observe(["cgroups"]))) < count:
        if time.monotonic() > end:
            raise ExperimentError("too_slow", command=f"{where.engine} run", seconds=round(SILENT_SECONDS))
        time.sleep(PAUSE)
        yield None
    return seen


def _ours(before: Facts, now: Facts) -> list[Container]:
    """The containers of this experiment, the oldest first."""
    new = (one for one in own(now).containers if before.same(one) is None and one.init.arguments == ARGUMENTS)
    return sorted(new, key=lambda one: (one.init.started, one.init.pid))


def _charged(container: Container) -> int:
    """Raises ExperimentError where the container is in no control group that counts memory."""
    if container.cgroups.memory is None:
        raise ExperimentError("not_counted")
    return container.cgroups.memory.usage
