"""The client's end: whatever the helper says, or does not, is a sentence for the user and never a traceback."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helper_process import INSTANCE, remove_directories, wait_until_gone
from workshop.client.connection import Client, HelperError, start_helper
from workshop.protocol import Hello, List
from workshop.words import sentence


def answered(packet: bytes, *descriptors: int, ask: Callable[[Client], object] = lambda client: client.ask(Hello())) -> str:
    """The slug of the error that a client meets when a helper says this, empty for none."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with Client(ours) as client, theirs:
        socket.send_fds(theirs, [packet], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        try:
            ask(client)
        except HelperError as error:
            assert sentence("en", error)
            return error.slug
    return ""


def memory_file(text: bytes) -> int:
    """A memory file with this in it."""
    descriptor = os.memfd_create("answer")
    os.write(descriptor, text)
    return descriptor


@given(st.binary(min_size=1, max_size=50))
def test_bytes_that_are_no_reply_are_said_to_be_so(packet: bytes) -> None:
    """Whatever bytes come instead of a reply."""
    assert answered(packet) in ("unreadable_reply", "")


@pytest.mark.parametrize(
    "packet",
    [
        b'{"ok":{"version":1,"pid":2}}',
        b'{"ok":{"version":1,"pid":"2","root":true}}',
        b'{"ok":[]}',
        b"{}",
        b'{"error":5,"values":{}}',
        b'{"error":"x","values":[]}',
        b'{"error":"x","values":{"a":{}}}',
        b'{"file":true}',
    ],
)
def test_a_reply_of_another_shape_is_said_to_be_so(packet: bytes) -> None:
    """Keys that are missing, values of another type: the sentence says that it is another version, and what to do."""
    assert answered(packet) == "unreadable_reply"


def test_whatever_a_refusal_is_called_and_tells_is_told() -> None:
    """One of a newer helper, also where its values have names that mean something to us, and where it has more than values."""
    assert answered(b'{"error":"of_tomorrow","values":{"slug":"a","self":1,"fit":"b","language":"c"},"more":[]}') == "of_tomorrow"


def test_a_memory_file_that_is_longer_than_any_answer_is_not_read() -> None:
    """It could be of any length, and takes no room before it is read."""
    descriptor = os.memfd_create("answer")
    os.truncate(descriptor, (64 << 20) + 1)
    assert answered(b'{"file":true}', descriptor) == "unreadable_reply"


def test_a_large_reply_that_is_missing_or_broken_is_said_to_be_so() -> None:
    """A memory file that did not come, as when this process has no descriptor left, or that holds no JSON."""
    assert answered(b'{"file":true}') == "unreadable_reply"
    assert answered(b'{"file":true}', memory_file(b"{")) == "unreadable_reply"
    assert answered(b'{"file":true}', memory_file(b"\xff")) == "unreadable_reply"
    assert answered(b'{"file":true}', memory_file(b"[]")) == "unreadable_reply"
    assert answered(b'{"file":true}', memory_file(b'{"version":1,"pid":2,"root":true}')) == ""


def test_facts_that_cannot_be_read_are_said_to_be_so() -> None:
    """Facts that did not come, are no JSON, or are those of another version."""

    def observe(client: Client) -> object:
        return client.observe(["hostname"])

    assert answered(b'{"ok":{}}', ask=observe) == "unreadable_reply"
    for text in (b"", b"{", b"\xff\xfe", b"[]", b'{"host": 5}'):
        assert answered(b'{"ok":{}}', memory_file(text), ask=observe) == "unreadable_reply"


def test_a_refusal_is_read_from_a_helper_that_hung_up() -> None:
    """Why is told, although the question could not be sent any more; without a reason the helper is lost."""
    for said, slug in ((b'{"error":"too_many_callers","values":{"maximum":5}}', "too_many_callers"), (b"", "lost_helper")):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with Client(ours) as client:
            if said:
                theirs.send(said)
            theirs.close()
            with pytest.raises(HelperError, match=slug):
                client.ask(List())


@pytest.mark.root
def test_the_log_of_ones_own_helper_is_begun_anew_when_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started again and again, a helper does not fill the directory that its log is in."""
    instance = f"{INSTANCE}-l"
    monkeypatch.setenv("WORKSHOP_INSTANCE", instance)
    log = Path(f"/run/{instance}/helper.log")
    log.parent.mkdir()
    for size, kept in ((1 << 20, True), ((1 << 20) + 1, False)):
        log.write_bytes(b"x" * size)
        start_helper()
        with Client.connect() as client:
            pid = client.ask(Hello()).value.pid
        assert (log.stat().st_size >= size) == kept
        os.kill(pid, signal.SIGTERM)
        wait_until_gone(pid)
    remove_directories(instance)
