"""An ended container is kept until it is removed, as in Docker, whatever becomes of the helper meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helper_process import (
    INSTANCE,
    MAIN,
    Process,
    background,
    helper_process,
    inspect,
    open_directory,
    refusal,
    remove_directories,
    run,
    started,
)
from workshop.client.connection import Client
from workshop.protocol import Hello, Inspect, List, Logs, Remove, Run, Stop, Wait

pytestmark = pytest.mark.root
LEARNER, NEIGHBOUR = 1234, 1235
ENDED = Path(f"/var/lib/{INSTANCE}/ended")
STATE = ("id", "name", "image", "image_id", "command", "created", "state", "code", "ended", "hostname", "limits", "dropped",
         "variables", "network", "address", "remove", "executions")  # fmt: skip


DAMAGED = ("owner", "created", "limits", "printed", "cgroups", "wanted", "wanted/name", "wanted/command", "wanted/detach")
"""Keys of what is kept, and of the request in it."""


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where a helper listens, and nothing of it left."""
    with open_directory() as place:
        yield place
    remove_directories()


def ended(client: Client, name: str, script: str = "echo out; echo err >&2; exit 3", **others: Any) -> str:
    """A detached box that has ended; gives its id."""
    identity = str(client.ask(Run("busybox", ["sh", "-c", script], name=name, detach=True, **others)).value.id)
    client.ask(Wait(identity))
    return identity


def names(client: Client) -> list[str]:
    """The names of all boxes that a caller has."""
    return [one.name for one in client.ask(List(all=True)).value.containers]


@pytest.mark.parametrize("end", ["crash", "stop"])
def test_it_is_there_after_the_helper_was(directory: Path, end: str) -> None:
    """After a crash as after an orderly end the next helper tells the same of it: state, code, output; and rm ends that."""
    wanted: dict[str, Any] = {"hostname": "lab", "pids": 77, "variables": ["A=é"], "dropped": ["NET_RAW"]}
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        identity = ended(learner, "mine", **wanted)
        before, printed = inspect(learner, identity), learner.ask(Logs(identity)).value
        if end == "crash":
            process.kill()
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        after = inspect(learner, "mine")
        assert [getattr(after, key) for key in STATE] == [getattr(before, key) for key in STATE]
        assert (after.state, after.code) == ("exited", 3)
        assert learner.ask(Logs("mine")).value == printed
        assert sorted(printed.pieces) == [(1, "out\n"), (2, "err\n")]
        assert learner.ask(Wait("mine")).value.code == learner.ask(Stop("mine")).value.code == 3
        assert refusal(learner, Run("busybox", ["true"], name="mine")) == "name_taken"
        learner.ask(Remove("mine"))
        assert names(learner) == []
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        assert names(learner) == []


def test_what_ran_when_the_helper_was_told_to_end_has_ended(directory: Path) -> None:
    """A box that an orderly end of the helper killed is told as ended with 137 afterwards, with what it had printed."""
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        background(learner, "sh", "-c", "echo ready; sleep 1000", name="mine")
        learner.ask(Logs("mine", wait=True))
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        assert (inspect(learner, "mine").state, inspect(learner, "mine").code) == ("exited", 137)
        assert learner.ask(Logs("mine")).value.pieces == ((1, "ready\n"),)


def test_one_that_was_to_be_removed_is_not_kept(directory: Path) -> None:
    """With --rm, and after rm -f, nothing is written."""
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        run(learner, "true")
        background(learner, name="mine")
        learner.ask(Remove("mine", force=True))
        assert not ENDED.exists() or list(ENDED.iterdir()) == []


def test_others_ones_stay_others(directory: Path) -> None:
    """After a restart, too, each user has their own, root sees all, and only the helper can look into the files."""
    with helper_process(directory) as process:
        for uid in (0, LEARNER, NEIGHBOUR):
            with process.connect(uid) as client:
                ended(client, f"of_{uid}")
    with helper_process(directory) as process, process.connect(LEARNER) as learner, process.connect() as root:
        assert names(learner) == [f"of_{LEARNER}"]
        for request in (Inspect(f"of_{NEIGHBOUR}"), Logs("of_0"), Remove("of_0"), Wait(f"of_{NEIGHBOUR}")):
            assert refusal(learner, request) == "no_such_container"
        assert names(root) == ["of_0", f"of_{LEARNER}", f"of_{NEIGHBOUR}"]
        assert [path.stat().st_mode & 0o077 for path in (ENDED.parent, ENDED, *ENDED.iterdir())] == [0] * 5


def test_no_more_are_kept_than_one_may_have(directory: Path) -> None:
    """Of one owner's ended ones the last 32 are kept, in memory and on disk, and after a restart the same."""
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        for number in range(35):
            ended(learner, f"n{number}", "true")
        kept = names(learner)
        assert kept == [f"n{number}" for number in range(3, 35)]
        assert len(list(ENDED.iterdir())) == 32
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        assert names(learner) == kept


