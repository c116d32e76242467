"""Capabilities, seccomp and the LSM's label of a process (proc_pid_status(5), proc_pid_attr(5))."""

from __future__ import annotations

from contextlib import suppress

from ...facts import Security
from .held import Held
from .text import number


def parse_security(status: dict[str, str], label: str) -> Security:
    """What /proc/PID/status and attr/current tell; a field that this kernel lacks counts as 0."""
    return Security(
        effective=number(status.get("CapEff", "0"), "CapEff", 16),
        bounding=number(status.get("CapBnd", "0"), "CapBnd", 16),
        seccomp=number(status.get("Seccomp", "0"), "Seccomp"),
        no_new_privileges=status.get("NoNewPrivs", "0") == "1",
        label=label.strip("\0\n "),
    )


def read_security(held: Held, status: dict[str, str]) -> Security:
    """What a process is kept from doing; raises UnreadableError."""
    label = ""
    with suppress(OSError):  # EINVAL where no LSM gives labels
        label = held.read("attr/current")
    return parse_security(status, label)
