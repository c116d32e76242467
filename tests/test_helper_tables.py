"""The kernel's tables that are counted per user: a box that takes all it can get takes its own, and nobody else's."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helper_process import Process, execute, inspect, read_all
from tests.layouts import archive, config, digest, hand_over
from workshop.client.connection import Client
from workshop.helper.kernel.confine import QUEUE_BYTES, SIGNALS
from workshop.helper.kernel.rootfs import TERMINALS
from workshop.protocol import Image, Logs, Register, Remove, Run, Wait

pytest_plugins = ["tests.helper_fixtures"]
pytestmark = pytest.mark.root
ALICE, BOB = 1234, 1235
NS_GET_OWNER_UID = 0xB704
GREEDY = {
    "inotify": ("echo >/dev/shm/one; for i in $(seq 200); do watching -f /dev/shm/one & done", "Too many open files"),
    "queues": ("cd /dev/mqueue; for i in $(seq 50); do touch $i; done", "Too many open files"),
    "terminals": ("for i in $(seq 50); do sleep 1000 <>/dev/ptmx & done", "No space left on device"),
}
"""What takes all that it can, and what it hears when there is no more."""
WATCH = """
echo >/dev/shm/one; watching -f /dev/shm/one 2>/refused >/dev/null &
until [ -s /refused ] || ls -l /proc/$!/fd 2>/dev/null | grep -q inotify; do :; done
cat /refused
"""
ONE_MORE = {"inotify": WATCH, "queues": "touch /dev/mqueue/mine 2>&1", "terminals": "true 2>&1 </dev/ptmx"}
"""What takes one, and says nothing where it gets it."""
libc = ctypes.CDLL(None, use_errno=True)


def image(client: Client) -> str:
    """busybox, and beside it GNU tail, which asks inotify(7) to watch a file."""
    tail = archive(("bin/watching", Path("/usr/bin/tail").read_bytes()))
    hand_over(client, tail)
    base = client.ask(Image("busybox")).value.layers[0]
    return str(client.ask(Register("tables", json.dumps(config(base, digest(tail))))).value.name)


@contextmanager
def greedy_box(client: Client, kind: str) -> Iterator[str]:
    """A box that has taken all that it can of one kind, and has heard that there is no more."""
    line, error = GREEDY[kind]
    box = client.ask(Run(image(client), ["sh", "-c", f"({line}) 2>&1; sleep 1000"], detach=True)).value.id
    heard, start = "", 0
    while error not in heard:
        said = client.ask(Logs(box, start, wait=True)).value
        heard, start = heard + "".join(text for _, text in said.pieces), said.next
        assert not said.ended, heard
    yield box
    client.ask(Remove(box, force=True))


def host_inotify() -> int:
    """One more inotify instance for the host's root."""
    return int(libc.inotify_init1(os.O_CLOEXEC))


def host_queue() -> int:
    """One more POSIX queue for the host's root, gone from its names at once."""
    made = int(libc.mq_open(b"/ws-tables", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600, None))
    libc.mq_unlink(b"/ws-tables")
    return made


def host_terminal() -> int:
    """One more terminal for the host's root."""
    return os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


HOST: dict[str, Callable[[], int]] = {"inotify": host_inotify, "queues": host_queue, "terminals": host_terminal}


@pytest.mark.parametrize("kind", GREEDY)
def test_a_greedy_box_leaves_the_others_theirs(process: Process, kind: str) -> None:
    """After Alice's box took all that it can of one table, Bob's box gets one more, and so does the host's root."""
    with process.connect(ALICE) as alice, process.connect(BOB) as bob, greedy_box(alice, kind):
        reply = bob.ask(Run(image(bob), ["sh", "-c", ONE_MORE[kind]], remove=True))
        refused, _ = map(read_all, reply.descriptors)
        assert (refused, bob.ask(Wait(reply.value.id)).value.code) == ("", 0)
        got = HOST[kind]()
        assert got >= 0, os.strerror(ctypes.get_errno())
        os.close(got)


def test_a_box_has_only_so_many_terminals(process: Process) -> None:
    """The kernel has 3,072 terminals for all boxes together: one box gets 16 of them."""
    with process.connect(ALICE) as alice, greedy_box(alice, "terminals") as box:
        assert execute(alice, box, "sh", "-c", "ls /dev/pts | grep -vc ptmx").output == f"{TERMINALS}\n"


def test_queues_and_signals_are_bounded_for_each_box(process: Process) -> None:
    """Bytes of POSIX queues and pending signals have limits of their own, whatever the helper was started with."""
    with process.connect(ALICE) as alice:
        reply = alice.ask(Run("busybox", ["cat", "/proc/self/limits"], remove=True))
        limits, _ = map(read_all, reply.descriptors)
    found = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert found["Max msgqueue size"] == [str(QUEUE_BYTES)] * 2
    assert found["Max pending signals"] == [str(SIGNALS)] * 2


def test_a_boxs_user_namespace_is_nobodys(process: Process) -> None:
    """The kernel charges what a box takes to whoever made its user namespace: its own root, who is nobody outside."""
    with process.connect(ALICE) as alice:
        box = alice.ask(Run("busybox", ["sleep", "1000"], detach=True)).value.id
        pid = inspect(alice, box).pid
        with open(f"/proc/{pid}/ns/user") as namespace:
            made_by = int.from_bytes(fcntl.ioctl(namespace, NS_GET_OWNER_UID, bytes(4)), "little")
        assert made_by == int(Path(f"/proc/{pid}/uid_map").read_text().split()[1]) >= 2**31
        alice.ask(Remove(box, force=True))