def test_only_the_last_of_what_it_printed_is_kept(directory: Path) -> None:
    """Of a long output the last 64 KiB are told afterwards, with their place in all of it."""
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        ended(learner, "mine", "seq 100000")
        printed = learner.ask(Logs("mine")).value
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        assert learner.ask(Logs("mine")).value == printed
        assert printed.next == len("".join(f"{number}\n" for number in range(1, 100_001)))


ANOTHERS = b"what stands in the file of another"
ODD = {
    "empty": b"", "cut": b'{"id": "x', "no object": b"[1, 2]", "a number": b"7", "binary": bytes(range(256)),
    "deep": b"[" * 100_000, "no keys": b"{}", "another's": ANOTHERS,
}  # fmt: skip


def kept(directory: Path) -> tuple[Path, Path]:
    """The file of a container that has ended, and the place of another one beside it."""
    with helper_process(directory) as process, process.connect(LEARNER) as learner:
        ended(learner, "mine")
    (good,) = ENDED.iterdir()
    return good, ENDED / f"{'0' * 64}.json"


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_file_keeps_nobody_waiting(directory: Path, kind: str) -> None:
    """A file there that is no ended container, or that of another one, is told in the log; all others are there."""
    good, odd = kept(directory)
    odd.write_bytes(good.read_bytes() if ODD[kind] == ANOTHERS else ODD[kind])
    assert_told_and_served(directory, odd)


@pytest.mark.parametrize("key", DAMAGED)
def test_a_damaged_value_keeps_nobody_waiting(directory: Path, key: str) -> None:
    """A value of another type than is written is told in the log; all others are there."""
    good, odd = kept(directory)
    record = {**json.loads(good.read_text()), "id": "0" * 64}
    place, _, last = key.rpartition("/")
    (record[place] if place else record)[last] = None
    odd.write_text(json.dumps(record))
    assert_told_and_served(directory, odd)


def assert_told_and_served(directory: Path, odd: Path) -> None:
    """The next helper starts, says what is odd, and has the one that is not."""
    log = directory / "log"
    with helper_process(directory, by=("sh", "-c", f'exec "$@" 2>{log}', "sh")) as process, process.connect(LEARNER) as learner:
        assert names(learner) == ["mine"]
        assert str(odd) in log.read_text()


def test_directories_and_other_names_are_left_alone(directory: Path) -> None:
    """A directory by the name of a file, a half-written file and a name of somebody else's: the helper starts."""
    ENDED.mkdir(parents=True)
    (ENDED / f"{'1' * 64}.json").mkdir()
    (ENDED / f"{'2' * 64}.json.new").write_text("half")
    (ENDED / "notes").write_text("mine")
    with helper_process(directory) as process, process.connect() as client:
        assert names(client) == []
        assert sorted(path.name for path in ENDED.iterdir()) == [f"{'1' * 64}.json", "notes"]


@pytest.mark.parametrize("size", ["full", "read-only"])
def test_a_disk_that_takes_nothing_is_survived(directory: Path, size: str) -> None:
    """Where nothing can be written the box is known while the helper runs, and the log says that it will be forgotten."""
    log = directory / "log"
    ENDED.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(ENDED)], check=True)
    try:
        (ENDED / "notes").write_bytes(b"x" * 4096)
        if size == "read-only":
            subprocess.run(["mount", "-o", "remount,ro", str(ENDED)], check=True)
        with helper_process(directory, by=("sh", "-c", f'exec "$@" 2>{log}', "sh")) as process, process.connect() as client:
            ended(client, "mine")
            assert names(client) == ["mine"]
            assert "mine of 0 will be forgotten" in log.read_text()
            client.ask(Remove("mine"))
            assert client.ask(Hello()).value.root is True
        assert [path.name for path in ENDED.iterdir()] == ["notes"]
    finally:
        subprocess.run(["umount", str(ENDED)], check=True)


def test_with_a_helper_that_ends_when_idle(directory: Path) -> None:
    """The helper that `box` starts ends when nobody needs it, and the next one knows what has ended."""
    path = f"/run/{INSTANCE}/helper.sock"
    command = [sys.executable, "-I", str(MAIN), "run", "--idle", "1"]
    for expected in ([], ["mine"]):
        process = Process(started(command), path)
        with process.connect() as client:
            assert names(client) == expected
            if not expected:
                ended(client, "mine")
        assert process.process.wait(20) == 0


def test_ending_many_costs_their_owner_not_the_others(directory: Path) -> None:
    """While one user's boxes end as fast as they can, another's questions are answered within the usual time."""
    with helper_process(directory) as process, process.connect(LEARNER) as learner, process.connect(NEIGHBOUR) as neighbour:
        ended(learner, "first", "true")
        longest, end = 0.0, time.monotonic() + 2
        while time.monotonic() < end:
            learner.send(Run("busybox", ["true"], detach=True))
            began = time.monotonic()
            neighbour.ask(Hello())
            longest = max(longest, time.monotonic() - began)
            learner.receive(Run)
        assert longest < 0.5
