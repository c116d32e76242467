"""Who started a container, or asked a question: the account above the process, and nobody where a daemon stands between."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ...facts import Process
from .ancestors import Ancestors
from .held import Held
from .text import UnreadableError

DAEMONS = ("containerd", "dockerd")
"""Names of processes that start containers for whoever asks them, as the kernel cuts them: also `containerd-shim`."""
NOT_SET = 2**32 - 1
"""loginuid of a process that no login stands above (proc_pid_loginuid(5))."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the uid that the kernel told of the connection, and the process that made it, 0 where that is not known."""

    uid: int
    pid: int = 0


_SESSION = re.compile(r"/user-(\d+)\.slice(?=/|$)")


def starter(above: Iterable[Process]) -> int | None:
    """The uid behind a process: that of the nearest process above it that is not root's, as root's may be by sudo(8).

    0 where all of them are root's; None where one of root's is a daemon, which does not tell who asked it.
    """
    for process in above:
        if process.uid:
            return process.uid
        if process.name.startswith(DAEMONS):
            return None
    return 0


def logged_in(loginuid: str, paths: Sequence[str]) -> int:
    """The uid whose login a process comes from, by what a login leaves on all that it starts; 0 where nothing tells.

    That is its loginuid, which pam_loginuid(8) sets, or the slice of a user's that pam_systemd(8) puts a session into: both stay
    when the processes above have ended.
    """
    if loginuid.isdecimal() and int(loginuid) not in (0, NOT_SET):
        return int(loginuid)
    found = [match for path in paths for match in _SESSION.finditer(path)]
    return int(found[0][1]) if found else 0


def started_by(process: Process, ancestors: Ancestors) -> int | None:
    """The uid of who started this process, as far as the kernel shows it; None where nothing proves it."""
    found = starter(ancestors.above(process))
    return found if found != 0 else logged_in(_loginuid(process.pid), ancestors.paths(process))


def persons(asker: Asker, ancestors: Ancestors) -> tuple[int, ...]:
    """The uids that stand for who asks: root by sudo(8) is also the account that typed it."""
    process = ancestors.read(asker.pid) if asker.uid == 0 else None
    behind = started_by(process, ancestors) if process else None
    return (asker.uid, behind) if behind else (asker.uid,)


def _loginuid(pid: int) -> str:
    with suppress(OSError, UnreadableError), Held(pid) as held:
        return held.read("loginuid").strip()
    return ""  # a kernel without auditing
