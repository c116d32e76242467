"""Capabilities by name: the closed table that a caller's names are looked up in (capabilities(7))."""

from __future__ import annotations

from collections.abc import Iterable

from ...protocol import ProtocolError
from .confine import CAPABILITIES

NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
    "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
    "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip
"""In the order of their numbers, from 0."""
ALL = "ALL"


def plain(name: str) -> str:
    """The name as the table has it; raises ProtocolError `unknown_capability`, with the names that can be dropped."""
    known = name.upper().removeprefix("CAP_")
    if known != ALL and known not in NAMES:
        held = ", ".join(NAMES[number] for number in CAPABILITIES)
        raise ProtocolError("unknown_capability", name=name[:40], known=f"{ALL}, {held}")
    return known


def left(dropped: Iterable[str]) -> tuple[int, ...]:
    """Numbers of what a sandbox has without the capabilities of these plain names."""
    names = set(dropped)
    return () if ALL in names else tuple(number for number in CAPABILITIES if NAMES[number] not in names)
