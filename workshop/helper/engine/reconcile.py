"""After a crash: find everything that bears this helper's name, and remove it. No new work before that was tried."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from ..kernel.confine import mark
from ..kernel.files import remove
from ..kernel.troubles import saying
from .sandboxes import Home

PATIENCE_SECONDS = 5.0


def reconcile(home: Home) -> int:
    """Remove what is left of sandboxes and half-made images; returns how many things. What stays is said, a line for each.

    Safe: only groups under INSTANCE/ are looked at, and only processes in them or, without root, of this user's own whose
    PID 1 says that it is this helper's box.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    names = home.ledger.names()
    with saying("control groups that a crash left are not looked for"):
        names |= home.cgroups.names()
    count = sum(_remove(home, name, deadline) for name in names)
    home.cgroups.remove_parent()
    for find in (home.images.sweep_all, home.networks.left):
        with saying("what a crash may have left is not looked for"):
            count += sum(map(_remove_files, find()))
    return count if home.cgroups.mounted else count + _kill_marked(home.instance)


def _remove_files(path: str) -> bool:
    """Remove a file or directory; False where it stays."""
    with saying(f"{path} is left"):
        remove(path)
        return True
    return False


def _remove(home: Home, name: str, deadline: float) -> bool:
    """Remove one sandbox, by its name; False where it stays."""
    with saying(f"control group {home.instance}/{name} is left"):
        while not home.cgroups.remove(name):
            home.cgroups.kill(name)
            if time.monotonic() > deadline:
                raise OSError("something in it does not end")
            time.sleep(0.001)
        home.ledger.forget(name)
        return True
    return False


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
