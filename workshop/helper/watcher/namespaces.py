"""The inodes of a process's namespaces, and who owns a PID namespace (namespaces(7), ioctl_ns(2))."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress

from ...facts import KINDS, Namespaces
from .held import Held

_NS_GET_USERNS = 0xB701
_NS_GET_PARENT = 0xB702
_NS_GET_OWNER_UID = 0xB704

NOBODY = -1
"""Owner of a namespace where the kernel does not tell who owns it."""


def read_namespaces(held: Held) -> Namespaces:
    """The inode of each namespace, 0 for one that this kernel lacks or that may not be looked at."""
    return Namespaces(**{kind: _inode(held, kind) for kind in KINDS})


def _inode(held: Held, kind: str) -> int:
    with suppress(OSError):
        return held.namespace(kind)
    return 0


def enclosing(held: Held) -> int:
    """The inode of the PID namespace around this process's own; 0 if that is none of the observer's business."""
    try:
        own = held.open_namespace("pid")
        try:
            parent = fcntl.ioctl(own, _NS_GET_PARENT)
        finally:
            os.close(own)
    except OSError:
        return 0
    try:
        return os.fstat(parent).st_ino
    finally:
        os.close(parent)


def owner(held: Held) -> int:
    """The uid that made the user namespace which owns this process's PID namespace, NOBODY if that can't be told."""
    try:
        own = held.open_namespace("pid")
        try:
            user = fcntl.ioctl(own, _NS_GET_USERNS)
        finally:
            os.close(own)
    except OSError:
        return NOBODY
    try:
        return int.from_bytes(fcntl.ioctl(user, _NS_GET_OWNER_UID, bytes(4)), "little")
    except OSError:
        return NOBODY
    finally:
        os.close(user)
