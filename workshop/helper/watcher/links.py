"""How interfaces hang together: kind, number, other end and bridge, asked of the kernel by netlink (rtnetlink(7))."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from ...facts import Interface
from ..kernel.netlink import attribute
from .text import UnreadableError

LINKS_LIMIT = 256 * 1024
"""Bytes of an answer that are read at most: some 300 interfaces."""
ANSWER_SECONDS = 0.2
"""Seconds to wait for each piece of the answer, which the kernel has at hand."""

_GETLINK, _NEWLINK, _DONE = 18, 16, 3
_REQUEST_DUMP = 0x301
_NAME, _LINK, _MASTER, _LINKINFO, _EXT_MASK, _NETNSID = 3, 5, 10, 18, 29, 37
_INFO_KIND = 1
_SKIP_STATISTICS = 1 << 3
_UP = 1
_TYPE = 0x3FFF
"""The bits of an attribute's type that name it; the two above say how it is written."""


@dataclass(frozen=True, slots=True)
class Link:
    """One interface, in the words of facts.Interface."""

    name: str
    index: int
    up: bool
    kind: str = ""
    peer: int = 0
    elsewhere: bool = False
    bridge: int = 0


def ask_links() -> bytes:
    """What the kernel answers to "list all links" in the caller's network namespace; raises OSError."""
    question = struct.pack("=BBHiII", 0, 0, 0, 0, 0, 0) + attribute(_EXT_MASK, struct.pack("=I", _SKIP_STATISTICS))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(ANSWER_SECONDS)
        kernel.send(struct.pack("=IHHII", 16 + len(question), _GETLINK, _REQUEST_DUMP, 1, 0) + question)
        answer = b""
        while len(answer) < LINKS_LIMIT:
            piece = kernel.recv(65536)
            answer += piece
            if not piece or any(kind != _NEWLINK for kind, _ in _messages(piece)):
                break
    return answer


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each message's type and body."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if length < 16:
            raise UnreadableError("rtnetlink: a message is shorter than its head")
        yield kind, data[16:length]
        data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> dict[int, bytes]:
    """The values by type."""
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            raise UnreadableError("rtnetlink: an attribute is shorter than its head")
        found[kind & _TYPE] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


def parse_links(answer: bytes) -> tuple[Link, ...]:
    """Every interface of an answer, in the kernel's order; raises UnreadableError."""
    return tuple(_link(body) for kind, body in _messages(answer) if kind == _NEWLINK)


def _link(body: bytes) -> Link:
    if len(body) < 16:
        raise UnreadableError("rtnetlink: a link has no ifinfomsg")
    _, _, index, flags, _ = struct.unpack_from("=BxHiII", body)
    told = _attributes(body[16:])
    kind = _text(_attributes(told.get(_LINKINFO, b"")).get(_INFO_KIND, b""))
    peer = _number(told, _LINK) if kind == "veth" else 0
    return Link(_text(told.get(_NAME, b"")), index, bool(flags & _UP), kind, peer, _NETNSID in told, _number(told, _MASTER))


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")


def _number(told: dict[int, bytes], kind: int) -> int:
    with suppress(struct.error):
        return int(struct.unpack("=I", told[kind])[0]) if kind in told else 0
    raise UnreadableError(f"rtnetlink: attribute {kind} is not a number of four bytes")


def joined(interfaces: Sequence[Interface], links: Sequence[Link]) -> tuple[Interface, ...]:
    """The interfaces with what netlink told of each; those that it did not name stay as they are."""
    by_name = {one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in links}
    return tuple(replace(one, **by_name.get(one.name, {})) for one in interfaces)
