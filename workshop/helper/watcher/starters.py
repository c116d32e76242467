"""Who started a container, or asked a question: the account above the process, and nobody where a daemon stands between."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

from ...facts import Process
from .ancestors import Ancestors
from .asked import Asker
from .held import Held
from .text import UnreadableError

DAEMONS = ("containerd", "dockerd")
"""Names of processes that start containers for whoever asks them, as the kernel cuts them: also `containerd-shim`."""
LOGINS = ("agetty", "login")
"""Root's, on the terminal of whoever logs in there."""
NOT_SET = 2**32 - 1
"""loginuid of a process that no login stands above (proc_pid_loginuid(5))."""


_SESSION = re.compile(r"/user-(\d+)\.slice(?=/|$)")


def starters(above: Iterable[Process]) -> tuple[int, ...]:
    """The uids behind a process, by those above it, the nearest first; () where root's daemon is, which does not tell who asked.

    The nearest that is not root's is one, as root's may be by sudo(8). So is the outermost that is not root's or has a
    terminal: who works there may have become somebody else for this. Where there is neither, it is root.
    """
    chain = list(above)
    daemon = next((place for place, one in enumerate(chain) if one.uid == 0 and one.name.startswith(DAEMONS)), None)
    below = chain[:daemon]
    nearest = [one.uid for one in below if one.uid][:1]
    outermost = [one.uid for one in below if one.uid or (one.terminal and one.name not in LOGINS)][-1:]
    found = tuple(dict.fromkeys((*nearest, *outermost)))
    return found or ((0,) if daemon is None else ())


def logged_in(loginuid: str, paths: Sequence[str]) -> int:
    """The uid whose login a process comes from, by what a login leaves on all that it starts; 0 where nothing tells.

    That is its loginuid, which pam_loginuid(8) sets, or the slice of a user's that pam_systemd(8) puts a session into: both stay
    when the processes above have ended.
    """
    if loginuid.isdecimal() and int(loginuid) not in (0, NOT_SET):
        return int(loginuid)
    found = [match for path in paths for match in _SESSION.finditer(path)]
    return int(found[0][1]) if found else 0


def started_by(process: Process, ancestors: Ancestors) -> tuple[int, ...]:
    """The uids of who started this process, as far as the kernel shows it; () where nothing proves it."""
    found = starters(ancestors.above(process))
    return found if found != (0,) else (logged_in(_loginuid(process.pid), ancestors.paths(process)),)


def persons(asker: Asker, ancestors: Ancestors) -> tuple[int, ...]:
    """The uids that stand for who asks: root by sudo(8) is also the account that typed it."""
    process = ancestors.read(asker.pid) if asker.uid == 0 else None
    return tuple(dict.fromkeys((asker.uid, *(started_by(process, ancestors) if process else ()))))


def _loginuid(pid: int) -> str:
    with suppress(OSError, UnreadableError), Held(pid) as held:
        return held.read("loginuid").strip()
    return ""  # a kernel without auditing
