"""A helper starts whatever it finds: it removes what it can, says what it can't, and serves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helper_process import (
    GROUPS,
    INSTANCE,
    Process,
    command_line,
    groups,
    helper_process,
    open_directory,
    refusal,
    remove_directories,
    run,
)
from tests.layouts import archive, config, digest, hand_over
from workshop.client.connection import Client
from workshop.protocol import Image, Images, Layer, Register, Unpack

pytestmark = pytest.mark.root
ALICE, BOB = 1234, 1235
STORE = Path(f"/var/lib/{INSTANCE}/store")
LIST = STORE / str(ALICE) / "images.json"
LAYERS = STORE / str(ALICE) / "layers"
ONE, TWO = archive(("one", b"1")), archive(("two", b"2"))


@pytest.fixture(autouse=True)
def directories() -> Iterator[None]:
    """Nothing of an earlier helper before, and nothing after."""
    yield
    remove_directories()


def loaded(client: Client, *layers: bytes, name: str = "mine") -> None:
    """An image of these layers."""
    for one in layers:
        hand_over(client, one)
    client.ask(Register(name, json.dumps(config(*map(digest, layers)))))


def crashed(*of: int) -> None:
    """A helper that was killed; each of these owners has an image `mine` of two layers."""
    with open_directory() as directory, helper_process(directory) as process:
        for uid in of:
            with process.connect(uid) as client:
                loaded(client, ONE, TWO)
        process.kill()


def names(process: Process, uid: int) -> list[str]:
    """The images that an owner may use."""
    with process.connect(uid) as client:
        return [one.name for one in client.ask(Images()).value.images]


def test_a_start_after_a_layer_that_no_image_has() -> None:
    """A load that was broken off leaves a layer: the next start removes it, at its first try."""
    with open_directory() as directory, helper_process(directory) as process, process.connect(ALICE) as client:
        hand_over(client, ONE)
        process.kill()
    with open_directory() as directory, helper_process(directory) as process, process.connect(ALICE) as client:
        assert refusal(client, Layer(digest(ONE))) == "no_such_layer"
    assert list(LAYERS.iterdir()) == []


def cut() -> None:
    LIST.write_bytes(LIST.read_bytes()[:100])


def no_list() -> None:
    LIST.write_text('{"name": "mine"}')


def other_types() -> None:
    LIST.write_text(json.dumps([{**json.loads(LIST.read_text())[0], "layers": ["../../0"]}]))


def a_directory() -> None:
    LIST.unlink()
    LIST.mkdir()


DAMAGE: list[Callable[[], object]] = [cut, no_list, other_types, a_directory]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_list_is_its_owners_problem(damage: Callable[[], object]) -> None:
    """It is put aside and said; Alice begins with none, and Bob notices nothing. Her layers stay, and come in again at once."""
    crashed(ALICE, BOB)
    damage()
    told = command_line("reconcile")
    assert (told.returncode, told.stdout) == (0, "removed 0\n")
    assert [line.startswith("helper: ") and str(LIST) in line for line in told.stderr.splitlines()] == [True]
    with open_directory() as directory, helper_process(directory) as process:
        assert names(process, ALICE) == ["busybox:latest"]
        assert names(process, BOB) == ["mine:latest", "busybox:latest"]
        with process.connect(ALICE) as client:
            assert client.ask(Unpack(digest(ONE))).value.present is True
            client.ask(Register("again", json.dumps(config(digest(ONE), digest(TWO)))))
    assert [one.name.rpartition("-")[0] for one in LIST.parent.glob("images.json.*")] == ["images.json.damaged"]


def test_a_list_that_is_damaged_while_the_helper_runs() -> None:
    """It is put aside as at a start, and the next image begins a new list."""
    with open_directory() as directory, helper_process(directory) as process, process.connect(ALICE) as client:
        loaded(client, ONE, TWO)
        cut()
        assert refusal(client, Image("mine")) == "no_such_image"
        loaded(client, ONE, TWO, name="again")
        assert names(process, ALICE) == ["again:latest", "busybox:latest"]


def owner_is_a_file() -> Path:
    place = STORE / "77"
    place.write_text("odd")
    return place


def layers_are_a_file() -> Path:
    place = STORE / "77" / "layers"
    place.parent.mkdir()
    place.write_text("odd")
    return place


def a_layer_that_cannot_go() -> Path:
    place = STORE / "77" / "layers" / "odd"
    place.mkdir(parents=True)
    subprocess.run(["chattr", "+i", place], check=True)
    return place


def mended(place: Path) -> None:
    """As it was before."""
    subprocess.run(["chattr", "-i", place], check=False, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("oddity", [owner_is_a_file, layers_are_a_file, a_layer_that_cannot_go])
def test_what_cannot_be_removed_is_said_and_left(oddity: Callable[[], Path]) -> None:
    """An odd thing in one owner's place is one line on standard error, at each start; everybody else is served."""
    crashed(ALICE)
    place = oddity()
    try:
        told = command_line("reconcile")
        assert (told.returncode, told.stdout) == (0, "removed 0\n")
        assert [line.startswith("helper: ") and "/77" in line for line in told.stderr.splitlines()] == [True]
        with open_directory() as directory, helper_process(directory) as process:
            assert names(process, ALICE) == ["mine:latest", "busybox:latest"]
            with process.connect(77) as client:
                assert run(client, "true").code == 0
    finally:
        mended(place)


