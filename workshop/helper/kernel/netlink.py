"""The few requests of rtnetlink(7) that make a bridge and plug a pair of interfaces into it. Builders and parser are pure."""

from __future__ import annotations

import os
import socket
import struct

from . import syscalls

BRIDGE = 2
"""The bridge's number: in a new network namespace loopback is 1, and the next is free."""
_RTM_NEWLINK = 16
_NLMSG_ERROR = 2
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_EXCL, _NLM_F_CREATE = 1, 4, 0x200, 0x400
_IFLA_IFNAME, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_NET_NS_PID = 3, 10, 18, 19
_IFLA_INFO_KIND, _IFLA_INFO_DATA = 1, 2
_VETH_INFO_PEER = 1
_IFF_UP = 1
_HEADER = struct.Struct("=IHHII")
_ANSWER_SECONDS = 1.0
"""The kernel answers within the request itself; this is only so that nothing can ever block the helper."""


def attribute(kind: int, value: bytes) -> bytes:
    """A `struct rtattr`: length, kind and value, filled up to four bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def link(name: str, index: int = 0, up: int = _IFF_UP) -> bytes:
    """A `struct ifinfomsg` of an interface, and its name."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, up, up) + attribute(_IFLA_IFNAME, name.encode() + b"\0")


def kind(name: str, data: bytes = b"") -> bytes:
    """What kind of interface to make, with that kind's own data."""
    own = attribute(_IFLA_INFO_DATA, data) if data else b""
    return attribute(_IFLA_LINKINFO, attribute(_IFLA_INFO_KIND, name.encode()) + own)


def bridge(name: str) -> bytes:
    """The request for a bridge of the number BRIDGE."""
    return _request(link(name, BRIDGE) + kind("bridge"))


def pair(port: str, inside: str, pid: int) -> bytes:
    """The request for a veth(4) pair: one end is a port of the bridge, the other is in the network namespace of a process.

    That other one is down: it can't be up before it has a peer (ENOTCONN).
    """
    peer = link(inside, up=0) + attribute(_IFLA_NET_NS_PID, struct.pack("=I", pid))
    master = attribute(_IFLA_MASTER, struct.pack("=I", BRIDGE))
    return _request(link(port) + master + kind("veth", attribute(_VETH_INFO_PEER, peer)))


def _request(body: bytes) -> bytes:
    """A message that makes a new interface and wants an answer."""
    flags = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_EXCL | _NLM_F_CREATE
    return _HEADER.pack(_HEADER.size + len(body), _RTM_NEWLINK, flags, 1, 0) + body


def refusal(answer: bytes) -> int:
    """The error number in the kernel's answer, 0 where it did what was asked; ValueError for anything but an answer."""
    if len(answer) < _HEADER.size + 4 or _HEADER.unpack_from(answer)[1] != _NLMSG_ERROR:
        raise ValueError("not an answer of rtnetlink's")
    number: int = struct.unpack_from("=i", answer, _HEADER.size)[0]
    return -number


def ask(namespace: socket.socket, request: bytes) -> None:
    """Have this done in the network namespace that the socket is of; raises OSError with the kernel's reason."""
    namespace.send(request)
    if number := refusal(namespace.recv(4096)):
        raise OSError(number, os.strerror(number))


def open_namespace() -> socket.socket:
    """A socket for requests in a new network namespace, which lives as long as the socket. Raises OSError.

    Safe: this thread is back in its own namespace when this returns, and where it can't go back, the helper ends.
    """
    own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.unshare(syscalls.CLONE_NEWNET)
        try:
            made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        finally:
            _return_to(own)
    finally:
        os.close(own)
    made.settimeout(_ANSWER_SECONDS)
    return made


def _return_to(namespace: int) -> None:
    """Go back into a network namespace; nothing may go on in a wrong one."""
    try:
        syscalls.setns(namespace, syscalls.CLONE_NEWNET)
    except OSError as error:
        raise SystemExit(f"helper: {error}") from error
