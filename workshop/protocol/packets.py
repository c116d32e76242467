"""Packets: one JSON object each, with no coercion. Standard library only.

A request is `{"operation": NAME, ...fields}`, and has exactly the keys of its class: whoever asks may be anybody.
A reply is `{"ok": {...}}`, or `{"error": SLUG, "values": {...}}`, or `{"file": true}` where the object after "ok" is too large
for a packet and came as a memory file. It has at least the keys of its class that have no default: what a newer helper tells
beside them is passed over, at every depth, since an older client has no use for it. A key that is missing, or a value of another
type, is no reply.
Descriptors travel beside a reply (SCM_RIGHTS), never beside a request: terminals and pipes of a sandbox, or a sealed memory
file holding an answer that is larger than a packet (`observe`).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import types
import typing
from collections.abc import Callable

from .errors import ProtocolError
from .requests import REQUESTS, Request

MAXIMUM_PACKET = 16 * 1024
LARGEST = 2**53
"""No number in a reply is larger: each reader of JSON has it as it was sent, and a time is one of a calendar."""
Read = typing.TypeVar("Read")
# Evaluated once: for each packet it would take as long as all the rest of its parsing.
_hints: Callable[[typing.Any], dict[str, typing.Any]] = functools.cache(typing.get_type_hints)


def plain(value: object) -> object:
    """A reply as JSON has it: each named tuple is an object of its fields, at every depth."""
    if isinstance(value, tuple):
        values = [plain(one) for one in value]
        return dict(zip(value._fields, values, strict=True)) if hasattr(value, "_fields") else values
    return {key: plain(one) for key, one in value.items()} if isinstance(value, dict) else value


def encode(message: dict[str, object]) -> bytes:
    """The packet of a reply; raises ProtocolError `too_large` where it would not fit."""
    return _fitting(safe_bytes(json.dumps(message, separators=(",", ":"), ensure_ascii=False)))


def safe_bytes(text: str) -> bytes:
    """JSON as bytes that every reader can decode and print: halves of surrogate pairs become the six characters `\\udc80`."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", lambda found: f"\\\\u{ord(found[0]):04x}", text).encode()


def request_packet(request: Request[object]) -> bytes:
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


def parse_request(packet: bytes) -> Request[object]:
    """The request in a packet; raises ProtocolError for an unknown operation, a wrong key or a wrong type."""
    message = decode(packet)
    operation = message.pop("operation", None)
    kind = REQUESTS.get(operation) if isinstance(operation, str) else None
    if kind is None:
        raise ProtocolError("unknown_operation")
    hints = _hints(kind)
    required = {one.name for one in dataclasses.fields(kind) if one.default is one.default_factory is dataclasses.MISSING}
    if not required <= message.keys() <= hints.keys():
        raise ProtocolError("wrong_keys", operation=kind.__name__.lower())
    for name, value in message.items():
        if not _fits(value, hints[name]):
            raise ProtocolError("wrong_type", operation=kind.__name__.lower(), key=name)
    return kind(**message)


def _fits(value: object, wanted: type | types.GenericAlias) -> bool:
    """True where the value is of just this type; a bool is no int here."""
    if isinstance(wanted, types.GenericAlias):
        return type(value) is list and all(_text(item) for item in value)
    return _text(value) if wanted is str else type(value) is wanted


def _text(value: object) -> bool:
    """True for text that can be handed to the kernel: no NUL, no half of a surrogate pair."""
    return type(value) is str and "\0" not in value and _encodes(value)


def _encodes(text: str) -> bool:
    """True for text without half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read(wanted: type[Read], value: object) -> Read:
    """A reply, or a part of one, out of what came as JSON; raises ProtocolError `bad_message` for what is none."""
    return typing.cast("Read", _read(wanted, value))


def _read(wanted: typing.Any, value: object) -> object:
    """The value as an annotation has it: tuples for arrays, named tuples and mappings for objects."""
    origin, parts = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Literal):
        return _one_of(parts, value)
    if isinstance(value, dict):
        if hasattr(wanted, "_fields"):
            return _fields(wanted, value)
        if origin is dict:
            return {_read(parts[0], key): _read(parts[1], one) for key, one in value.items()}
    elif isinstance(value, list) and origin is tuple:
        each = parts[:1] * len(value) if parts[-1] is ... else parts
        if len(each) == len(value):
            return tuple(map(_read, each, value))
    elif _is_plain(wanted, value):
        return value
    raise ProtocolError("bad_message")


def _one_of(choices: tuple[typing.Any, ...], value: object) -> object:
    """The value as the first type, or the constant, of these that it is."""
    for one in choices:
        if value == one:
            return value
        try:
            return _read(one, value)
        except ProtocolError:
            continue
    raise ProtocolError("bad_message")


def _fields(wanted: typing.Any, value: dict[str, object]) -> object:
    """A named tuple of those members that it has fields for."""
    hints = _hints(wanted)
    found = {key: _read(hints[key], one) for key, one in value.items() if key in hints}
    if not set(wanted._fields) - wanted._field_defaults.keys() <= found.keys():
        raise ProtocolError("bad_message")
    return wanted(**found)


def _is_plain(wanted: typing.Any, value: typing.Any) -> bool:
    """True for a value of just this type, where a bool is no int: no number that is none or too large, no text that is none."""
    if isinstance(value, int | float) and type(value) is not bool:
        return wanted in (float, type(value)) and -LARGEST <= value <= LARGEST
    return type(value) is wanted and (wanted is not str or _encodes(value))
