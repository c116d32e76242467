"""The helper's requests and replies: one JSON object a packet, exact keys, no coercion. Standard library only.

A request is `{"operation": NAME, ...fields}`. A reply is `{"ok": {...}}`, or `{"error": SLUG, "values": {...}}`, or
`{"file": true}` where the object after "ok" is too large for a packet and came as a memory file.
Descriptors travel beside a reply (SCM_RIGHTS), never beside a request: terminals and pipes of a sandbox, or a sealed memory
file holding an answer that is larger than a packet (`observe`).
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing

from .errors import ProtocolError
from .requests import REQUESTS, Request

MAXIMUM_PACKET = 16 * 1024
# Evaluated once: for each packet it would take as long as all the rest of its parsing.
_HINTS = {kind: typing.get_type_hints(kind) for kind in REQUESTS.values()}


def encode(message: dict[str, object]) -> bytes:
    """The packet of a reply; raises ProtocolError `too_large` where it would not fit."""
    return _fitting(safe_bytes(json.dumps(message, separators=(",", ":"), ensure_ascii=False)))


def safe_bytes(text: str) -> bytes:
    """JSON as bytes that every reader can decode and print: halves of surrogate pairs become the six characters `\\udc80`."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", lambda found: f"\\\\u{ord(found[0]):04x}", text).encode()


def request_packet(request: Request) -> bytes:
    """The packet for a request; raises ProtocolError `too_large`, or `not_text` for what is no UTF-8."""
    message = {"operation": type(request).__name__.lower(), **dataclasses.asdict(request)}
    try:
        return _fitting(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        wrong = next(one for value in message.values() for one in (value if type(value) is list else [value]) if not _text(one))
        shown = wrong[:40].encode("utf-8", "backslashreplace").decode().replace("\\udc", "\\x")
        raise ProtocolError("not_text", text=shown) from error


def _fitting(packet: bytes) -> bytes:
    if len(packet) > MAXIMUM_PACKET:
        raise ProtocolError("too_large", size=len(packet), maximum=MAXIMUM_PACKET)
    return packet


def decode(packet: bytes) -> dict[str, object]:
    """The object in a packet; raises ProtocolError `bad_message` for anything else, and where a key stands twice."""
    try:
        message = json.loads(packet.decode("utf-8"), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("bad_message") from error
    if not isinstance(message, dict):
        raise ProtocolError("bad_message")
    return message


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object; raises ValueError where it has a key twice: which of the two values is meant is anybody's guess."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def parse_request(packet: bytes) -> Request:
    """The request in a packet; raises ProtocolError for an unknown operation, a wrong key or a wrong type."""
    message = decode(packet)
    operation = message.pop("operation", None)
    kind = REQUESTS.get(operation) if isinstance(operation, str) else None
    if kind is None:
        raise ProtocolError("unknown_operation")
    hints = _HINTS[kind]
    required = {one.name for one in dataclasses.fields(kind) if one.default is one.default_factory is dataclasses.MISSING}
    if not required <= message.keys() <= hints.keys():
        raise ProtocolError("wrong_keys", operation=kind.__name__.lower())
    for name, value in message.items():
        if not _fits(value, hints[name]):
            raise ProtocolError("wrong_type", operation=kind.__name__.lower(), key=name)
    return kind(**message)  # type: ignore[arg-type]  # every key and type was checked just above


def _fits(value: object, wanted: type | types.GenericAlias) -> bool:
    """True where the value is of just this type; a bool is no int here."""
    if isinstance(wanted, types.GenericAlias):
        return type(value) is list and all(_text(item) for item in value)
    return _text(value) if wanted is str else type(value) is wanted


def _text(value: object) -> bool:
    """True for text that can be handed to the kernel: no NUL, no half of a surrogate pair."""
    try:
        return type(value) is str and b"\0" not in value.encode("utf-8")
    except UnicodeEncodeError:
        return False
