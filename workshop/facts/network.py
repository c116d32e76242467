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


@dataclass(frozen=True, slots=True)
class Network:
    """A network that box made: a bridge in a network namespace that no process is in. `subnet` is as `172.18.0.0/16`."""

    id: str
    name: str
    subnet: str
