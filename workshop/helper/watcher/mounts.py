"""Mounts from /proc/PID/mountinfo (proc_pid_mountinfo(5))."""

from __future__ import annotations

from functools import lru_cache

from ...facts import Mount
from ...facts.trees import parse_mountinfo


@lru_cache(maxsize=32)
def parse_mounts(text: str) -> tuple[Mount, ...]:
    """What is mounted, in the order of mounting; an option that both lists hold is given once.

    Remembered by text, because mounts seldom change from one look to the next.
    """
    return tuple(
        Mount(line.target, line.type, line.source, tuple(dict.fromkeys(line.own + line.shared))) for line in parse_mountinfo(text)
    )


def parse_filesystems(text: str) -> tuple[str, ...]:
    """Kinds of file system that the kernel has at this moment, in its order (proc_filesystems(5)); modules add to them."""
    return tuple(line.split()[-1] for line in text.splitlines() if line.strip())
