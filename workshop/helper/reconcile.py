"""After a crash: find everything that bears this helper's name, and remove it. No new work before that is done."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from .confine import mark
from .sandboxes import Home

PATIENCE_SECONDS = 5.0


def reconcile(home: Home) -> int:
    """Remove what is left of sandboxes and half-made images; returns how many things. Raises OSError if some stay.

    Safe: only groups under INSTANCE/ are looked at, and only processes in them or, without root, of this user's own whose
    PID 1 says that it is this helper's box.
    """
    names = home.cgroups.names() | home.ledger.names()
    for name in names:
        _remove(home, name)
    home.cgroups.remove_parent()
    count = len(names) + _remove_layers(home) + home.networks.remove_left()
    return count if home.cgroups.mounted else count + _kill_marked(home.instance)


def _remove_layers(home: Home) -> int:
    """Remove half-made layers and those that no image has; returns how many."""
    found = home.images.sweep_all()
    if found:
        import shutil  # noqa: PLC0415  # a helper larger by this forks slower, and it is seldom needed

        for directory in found:
            shutil.rmtree(directory)
    return len(found)


def _remove(home: Home, name: str) -> None:
    """Remove one sandbox, by its name."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not home.cgroups.remove(name):
        if time.monotonic() > end:
            raise OSError(f"control group {home.instance}/{name} can't be removed: something in it does not end")
        home.cgroups.kill(name)
        time.sleep(0.001)
    home.ledger.forget(name)


def _kill_marked(instance: str) -> int:
    """Kill this user's processes that are PID 1 of a sandbox of this instance; returns how many."""
    found = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            held = os.pidfd_open(int(pid))
            try:
                if _is_marked(pid, instance):
                    signal.pidfd_send_signal(held, signal.SIGKILL)
                    found += 1
            finally:
                os.close(held)
    return found


def _is_marked(pid: str, instance: str) -> bool:
    """True for a process that is PID 1 in its own namespace and bears the mark in its environment."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        environ = file.read().split(b"\0")
    if f"container={mark(instance)}".encode() not in environ:
        return False
    with open(f"/proc/{pid}/status") as status:
        inner = next((line.split()[1:] for line in status if line.startswith("NSpid:")), [])
    return len(inner) > 1 and inner[-1] == "1"
