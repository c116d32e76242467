"""No request takes the helper's thread for long: lists are bounded before they are counted out, and too much is refused."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helper_process import Process, background, inspect, refusal, run
from workshop.client.connection import Client
from workshop.protocol import (
    MAXIMUM_PACKET,
    Exec,
    Hello,
    Image,
    Images,
    Inspect,
    Layer,
    List,
    Logs,
    Look,
    Observe,
    Pack,
    Pause,
    Register,
    Remove,
    Request,
    Run,
    Step,
    Stop,
    Unpack,
    Unpause,
    Update,
    Wait,
    request_packet,
)

pytest_plugins = ["tests.helper_fixtures"]
pytestmark = pytest.mark.root
LEARNER = 1234
ONLINE = Path("/sys/devices/system/cpu/online").read_text().strip()


@pytest.mark.parametrize(
    ("cpus", "slug"),
    [
        ("0-9999," * 2200 + "0", "bad_cpus"),
        ("0," * 64 + "0", "bad_cpus"),
        ("0-9999", "no_such_cpu"),
        ("9999", "no_such_cpu"),
        ("1-0", "bad_cpus"),
        ("0,", "bad_cpus"),
        ("٠", "bad_cpus"),
        ("0-99999", "bad_cpus"),
    ],
)
def test_a_list_of_processors_is_bounded_before_it_is_counted_out(client: Client, cpus: str, slug: str) -> None:
    """Too many parts, a range backwards, numbers that no machine has: refused, and at once."""
    client.ask(Images())  # else the first of all waits for the image, which is made then
    began = time.monotonic()
    assert refusal(client, Run("busybox", ["true"], cpus=cpus)) == slug
    assert time.monotonic() - began < 0.1


def test_the_same_processor_may_be_named_often(client: Client) -> None:
    """Sixty-four parts are taken, whatever their order."""
    assert run(client, "true", cpus=",".join(["0"] * 63 + [ONLINE.split(",")[0]])).code == 0


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        (Run("busybox", ["x"] * 1025), "command"),
        (Exec("one", ["x"] * 1025), "command"),
        (Run("busybox", variables=["A=1"] * 65, command=[]), "variables"),
        (Run("busybox", dropped=["ALL"] * 65, command=[]), "dropped"),
        (Observe(["hostname"] * 65), "subjects"),
    ],
)
def test_every_list_has_a_bound(client: Client, wanted: Request[object], key: str) -> None:
    """A list with more members than anybody needs is refused by name, before its members are looked at."""
    background(client, name="one")
    assert refusal(client, wanted) == "list_too_long"


def test_a_command_may_have_a_thousand_words(client: Client) -> None:
    """As many as are allowed are taken."""
    assert run(client, "echo", *["x"] * 1023).output == " ".join(["x"] * 1023) + "\n"


def full(make: Callable[[str], Request[object]], letter: str = "x") -> bytes:
    """The longest packet of a request with a text in it that can be any long."""
    size = (MAXIMUM_PACKET - len(request_packet(make("")))) // len(letter.encode())
    return request_packet(make(letter * size))


def padded(head: str, piece: str, tail: str) -> bytes:
    """A packet that is full of pieces."""
    return (head + piece * ((MAXIMUM_PACKET - len((head + tail).encode())) // len(piece.encode())) + tail).encode()


def worst() -> Iterator[tuple[str, bytes]]:
    """Packets of 16 KiB that are hard to read, or hard to refuse."""
    for kind in (Inspect, Wait, Stop, Remove, Pause, Unpause, Logs, Pack, Step, Look, Update, Image, Layer, Unpack):
        yield kind.__name__, full(kind)
    yield "image to run", full(lambda text: Run(text, []))
    yield "name", full(lambda text: Run("busybox", [], name=text))
    yield "variable", full(lambda text: Run("busybox", [], variables=[text]))
    yield "escapes", padded('{"operation":"exec","container":"', "\\\\u0000", '","command":["true"]}')
    yield "config", full(lambda text: Register("x", text))
    yield "nested config", full(lambda text: Register("x", text), "[")
    yield "words", padded('{"operation":"exec","container":"one","command":["x"', ',"x"', "]}")
    yield "empty words", padded('{"operation":"exec","container":"one","command":[""', ',""', "]}")
    yield "subjects", padded('{"operation":"observe","subjects":[""', ',""', "]}")
    yield "processors", padded('{"operation":"update","container":"one","cpus":"0-9999', ",0-9999", '"}')
    yield "keys", ("{" + ",".join(f'"{number}":0' for number in range(1800)) + "}").encode()
    yield "twice", padded('{"a":0', ',"a":0', "}")
    yield "deep", b"[" * MAXIMUM_PACKET
    yield "deep objects", b'{"":' * (MAXIMUM_PACKET // 4)
    yield "digits", b'{"operation":' + b"9" * (MAXIMUM_PACKET - 14) + b"}"
    yield "numbers", padded('{"operation":[1e308', ",1e308", "]}")
    yield "long numbers", ('{"operation":[' + ",".join(["9" * 4000] * 4) + "]}").encode()
    yield "surrogates", full(Inspect).replace(b"x" * 6, b"\\udc80", 2000)


@pytest.mark.parametrize(("name", "packet"), [pytest.param(name, packet, id=name) for name, packet in worst()])
def test_the_worst_packet_of_a_kind_takes_a_few_milliseconds(process: Process, client: Client, name: str, packet: bytes) -> None:
    """From the question to its refusal, the quickest of some: the helper's own work, not the machine's mood."""
    assert len(packet) <= MAXIMUM_PACKET
    background(client, name="one")
    took = min(exchanged(process, packet) for _ in range(7))
    print(f"{name}: {took * 1000:.2f} ms")
    assert took < 0.02


def exchanged(process: Process, packet: bytes) -> float:
    """Seconds until the helper has answered, or has hung up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
        end.connect(process.socket_path)
        began = time.monotonic()
        end.send(packet)
        assert json.loads(end.recv(MAXIMUM_PACKET)).keys() == {"error", "values"}
        return time.monotonic() - began


