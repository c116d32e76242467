"""Network interfaces of one network namespace (network_namespaces(7))."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface; `addresses` are written as `10.0.0.2/24` or `10.0.0.2` where the length is unknown."""

    name: str
    addresses: tuple[str, ...] = ()
    received: int = 0
    sent: int = 0
