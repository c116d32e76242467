"""What a half-made sandbox sees when it looks around itself: the child's part of `Look`, a closed set of things."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from ...facts import KINDS
from ...protocol import InsideView

NAMES = 40
"""Entries of `/` that are told at most."""


def look() -> InsideView:
    """Look around; what can't be seen is empty or 0."""
    status = dict(line.split(":\t", 1) for line in _lines("status") if ":\t" in line)
    return InsideView(
        hostname=os.uname().nodename,
        uid=os.getuid(),
        pid=os.getpid(),
        process=int(status.get("Pid", 0)),
        session=os.getsid(0),
        terminal=os.isatty(0),
        root=tuple(sorted(os.listdir("/"))[:NAMES]),
        mounts=len(_lines("mountinfo")),
        cgroups=tuple(sorted({line.split(":", 2)[2] for line in _lines("cgroup")})),
        interfaces=tuple(name for _, name in socket.if_nameindex()),
        namespaces={kind: _namespace(kind) for kind in KINDS},
        capabilities=status.get("CapEff", ""),
        bounding=status.get("CapBnd", ""),
        no_new_privileges=int(status.get("NoNewPrivs", 0)),
        seccomp=int(status.get("Seccomp", 0)),
    )


def _lines(name: str) -> list[str]:
    """The lines of a file about this very process, none where there is no /proc."""
    with suppress(OSError), open(f"/proc/self/{name}") as file:
        return file.read().splitlines()
    return []


def _namespace(kind: str) -> int:
    """The inode of one of its namespaces."""
    with suppress(OSError):
        return os.stat(f"/proc/self/ns/{kind}").st_ino
    return 0