def test_a_list_of_many_boxes_with_long_commands_is_told_soon(process: Process) -> None:
    """The longest answer that an ordinary user can have made: 64 boxes whose commands fill a packet each."""
    with process.connect(LEARNER) as learner:
        for _ in range(40):
            learner.ask(Run("busybox", ["true", "\x1b" * 2600], detach=True))
        took = []
        for _ in range(5):
            began = time.monotonic()
            learner.ask(List(all=True))
            took.append(time.monotonic() - began)
        print(f"list: {min(took) * 1000:.2f} ms")
        assert min(took) < 0.05


@pytest.mark.parametrize("count", [1, 3, 250])
def test_descriptors_that_come_with_a_request_end_the_connection(process: Process, client: Client, count: int) -> None:
    """They are never taken in, the request is not done, and nobody else notices."""
    with process.connect() as other:
        box = background(client, name="kept")
        other.ask(Hello())
        before = len(os.listdir(f"/proc/{process.process.pid}/fd"))  # noqa: PTH208  # a count of names
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
            end.connect(process.socket_path)
            socket.send_fds(end, [b'{"operation":"remove","container":"kept","force":true}'], [0] * count)
            assert end.recv(MAXIMUM_PACKET) == b""
        assert inspect(other, box.id).state == "running"
        assert len(os.listdir(f"/proc/{process.process.pid}/fd")) == before  # noqa: PTH208  # as above
        assert refusal(other, Logs("nobody")) == "no_such_container"


def test_a_refusal_that_would_repeat_a_packet_repeats_its_beginning(process: Process) -> None:
    """Whoever asks for a name as long as a packet reads that there is no such thing."""
    with process.connect() as client:
        client._connection.send(full(Inspect))
        with pytest.raises(Exception, match="no_such_container"):
            client.receive(Inspect)
        assert client.ask(Hello()).value.root is True
