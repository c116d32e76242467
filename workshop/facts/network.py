"""Network interfaces of one network namespace (network_namespaces(7))."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface; `addresses` are written as `10.0.0.2/24` or `10.0.0.2` where the length is unknown.

    `index` is its number in its network namespace; `kind` is what made it, such as veth or bridge ('' for hardware and lo).
    `peer` is the index of a veth's other end, in *that* end's namespace, which is another one if `elsewhere`; `bridge` the index
    of the bridge that it is a port of. Each is 0 for none, and all are at their defaults where the namespace can't be entered.
    """

    name: str
    addresses: tuple[str, ...] = ()
    received: int = 0
    sent: int = 0
    index: int = 0
    up: bool = False
    kind: str = ""
    peer: int = 0
    elsewhere: bool = False
    bridge: int = 0


@dataclass(frozen=True, slots=True)
class Pings:
    """What a network namespace has counted (Icmp in proc_pid_net(5)'s snmp): requests that came in, replies that came in."""

    requests: int = 0
    replies: int = 0


@dataclass(frozen=True, slots=True)
class Network:
    """A network that box made: a bridge in a network namespace that no process is in. `subnet` is as `172.18.0.0/16`."""

    id: str
    name: str
    subnet: str
