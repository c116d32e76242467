"""The processes of container engines on the host, by the names that the kernel has for them, and the sockets they listen on."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from contextlib import suppress

from ...facts import Component
from .ancestors import Ancestors
from .held import Held, read
from .processes import DEAD, parse_status, read_process
from .starters import started_by
from .text import UnreadableError

PARTS = {
    "box": "client", "docker": "client", "podman": "client", "dockerd": "daemon", "containerd": "containerd",
    "containerd-shim": "shim", "conmon": "shim", "lxc-start": "shim", "runc": "runtime", "crun": "runtime",
    "docker-registry": "registry",
}  # fmt: skip
"""Which part of an engine a process is, by its name, which the kernel cuts at 15 characters (proc_pid_comm(5))."""
SOCKETS = ("containerd.sock", "docker.sock", "helper.sock", "podman.sock")
LASTING_SECONDS = 1.0
TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks of a second, in which the kernel counts a process's start (proc_pid_stat(5))."""
LISTENING = 0x10000
"""The flag __SO_ACCEPTCON in /proc/net/unix, of sockets that wait for connections (proc_net(5))."""


def read_components(host: int, pids: Collection[int], ancestors: Ancestors, helper: int) -> tuple[Component, ...]:
    """Those that run, in the order of their start; `host` is the host's PID namespace, and what is in another is left out.

    `helper` is the helper's pid, as nothing else tells it of other programs in Python.
    """
    now = boot_clock()
    found = [one for pid in pids for one in _component(pid, host, now, ancestors, helper)]
    return tuple(sorted(found, key=lambda one: (one.started, one.pid)))


def _component(pid: int, host: int, now: float, ancestors: Ancestors, helper: int) -> Iterator[Component]:
    with suppress(OSError, UnreadableError), Held(pid) as held:  # it has ended since, or is none of this observer's business
        part = "helper" if pid == helper else PARTS.get(held.read("comm").strip())
        if part and held.namespace("pid") == host:
            seen = read_process(held, parse_status(held.read("status")))
            if seen.state not in DEAD:
                owners = started_by(seen, ancestors)
                yield Component(part, pid, seen.parent, seen.name, seen.uid, seen.started, lasting(seen.started, now), owners)


def boot_clock() -> float:
    """Seconds since boot, by the clock that tells when a process started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def lasting(started: int, now: float) -> bool:
    """True for a process that started so many clock ticks after boot if it has run for a second at least by now."""
    return now - started / TICKS >= LASTING_SECONDS


def read_sockets() -> tuple[str, ...]:
    """Where engines listen in the host's network namespace, as paths in order."""
    return parse_sockets(read("/proc/net/unix"))


def parse_sockets(text: str) -> tuple[str, ...]:
    """The paths in /proc/net/unix of sockets that listen and have an engine's name."""
    found = set()
    for line in text.splitlines()[1:]:
        words = line.split(maxsplit=7)
        if len(words) == 8 and int(words[3], 16) & LISTENING and words[7].rpartition("/")[2] in SOCKETS:
            found.add(words[7])
    return tuple(sorted(found))
