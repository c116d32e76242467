"""How many descriptors are left, of which the last ones are kept for what ends something.

The kernel gives out the lowest free number (open(2)). So while that is below a line, whatever is opened stays below it, and the
numbers above are free for stop, rm, kill and ps: those open a file of a control group or two, and close it again.
"""

from __future__ import annotations

import os
import resource

from ..protocol import ProtocolError

FOR_WORK = 128
"""Left, at least, where something begins that keeps descriptors: a start takes ten, and 48 more for a moment."""
FOR_CONNECTIONS = 64
"""Left, at least, where somebody connects, so that whoever wants to end something still can when no work may begin."""
FOR_ROOT = 32
"""The same where root does."""


def left(kept: int) -> bool:
    """True while a number is free below the last so many of the limit."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        lowest = os.eventfd(0)  # of all descriptors the cheapest to have
    except OSError:
        return False
    os.close(lowest)
    return lowest < most - kept


def hold_room_for_work() -> None:
    """Raise ProtocolError `no_descriptors` where something new might take what ending something needs."""
    if not left(FOR_WORK):
        raise ProtocolError("no_descriptors")
