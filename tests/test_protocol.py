"""What the helper makes of packets: its own requests come through unchanged, everything else is refused by name."""

from __future__ import annotations

import dataclasses
import json
import types
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop import protocol
from workshop.helper.operations.answers import Answer
from workshop.helper.operations.sandboxes import OPERATIONS

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = {str: TEXT, bool: st.booleans(), int: st.integers(), list[str]: st.lists(TEXT, max_size=4)}


def requests_of(kind: type[protocol.Request[object]]) -> st.SearchStrategy[protocol.Request[object]]:
    """Requests of one kind with every field filled in."""
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: FIELDS[hint] for name, hint in hints.items()})


LARGEST = 2**53
VALUES = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    bool: st.booleans(),
    int: st.integers(-LARGEST, LARGEST),
    float: st.floats(-LARGEST, LARGEST) | st.integers(-LARGEST, LARGEST),
    type(None): st.none(),
}


def values_of(hint: typing.Any) -> st.SearchStrategy[typing.Any]:
    """Values that a reply's annotation allows."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hasattr(hint, "_fields"):
        return st.builds(hint, **{name: values_of(one) for name, one in typing.get_type_hints(hint).items()})
    if origin is tuple:
        return st.lists(values_of(parts[0]), max_size=3).map(tuple) if parts[-1] is ... else st.tuples(*map(values_of, parts))
    if origin is dict:
        return st.dictionaries(*map(values_of, parts), max_size=3)
    if origin is typing.Literal:
        return st.sampled_from(parts)
    return st.one_of([values_of(one) for one in parts]) if origin is types.UnionType else VALUES[hint]


REPLIES = sorted({protocol.reply_of(kind) for kind in protocol.REQUESTS.values()} | {protocol.Refusal}, key=str)
REPLY = st.one_of([values_of(kind) for kind in REPLIES])
REQUEST = st.one_of([requests_of(kind) for kind in protocol.REQUESTS.values()])


def refusal(packet: bytes) -> str:
    """The slug with which this packet is refused."""
    with pytest.raises(protocol.ProtocolError) as caught:
        protocol.parse_request(packet)
    return caught.value.slug


@given(REQUEST)
def test_a_request_survives_its_packet(request_: protocol.Request[object]) -> None:
    """What the client asks is what the helper reads."""
    assert protocol.parse_request(protocol.request_packet(request_)) == request_


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_by_name(packet: bytes) -> None:
    """Bytes that are no request raise ProtocolError and nothing else."""
    assert refusal(packet) in {"bad_message", "unknown_operation"}


@given(JSON)
def test_random_json_is_refused_by_name(value: object) -> None:
    """JSON that is no request raises ProtocolError and nothing else."""
    assert refusal(json.dumps(value).encode()) in {"bad_message", "unknown_operation"}


@given(REQUEST, st.data())
def test_a_wrong_type_is_refused(request_: protocol.Request[object], data: st.DataObject) -> None:
    """One field of the wrong type is refused and named: true is no number, a number is no text."""
    message = {"operation": type(request_).__name__.lower(), **dataclasses.asdict(request_)}
    names = [field.name for field in dataclasses.fields(request_)]
    if not names:
        return
    name = data.draw(st.sampled_from(names))
    hint = typing.get_type_hints(type(request_))[name]
    message[name] = data.draw(JSON.filter(lambda value: type(value) is not (list if hint == list[str] else hint)))
    with pytest.raises(protocol.ProtocolError) as caught:
        protocol.parse_request(json.dumps(message).encode())
    assert (caught.value.slug, caught.value.values["key"]) == ("wrong_type", name)


@given(REQUEST, st.text(max_size=8), JSON)
def test_an_unknown_key_is_refused(request_: protocol.Request[object], key: str, value: object) -> None:
    """A key more than the operation has is refused, whatever its value."""
    message = {"operation": type(request_).__name__.lower(), **dataclasses.asdict(request_)}
    if key not in message:
        assert refusal(json.dumps({**message, key: value}).encode()) == "wrong_keys"


@pytest.mark.parametrize("name", ["run", "exec", "wait", "inspect", "stop", "remove", "update", "observe"])
def test_a_missing_key_is_refused(name: str) -> None:
    """An operation without the keys that it cannot do without is refused."""
    assert refusal(json.dumps({"operation": name}).encode()) == "wrong_keys"


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_the_kernel_cannot_take_is_refused(text: str) -> None:
    """A NUL or half of a surrogate pair in a name or in a command is refused before anything is done with it."""
    assert refusal(json.dumps({"operation": "inspect", "container": text}).encode()) == "wrong_type"
    assert refusal(json.dumps({"operation": "run", "image": "busybox", "command": [text]}).encode()) == "wrong_type"


@pytest.mark.parametrize(
    "packet", [b"[" * 10_000, b'{"operation": ' + b"9" * 10_000 + b"}", b'{"operation": "run"', b'"run"', b"\xff\xfe"]
)
def test_packets_that_choke_parsers_are_refused(packet: bytes) -> None:
    """Deep nesting, endless numbers and broken text are a refusal, never a crash."""
    assert refusal(packet) == "bad_message"


@given(st.integers(min_value=protocol.MAXIMUM_PACKET, max_value=4 * protocol.MAXIMUM_PACKET))
def test_a_packet_that_is_too_large_is_not_sent(size: int) -> None:
    """A request over the limit fails on the client's side, with the size and the limit to name."""
    with pytest.raises(protocol.ProtocolError) as caught:
        protocol.request_packet(protocol.Run("busybox", ["x" * size]))
    assert caught.value.slug == "too_large"
    assert caught.value.values["maximum"] == protocol.MAXIMUM_PACKET


