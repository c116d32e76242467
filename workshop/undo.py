"""Undoing a step: what appeared on the machine since it began and is the learner's, found by comparing facts, and removed."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass

from .facts import Facts


@dataclass(frozen=True)
class Leftover:
    """Something to remove: `kind` is queue, segment, semaphores, container or network; `name` its id."""

    kind: str
    name: str


def leftovers(before: Facts, now: Facts, uid: int) -> list[Leftover]:
    """What appeared since `before`: this user's IPC objects on the host, containers and networks of box. Pure."""
    found = [
        Leftover(kind, str(one.id))
        for kind, old, new in (
            ("queue", before.host.ipc.queues, now.host.ipc.queues),
            ("segment", before.host.ipc.segments, now.host.ipc.segments),
            ("semaphores", before.host.ipc.semaphores, now.host.ipc.semaphores),
        )
        for one in new
        if one.owner == uid and one.id not in {other.id for other in old}
    ]
    new_containers = [one for one in now.containers if before.same(one) is None]
    found += [Leftover("container", one.id) for one in new_containers if one.engine == "box"]
    return [*found, *(Leftover("network", one.id) for one in now.networks if one not in before.networks)]


COMMANDS = {
    "queue": ("ipcrm", "-q"),
    "segment": ("ipcrm", "-m"),
    "semaphores": ("ipcrm", "-s"),
    "container": ("box", "rm", "-f"),
    "network": ("box", "network", "rm"),
}
"""What removes each kind; the name comes after it."""


def remove(leftover: Leftover) -> None:
    """Remove it as this user. That it is gone already, or that the command is missing, is no error: the next look tells."""
    with suppress(OSError):
        subprocess.run([*COMMANDS[leftover.kind], leftover.name], check=False, capture_output=True)


def undo(before: Facts, now: Facts) -> list[Leftover]:
    """Remove what appeared since `before`; returns what was tried."""
    found = leftovers(before, now, os.getuid())
    for leftover in found:
        remove(leftover)
    return found
