"""What a process sees mounted (proc_pid_mountinfo(5))."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount; `options` are the mount's own followed by the file system's."""

    target: str
    type: str
    source: str
    options: tuple[str, ...] = ()