@given(REQUEST, st.data())
def test_a_key_that_stands_twice_is_refused(request_: protocol.Request[object], data: st.DataObject) -> None:
    """Which of two values of one key is meant is nobody's to guess, also where both are the same."""
    packet = protocol.request_packet(request_).decode()
    key = data.draw(st.sampled_from(["operation", *(field.name for field in dataclasses.fields(request_))]))
    value = json.dumps(data.draw(st.sampled_from([json.loads(packet)[key], 5, "x"])))
    assert refusal(f"{{{json.dumps(key)}:{value},{packet[1:]}".encode()) == "bad_message"


@given(st.text(st.characters(categories=["Cs", "Ll", "Cc"]), max_size=20))
def test_a_reply_is_always_text_that_can_be_printed(text: str) -> None:
    """Halves of surrogate pairs, wherever they came from, come through as an escape; all other text as it is."""
    told = protocol.decode(protocol.encode({"ok": {"command": [text], text: 1}}))["ok"]
    assert isinstance(told, dict)
    assert told["command"] == [text.encode("utf-8", "backslashreplace").decode()]
    assert [key.encode() for key in told]


@pytest.mark.parametrize("text", ["\udcff\udcfe", "caf\udce9"])
def test_what_is_no_utf_8_is_not_sent(text: str) -> None:
    """An argument with bytes that are no UTF-8 is refused on the client's side, with the place that is wrong."""
    with pytest.raises(protocol.ProtocolError) as caught:
        protocol.request_packet(protocol.Run("busybox", ["echo", text]))
    assert caught.value.slug == "not_text"
    shown = text.encode("utf-8", "backslashreplace").decode().replace("\\udc", "\\x")
    assert shown in str(caught.value.values["text"])


def sent(reply: object) -> dict[str, object]:
    """What a reader has of a reply once it came as JSON."""
    return protocol.decode(protocol.encode({"ok": protocol.plain(reply)}))["ok"]  # type: ignore[return-value]  # it is an object


@given(REPLY)
def test_a_reply_survives_its_packet(reply: tuple[object, ...]) -> None:
    """What the helper answers is what the client reads, whatever it is made of."""
    assert protocol.read(type(reply), sent(reply)) == reply


@given(REPLY, st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_what_a_newer_helper_tells_beside_is_passed_over(reply: tuple[object, ...], more: dict[str, object]) -> None:
    """Keys that are not known change nothing."""
    assert protocol.read(type(reply), {**more, **sent(reply)}) == reply


@given(st.sampled_from(REPLIES), JSON)
def test_random_json_is_a_reply_or_is_none(kind: type[tuple[object, ...]], value: object) -> None:
    """Whatever comes in place of a reply: ProtocolError and nothing else, or a reply of the right type."""
    try:
        assert type(protocol.read(kind, value)) is kind
    except protocol.ProtocolError as error:
        assert error.slug == "bad_message"


def info(**others: object) -> dict[str, object]:
    """An image as it is told, with other values."""
    return {"name": "a", "id": "b", "layers": ["c"], "created": 1, "size": 2, **others}


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": "2"}, {"size": True}, {"size": 2.5}, {"size": None}, {"size": 2**53 + 1}, {"name": 1}, {"name": "\ud800"},
        {"layers": "c"}, {"layers": ["c", 5]}, {"layers": {"c": "d"}},
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_no_reply(wrong: dict[str, object]) -> None:
    """Nothing is made a number or a text of, at no depth; what is too large, or can't be printed, is none either."""
    assert protocol.read(protocol.ImageList, {"images": [info()]}).images[0] == protocol.ImageInfo("a", "b", ("c",), 1, 2)
    with pytest.raises(protocol.ProtocolError, match="bad_message"):
        protocol.read(protocol.ImageList, {"images": [info(), info(**wrong)]})


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), 1e300])
def test_a_time_is_one_of_a_calendar(moment: float) -> None:
    """What is no number, or is beyond all dates, is no time."""
    told = {"id": "a", "name": "b", "subnet": "c", "containers": {}}
    assert protocol.read(protocol.NetworkInfo, {**told, "created": 5}).created == 5
    with pytest.raises(protocol.ProtocolError, match="bad_message"):
        protocol.read(protocol.NetworkInfo, {**told, "created": moment})


def test_a_key_that_is_missing_is_no_reply() -> None:
    """Unless there is a default: an older helper does not tell what it does not know."""
    assert protocol.read(protocol.Started, {"id": "a", "name": "b"}) == protocol.Started("a", "b", (), None)
    with pytest.raises(protocol.ProtocolError, match="bad_message"):
        protocol.read(protocol.Started, {"id": "a"})


def test_every_operation_is_typed_by_its_request() -> None:
    """What an operation takes is the request that it stands under in the table, and what it returns that request's reply."""
    assert set(OPERATIONS) == set(protocol.REQUESTS.values())
    for kind, operation in OPERATIONS.items():
        *_, request, returned = typing.get_type_hints(operation).values()
        answer = typing.cast("typing.Any", Answer)[protocol.reply_of(kind)]
        assert request is kind
        assert returned in (answer, answer | None, type(None)), operation
