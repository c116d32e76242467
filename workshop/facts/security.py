"""What a process is kept from doing (capabilities(7), seccomp(2), proc_pid_status(5))."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Security:
    """Capability sets as bit masks, seccomp mode (0 off, 1 strict, 2 filter), and the LSM's label ('' for none)."""

    effective: int = 0
    bounding: int = 0
    seccomp: int = 0
    no_new_privileges: bool = False
    label: str = ""