def an_odd_file() -> Path:
    place = LAYERS / "odd"
    place.write_text("odd")
    return place


def an_odd_link() -> Path:
    place = LAYERS / ".gone-odd"
    place.symlink_to(STORE)
    return place


def modes_that_forbid() -> Path:
    place = LAYERS / ".making-odd"
    (place / "root" / "closed").mkdir(parents=True)
    (place / "root" / "closed" / "file").write_text("x")
    (place / "root" / "closed").chmod(0)
    return place


def odd_names() -> Path:
    place = Path(f"/run/{INSTANCE}/networks/odd")
    place.mkdir()
    return place


@pytest.mark.parametrize("oddity", [an_odd_file, an_odd_link, modes_that_forbid, odd_names])
def test_an_odd_thing_is_removed(oddity: Callable[[], Path]) -> None:
    """A file or link where a directory is expected, a directory where a file is, and any mode: removed, no link followed."""
    crashed(ALICE)
    place = oddity()
    told = command_line("reconcile")
    assert (told.returncode, told.stdout, told.stderr) == (0, "removed 1\n", "")
    assert not os.path.lexists(place)
    with open_directory() as directory, helper_process(directory) as process:
        assert names(process, ALICE) == ["mine:latest", "busybox:latest"]


def test_a_group_that_does_not_go_is_said() -> None:
    """A process that a frozen group above keeps from dying: the start says so within a few seconds, and serves."""
    with open_directory() as directory, helper_process(directory) as process:
        names(process, ALICE)  # the image is made now: whoever makes it would be below the frozen group, too
    frost = next(one for one in (GROUPS / "freezer" / INSTANCE, GROUPS / INSTANCE) if one.parent.is_dir())
    stuck = [frost / name for name in ("a" * 64, "b" * 64)]
    children = [os.posix_spawn("/bin/sleep", ["sleep", "1000"], {}) for _ in stuck]
    for group, pid in zip(stuck, children, strict=True):
        group.mkdir(parents=True)
        (group / "cgroup.procs").write_text(str(pid))
    freeze(frost, thaw=False)
    try:
        told = command_line("reconcile")
        assert (told.returncode, told.stdout) == (0, "removed 0\n")
        assert [line[:8] for line in told.stderr.splitlines()] == ["helper: "] * 2
        with open_directory() as directory, helper_process(directory) as process:
            assert names(process, ALICE) == ["busybox:latest"]
    finally:
        freeze(frost, thaw=True)
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    assert command_line("reconcile").stdout == "removed 2\n"
    assert groups() == []


def freeze(group: Path, thaw: bool) -> None:
    """Freeze a group, or let it go on, in either version of control groups."""
    old = group / "freezer.state"
    old.write_text("THAWED" if thaw else "FROZEN") if old.exists() else (group / "cgroup.freeze").write_text("01"[not thaw])
