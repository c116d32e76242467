"""Interfaces of a network namespace from /proc/PID/net (proc_pid_net(5)); no descriptor into the namespace is needed."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from ...facts import Interface, Pings
from .held import Held
from .text import UnreadableError, number

_LEAF = re.compile(r"\|-- (\S+)\n((?: +/\d+ .*\n?)+)")

_LISTENING = "0A"
_LOOPBACK = 127
_MAPPED = "0000000000000000FFFF0000"


@dataclass(frozen=True, slots=True)
class Route:
    """A network that is reached directly: address and mask as numbers."""

    interface: str
    network: int
    mask: int


def parse_counts(text: str) -> dict[str, tuple[int, int]]:
    """Bytes received and sent by interface, from net/dev; raises UnreadableError."""
    counts = {}
    for line in text.split("\n")[2:]:
        name, colon, rest = line.rpartition(":")
        words = rest.split()
        if line and (not colon or len(words) < 9):
            raise UnreadableError(f"net/dev: {line[:40]!r} has not a name and nine numbers")
        if line:
            counts[name.strip()] = number(words[0], "net/dev"), number(words[8], "net/dev")
    return counts


def parse_routes(text: str) -> list[Route]:
    """Directly reached networks, from net/route; raises UnreadableError."""
    rows = [line.split() for line in text.split("\n")[1:] if line.strip()]
    if any(len(row) < 8 for row in rows):
        raise UnreadableError("net/route: a row has not eight columns")
    routes = [Route(row[0], _swapped(row[1]), _swapped(row[7])) for row in rows if row[2] == "00000000"]
    return [route for route in routes if route.mask]


def _swapped(word: str) -> int:
    """A number that the kernel wrote in hexadecimal as it lies in memory of a little-endian machine."""
    return socket.ntohl(number(word, "net/route", 16) & 0xFFFFFFFF)


def parse_local(text: str) -> list[str]:
    """The machine's own IPv4 addresses, from net/fib_trie: those with an entry `/32 host LOCAL`."""
    leaves = (leaf.groups() for leaf in _LEAF.finditer(text))
    return list(dict.fromkeys(address for address, entries in leaves if "/32 host LOCAL" in entries))


def parse_ipv6(text: str) -> dict[str, list[str]]:
    """Addresses by interface, from net/if_inet6; raises UnreadableError."""
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        words = line.split()
        if words and (len(words) != 6 or len(words[0]) != 32):
            raise UnreadableError(f"net/if_inet6: {line[:40]!r} has not an address and five more fields")
        if words:
            address = number(words[0], "net/if_inet6", 16).to_bytes(16, "big")
            length = number(words[2], "net/if_inet6", 16)
            found.setdefault(words[5], []).append(f"{socket.inet_ntop(socket.AF_INET6, address)}/{length}")
    return found


def place(address: str, routes: Sequence[Route], names: Sequence[str]) -> tuple[str, str]:
    """Which interface an IPv4 address is on, and the address as it is written there; ('', '') where that can't be told.

    /proc gives addresses without their interface: the most particular directly reached network that holds it tells.
    Loopback's network is not in the routes, and an interface that is down has no routes.
    """
    if address.startswith("127."):
        return "lo", f"{address}/8"
    value = int.from_bytes(_packed(address), "big")
    best = max((route for route in routes if value & route.mask == route.network), key=lambda one: one.mask, default=None)
    if best:
        return best.interface, f"{address}/{best.mask.bit_count()}"
    others = [name for name in names if name != "lo"]
    return (others[0], address) if len(others) == 1 else ("", "")


def _packed(address: str) -> bytes:
    try:
        return socket.inet_aton(address)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"net/fib_trie: {address[:40]!r} is not an address") from error


def parse_interfaces(dev: str, fib_trie: str, route: str, if_inet6: str) -> tuple[Interface, ...]:
    """Interfaces in the kernel's order, IPv4 addresses first; raises UnreadableError."""
    counts, routes = parse_counts(dev), parse_routes(route)
    addresses: dict[str, list[str]] = {}
    for address in parse_local(fib_trie):
        name, written = place(address, routes, list(counts))
        addresses.setdefault(name, []).append(written)
    for name, written6 in parse_ipv6(if_inet6).items():
        addresses.setdefault(name, []).extend(written6)
    return tuple(Interface(name, tuple(addresses.get(name, ())), *both) for name, both in counts.items())


def read_interfaces(held: Held) -> tuple[Interface, ...]:
    """Interfaces as a process sees them; raises OSError or UnreadableError."""
    return parse_interfaces(held.read("net/dev"), *(_optional(held, name) for name in ("fib_trie", "route", "if_inet6")))


def parse_listeners(tcp: str) -> set[int]:
    """Ports on which somebody is waited for from outside, from net/tcp or net/tcp6 (proc_pid_net(5)); raises UnreadableError."""
    ports = set()
    for line in tcp.split("\n")[1:]:
        words = line.split()
        if words and (len(words) < 4 or ":" not in words[1]):
            raise UnreadableError(f"net/tcp: {line[:40]!r} has no local address and state")
        if words and words[3] == _LISTENING:
            address, _, port = words[1].partition(":")
            ports |= set() if _is_loopback(address) else {number(port, "net/tcp", 16)}
    return ports


def _is_loopback(address: str) -> bool:
    """True for 127.0.0.0/8, also as IPv6 writes it, and ::1; the kernel wrote each 32 bits as a hexadecimal number."""
    last = socket.ntohl(number(address[-8:], "net/tcp", 16))
    before = address[:-8]
    return last >> 24 == _LOOPBACK if before in ("", _MAPPED) else (before.strip("0"), last) == ("", 1)


def read_listeners(held: Held) -> tuple[int, ...]:
    """TCP ports on which a process's network namespace can be reached, in order; raises OSError or UnreadableError."""
    return tuple(sorted(parse_listeners(held.read("net/tcp")) | parse_listeners(_optional(held, "tcp6"))))


def _optional(held: Held, name: str) -> str:
    try:
        return held.read(f"net/{name}")
    except FileNotFoundError:  # a kernel without IPv6, or started with ipv6.disable=1
        return ""


def parse_pings(text: str) -> Pings:
    """Echo requests and replies that came in, from net/snmp, where a line of names stands above each line of numbers."""
    rows = [line.split()[1:] for line in text.split("\n") if line.startswith("Icmp:")]
    counted = dict(zip(rows[0], rows[1], strict=False)) if len(rows) == 2 else {}
    return Pings(*(number(counted.get(name, "0"), "net/snmp") for name in ("InEchos", "InEchoReps")))


def read_pings(held: Held) -> Pings:
    """What the network namespace of a process has counted; raises OSError or UnreadableError."""
    return parse_pings(held.read("net/snmp"))
