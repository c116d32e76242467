"""How far a time namespace's clocks are from the host's (time_namespaces(7))."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    """What is added to two of the kernel's clocks, in whole seconds; `boottime` counts since boot, as uptime(1) shows."""

    monotonic: int = 0
    boottime: int = 0
