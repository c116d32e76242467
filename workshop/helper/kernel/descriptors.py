"""The last descriptors that the helper may have are kept for what ends something: stop, rm, kill and ps open a file or two.

The kernel gives out the lowest free number (open(2)), and none from the limit on (RLIMIT_NOFILE, getrlimit(2)). So while
something is made that keeps descriptors, the limit is lower, and what meets it is refused; a connection that gets one of the
last numbers is known by that.
"""

from __future__ import annotations

import os
import resource

FOR_ENDINGS = 128
"""So many can't be taken by what is made."""
FOR_CONNECTIONS = 64
"""So many of them can't be taken by connections either: more can connect when nothing can be made, to end something."""
FOR_ROOT = 32
"""The same for root's."""


class Reserve:
    """Inside a `with`, also one in another, the last descriptors can't be had: what would take one raises OSError EMFILE."""

    def __init__(self) -> None:
        """Nobody is inside."""
        self._depth, self._limits = 0, (0, 0)

    def __enter__(self) -> None:
        """Lower the limit."""
        if not self._depth:
            self._limits = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(0, soft - FOR_ENDINGS), hard))
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        """Put it back."""
        self._depth -= 1
        if not self._depth:
            resource.setrlimit(resource.RLIMIT_NOFILE, self._limits)


RESERVE = Reserve()


def hold_room() -> None:
    """Raise OSError EMFILE where nothing new can be made."""
    with RESERVE:
        os.close(os.eventfd(0))  # of all descriptors the cheapest to have


def is_among_the_last(descriptor: int, count: int) -> bool:
    """True for one of the last so many numbers: all others were taken when it was given out."""
    return descriptor >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] - count
