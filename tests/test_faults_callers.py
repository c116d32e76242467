"""Hostile callers: bytes that are no request change nothing, and nobody reaches another user's box."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec  # noqa: F401  # loaded before the test becomes a user who may not read the interpreter's files
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import workshop.facts  # noqa: F401  # as above
from tests import faults
from workshop.client.connection import Client, HelperError
from workshop.protocol import (
    MAXIMUM_PACKET,
    REQUESTS,
    ContainerInfo,
    Exec,
    Inspect,
    List,
    Remove,
    Request,
    Run,
    Stop,
    Update,
    Wait,
    request_packet,
)

SOCKET = f"/run/{faults.INSTANCE}/helper.sock"
LEARNER, NEIGHBOUR = 41234, 41235
SYSTEMD = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" "$@" 3<&0 </dev/null'
"""What systemd does for a socket unit: the listening socket is descriptor 3 (sd_listen_fds(3))."""

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", autouse=True)
def instance() -> Iterator[None]:
    """A helper started as systemd starts it, on a socket that every user may connect to, and nothing of it left."""
    with faults.in_instance():
        faults.end_all()
        listener, process = activated()
        yield
        process.kill()
        process.wait()
        listener.close()
        Path(SOCKET).unlink()
        faults.end_all()
        assert faults.left_in_the_end() == {}


def activated() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The listening socket and the helper that was given it."""
    Path(SOCKET).parent.mkdir(mode=0o755, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        Path(SOCKET).unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(SOCKET)
    Path(SOCKET).chmod(0o666)
    listener.listen()
    command = ["sh", "-c", SYSTEMD, sys.executable, "-I", faults.MAIN, "run"]
    return listener, subprocess.Popen(command, env=faults.ENVIRONMENT, stdin=listener.fileno(), stdout=subprocess.DEVNULL)


def as_user(uid: int, act: Callable[[], object]) -> object:
    """What `act` gives as this user: in a child of the test, since the helper goes by the caller's identity alone."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.write(writing, json.dumps(act()).encode())
        except BaseException as error:  # the parent shall see it, whatever it is
            os.write(writing, json.dumps(f"{type(error).__name__}: {error}").encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        said = file.read()
    os.waitpid(pid, 0)
    return json.loads(said)


def asked(request: Request[object]) -> str:
    """The slug of the refusal, empty where there was none."""
    try:
        with Client.connect() as client:
            faults.close_all(client.ask(request).descriptors)
    except HelperError as error:
        return error.slug
    return ""


def started(name: str) -> str:
    """A detached box of the caller's own; gives its id."""
    with Client.connect() as client:
        return str(client.ask(Run("busybox", ["sleep", "600"], name=name, detach=True)).value.id)


@pytest.fixture
def victim() -> Iterator[dict[str, object]]:
    """A learner's running box."""
    identity = str(as_user(LEARNER, lambda: started("mine")))
    assert len(identity) == 64, identity
    yield {"id": identity, "pid": inspected_pid(identity)}
    as_user(LEARNER, lambda: asked(Remove(identity, force=True)))


def inspected_pid(identity: str) -> int:
    """The pid of a box, which root may always see in its cgroup."""
    groups = [
        *Path("/sys/fs/cgroup").glob(f"*/{faults.INSTANCE}/{identity}"),
        Path(f"/sys/fs/cgroup/{faults.INSTANCE}/{identity}"),
    ]
    return min(int(pid) for group in groups if group.is_dir() for pid in (group / "cgroup.procs").read_text().split())


def test_a_learner_runs_a_box_of_their_own(victim: dict[str, object]) -> None:
    """An ordinary user starts a box, and sees and uses it."""
    assert as_user(LEARNER, lambda: asked(Inspect("mine"))) == ""
    assert as_user(LEARNER, lambda: asked(Exec(str(victim["id"]), ["true"]))) == ""


REACHES: dict[str, Callable[[str], Request[object]]] = {
    "inspect": Inspect,
    "stop": Stop,
    "wait": Wait,
    "remove": lambda box: Remove(box, force=True),
    "exec": lambda box: Exec(box, ["true"]),
    "update": lambda box: Update(box, millicpus=10),
}


@pytest.mark.parametrize("by", ["id", "short", "name"])
@pytest.mark.parametrize("operation", REACHES)
def test_a_neighbour_cannot_reach_it(victim: dict[str, object], by: str, operation: str) -> None:
    """For another user a learner's box is not there, by whatever it is called, and it runs on."""
    request_of = REACHES[operation]
    named = {"id": str(victim["id"]), "short": str(victim["id"])[:12], "name": "mine"}[by]
    assert as_user(NEIGHBOUR, lambda: asked(request_of(named))) == as_user(NEIGHBOUR, lambda: asked(request_of("nobody")))
    assert as_user(NEIGHBOUR, lambda: asked(request_of(named))) != ""
    assert Path(f"/proc/{victim['pid']}/cmdline").read_bytes() == b"sleep\x00600\x00"


@pytest.mark.usefixtures("victim")
def test_a_neighbour_cannot_see_it() -> None:
    """Another user's list and facts hold nothing of it, and that user may have a box of the same name."""

    def seen() -> object:
        started("mine")
        with Client.connect() as client:
            listed = [one.name for one in client.ask(List(all=True)).value.containers]
            watched = [one.name for one in client.observe(["processes", "cgroups"]).containers if one.engine == "box"]
            client.ask(Remove("mine", force=True))
        return [listed, watched]

    assert as_user(NEIGHBOUR, seen) == [["mine"], ["mine"]]


def test_its_processes_are_nobodys_outside(victim: dict[str, object]) -> None:
    """Root of a box is outside of it neither root nor a user of the machine."""
    words = Path(f"/proc/{victim['pid']}/status").read_text().split("Uid:")[1].split()[:4]
    assert all(int(word) >= 1 << 16 for word in words)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NUMBERS = st.integers() | st.sampled_from([-(1 << 63), 1 << 64, 10**300])
KEYS = {
    "container": JSON | st.just("x" * 64),
    "command": JSON | st.lists(st.text(max_size=8), max_size=3),
    "subjects": JSON,
    **dict.fromkeys(("image", "name", "terminal", "detach", "force"), JSON),
    **dict.fromkeys(("millicpus", "memory", "pids", "rows", "seconds", "process"), NUMBERS),
}
NEARLY = st.fixed_dictionaries({"operation": st.sampled_from(sorted(REQUESTS))}, optional=KEYS).map(
    lambda one: json.dumps(one).encode()
)
LONGEST = [request_packet(Inspect("x" * (MAXIMUM_PACKET - size))) for size in (38, 45, 54)]
CHOKING = [*LONGEST, b"x" * MAXIMUM_PACKET, b"[" * MAXIMUM_PACKET, b"{}", b"\0"]
"""Requests that just fit in a packet (a refusal that repeats what they name does not), and frames that choke parsers."""
FRAMES = st.binary(min_size=1, max_size=300) | NEARLY | st.sampled_from(CHOKING)


def exchange(frame: bytes) -> None:
    """Send a frame and read an answer, or the end of the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
        caller.settimeout(5)
        caller.connect(SOCKET)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            caller.send(frame)
            _, descriptors, _, _ = socket.recv_fds(caller, MAXIMUM_PACKET, 8)
            faults.close_all(descriptors)


def state() -> tuple[tuple[ContainerInfo, ...], int, int]:
    """The helper's boxes, its pid and the number of its descriptors."""
    boxes, pid = faults.boxes(), faults.helper_pid()
    return boxes, pid, len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.parametrize("frame", CHOKING)
def test_a_frame_that_is_hard_to_answer_does_not_end_the_helper(frame: bytes) -> None:
    """A request at the limit of a packet, or one that chokes parsers, is refused and the helper is still there."""
    before = faults.helper_pid()
    exchange(frame)
    assert faults.helper_pid() == before


def test_frames_of_garbage_leave_the_helper_as_it_was() -> None:
    """Random bytes and nearly right JSON, each on a connection of its own: helper, boxes and descriptors stay what they were."""
    started("witness")
    before = state()

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(FRAMES)
    def send(frame: bytes) -> None:
        exchange(frame)

    send()
    faults.wait_for(lambda: state() == before, "the state before")
    faults.remove_boxes()


def test_callers_that_never_read_do_not_keep_others_waiting() -> None:
    """A caller that asks and asks and reads no answer does not stop the helper for the rest."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
        caller.connect(SOCKET)
        caller.setblocking(False)
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            for _ in range(10_000):
                caller.send(b'{"operation": "images"}')
        assert as_user(LEARNER, lambda: asked(List())) == ""
