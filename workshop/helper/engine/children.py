"""Children of the helper's: where each runs, how it is forked, and that somebody reaps it."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

from ..kernel import syscalls
from ..kernel.cgroups import Cgroups
from .channel import Channel


@dataclass(frozen=True)
class Place:
    """Where a child runs: in the groups of this name, as identities from `base` on (0: as the user, who has no other).

    `mount_point` is a directory of the helper's own: what a child mounts there is seen in the child's mount namespace only.
    """

    cgroups: Cgroups
    name: str
    base: int
    mount_point: str


def hold(pid: int, children: set[int]) -> int:
    """A pidfd of a child, which is one of the children that somebody will reap from now on."""
    pidfd = os.pidfd_open(pid)
    children.add(pid)
    return pidfd


def let_go(pid: int, pidfd: int, children: set[int]) -> None:
    """Reap a child that has ended."""
    syscalls.reap(pidfd)
    os.close(pidfd)
    children.discard(pid)


def fork(place: Place, child: Callable[[Channel], None], *kept: int) -> tuple[Channel, int]:
    """Fork a child that has nothing open but its end of the channel and what is kept, and that never returns."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = place.cgroups.fork_into(place.name)
    if pid:
        theirs.close()
        return Channel(ours), pid
    try:
        gc.disable()  # a collection would touch, and so copy, every page that is shared with the helper
        ours.detach()  # its number is closed below; the object must not close it a second time
        syscalls.close_all_but({0, 1, 2, theirs.fileno(), *kept})
        _report(Channel(theirs), child)
    finally:
        os._exit(1)


def _report(channel: Channel, child: Callable[[Channel], None]) -> None:
    """Run the child's part; what it can't do becomes the packet that the helper makes a refusal of."""
    try:
        child(channel)
    except OSError as error:
        channel.send(f"failed {error.strerror or error}")
    except Exception as error:  # our own fault; the helper's log has only this of it
        channel.send(f"failed {type(error).__name__}: {error}")
