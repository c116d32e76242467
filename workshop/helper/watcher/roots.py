"""Root directories: of a process that is held, and the processes outside every container that have another than the host."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace

from ...facts import Chrooted, Root
from .ancestors import Ancestors
from .held import Held, read_or
from .namespaces import read_namespaces
from .processes import DEAD, parse_status, read_process
from .starters import started_by
from .text import UnreadableError
from .visibility import Question

_DELETED = " (deleted)"


def read_root(held: Held) -> Root:
    """The directory that a process takes for `/`; raises OSError if it is gone or may not be looked at."""
    found = os.stat("root", dir_fd=held.descriptor)
    removed = found.st_nlink == 0
    path = os.readlink("root", dir_fd=held.descriptor)
    return Root(path.removesuffix(_DELETED) if removed else path, found.st_dev, found.st_ino, removed)


def read_chrooted(first: Held, pids: Collection[int], question: Question, ancestors: Ancestors) -> tuple[Chrooted, ...]:
    """The caller's own processes in the PID namespace of `first` whose root is not that of `first`, the oldest first.

    What ends while it is looked at is left out.
    """
    root = read_or(lambda: read_root(first), Root())
    if not root.inode:
        return ()
    pid_namespace = read_namespaces(first).pid
    found = [one for pid in _elsewhere(pids, root, pid_namespace) if (one := _look_at(pid, root))]
    own = [one for one in found if {*started_by(one.process, ancestors)} & {*question.persons}]
    return tuple(sorted(own, key=lambda one: (one.process.started, one.process.pid)))


def _elsewhere(pids: Collection[int], root: Root, pid_namespace: int) -> Iterator[int]:
    """Processes of this PID namespace that may have another root: two calls for each tell."""
    for pid in pids:
        with suppress(OSError):  # it has ended since, or is none of this observer's business
            there = os.stat(f"/proc/{pid}/root")
            elsewhere = (there.st_dev, there.st_ino) != (root.device, root.inode)
            if elsewhere and os.stat(f"/proc/{pid}/ns/pid").st_ino == pid_namespace:
                yield pid


def _look_at(pid: int, host: Root) -> Chrooted | None:
    """The process, if it runs and still has another root. Its arguments are its owner's business."""
    with suppress(OSError, UnreadableError), Held(pid) as held:
        process = read_process(held, parse_status(held.read("status")))
        root = read_root(held)
        if process.state not in DEAD and root.apart(host):
            return Chrooted(replace(process, arguments=()), root, read_namespaces(held))
    return None
