"""Where a helper is found: its instance's name, its directory and its socket."""

from __future__ import annotations

import os
import re

from .errors import ProtocolError

INSTANCE = re.compile(r"[a-z][a-z0-9-]{0,15}")
"""The name of a helper, which everything that it makes bears: one helper never meets another's things."""


def instance_name() -> str:
    """The helper's name, `workshop` unless WORKSHOP_INSTANCE says otherwise; raises ProtocolError `bad_instance`."""
    name = os.environ.get("WORKSHOP_INSTANCE", "workshop")
    if not INSTANCE.fullmatch(name):
        raise ProtocolError("bad_instance", name=name)
    return name


def runtime_directory(instance: str, uid: int) -> str:
    """Where the helper that runs as this uid has its socket: the system's for root, else one of the user's own."""
    if uid == 0:
        return f"/run/{instance}"
    own = os.environ.get("XDG_RUNTIME_DIR")
    return f"{own}/{instance}" if own else f"/tmp/{instance}-{uid}"  # noqa: S108  # made with 0700, its owner is checked


def helper_socket() -> str:
    """Where a client finds the helper: the installed one's socket if it is there, else that of this user's own."""
    installed, own = (f"{runtime_directory(instance_name(), uid)}/helper.sock" for uid in (0, os.geteuid()))
    return installed if os.path.exists(installed) else own  # noqa: PTH110  # pathlib is slow to load, and `box` needs none else
