"""The helper on disks that fail: full, turned read-only, cut off from power. What was asked for is refused, and nothing leaks."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.faults import wait_for
from tests.helper_process import INSTANCE, Process, helper_process, open_directory, refusal, remove_directories
from tests.layouts import archive, config, digest, hand_over
from workshop.client.connection import Client, HelperError
from workshop.helper.kernel import files
from workshop.protocol import Hello, Image, Images, Register, Transferred, Unpack

pytestmark = pytest.mark.root
ALICE = 1234
STATE = f"/var/lib/{INSTANCE}"
LAYERS = f"{STATE}/store/{ALICE}/layers"
ONE, TWO = archive(("one", os.urandom(100_000))), archive(("a/b/c/two", b"2"))
TIMES = 5


@contextmanager
def helper_on_disk(tmp_path: Path) -> Iterator[tuple[Process, Client]]:
    """A helper whose directory is an ext4 of its own, of few files, which nobody else sees; and Alice's connection to it."""
    subprocess.run(["truncate", "-s", "64M", tmp_path / "disk"], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-N", "512", tmp_path / "disk"], check=True)
    script = f'mkdir -p {STATE} && mount -o loop {tmp_path}/disk {STATE} && exec "$@"'
    apart = ("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh")
    with ExitStack() as stack:
        stack.callback(remove_directories)
        process = stack.enter_context(helper_process(stack.enter_context(open_directory()), by=apart))
        yield process, stack.enter_context(process.connect(ALICE))


def inside(process: Process, line: str) -> str:
    """What a shell line prints where the helper's disk can be seen."""
    command = ["nsenter", "-t", str(process.process.pid), "-m", "sh", "-c", line]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def descriptors(process: Process) -> int:
    """How many the helper has open."""
    return len(list(Path(f"/proc/{process.process.pid}/fd").iterdir()))


def leave_free(process: Process, files: int) -> None:
    """Fill the disk up to so many files."""
    inside(process, f"cd {STATE}; touch $(seq -f fill%g $(( $(df --output=iavail . | tail -1) - {files} )))")


@pytest.mark.parametrize("files", [0, 1, 2, 3, 5, 7])
def test_a_disk_without_files_left_refuses_layers_and_keeps_nothing(tmp_path: Path, files: int) -> None:
    """However far a layer of eight files gets, it is refused with the reason, each time, and no file and no descriptor stays."""
    with helper_on_disk(tmp_path) as (process, client):
        hand_over(client, ONE)
        leave_free(process, files)
        before = descriptors(process)
        for _ in range(TIMES):
            with pytest.raises(HelperError) as refused:
                hand_over(client, TWO)
            assert refused.value.slug in ("images_failed", "transfer_failed")
            assert refused.value.values["reason"] == "No space left on device"
            assert refusal(client, Transferred()) == "no_transfer"
            wait_for(lambda: inside(process, f"ls -A {LAYERS}").split() == [digest(ONE)[7:]], "the end of what was begun")
        wait_for(lambda: descriptors(process) == before, f"{before} descriptors")
        assert client.ask(Hello()).value.root is True


def test_a_disk_that_turns_read_only_refuses_the_layer_that_was_on_its_way(tmp_path: Path) -> None:
    """The name can't be given any more: the transfer says so, another is refused at once, and the helper goes on."""
    with helper_on_disk(tmp_path) as (process, client):
        reply = client.ask(Unpack(digest(ONE)))
        inside(process, f"mount --bind {LAYERS} {LAYERS} && mount -o remount,bind,ro {LAYERS}")
        with open(reply.descriptors[0], "wb") as pipe:
            pipe.write(ONE)
        with pytest.raises(HelperError) as refused:
            client.ask(Transferred())
        assert (refused.value.slug, refused.value.values["reason"]) == ("transfer_failed", "Read-only file system")
        before = descriptors(process)
        assert [refusal(client, Unpack(digest(ONE))) for _ in range(TIMES)] == ["images_failed"] * TIMES
        assert descriptors(process) == before
        inside(process, f"umount {LAYERS}")
        hand_over(client, ONE)


def test_a_list_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """Without a file left for it, an image gets no name, with the reason; what was there before is there still."""
    with helper_on_disk(tmp_path) as (process, client):
        client.ask(Image("busybox"))
        hand_over(client, ONE)
        client.ask(Register("mine", json.dumps(config(digest(ONE)))))
        leave_free(process, 0)
        assert refusal(client, Register("other", json.dumps(config(digest(ONE))))) == "images_failed"
        inside(process, f"rm {STATE}/fill*")
        client.ask(Register("third", json.dumps(config(digest(ONE)))))
        assert [one.name for one in client.ask(Images()).value.images][:2] == ["mine:latest", "third:latest"]


def after_power_cut(tmp_path: Path, owner: str) -> tuple[str, bytes]:
    """What a disk holds that was cut off from power: the name of an owner's one image, and the first file of its one layer."""
    look = "mkdir -p place && mount -o loop cut place && rm -rf store && cp -a place/store store"
    subprocess.run(["unshare", "-m", "sh", "-c", look], check=True, cwd=tmp_path)
    (image,) = json.loads((tmp_path / "store" / owner / "images.json").read_text())
    layer = tmp_path / "store" / owner / "layers" / image["layers"][0][7:]
    assert hashlib.sha256((layer / "layer.tar").read_bytes()).hexdigest() == layer.name
    first = next(one for one in sorted((layer / "root").rglob("*")) if one.is_file() and not one.is_symlink())
    return image["name"], first.read_bytes()


def test_what_was_answered_survives_a_power_cut(tmp_path: Path) -> None:
    """At the moment of the answer the disk itself, not only the kernel's memory, holds the layer and the image's name."""
    with helper_on_disk(tmp_path) as (process, client):
        hand_over(client, ONE)
        client.ask(Register("mine", json.dumps(config(digest(ONE)))))
        shutil.copy(tmp_path / "disk", tmp_path / "cut")  # what lies there now: all else would be lost with the power
        name, content = after_power_cut(tmp_path, str(ALICE))
        assert (name, ONE.count(content)) == ("mine:latest", 1)
        client.ask(Image("busybox"))  # which is made now
        shutil.copy(tmp_path / "disk", tmp_path / "cut")
        name, content = after_power_cut(tmp_path, "shared")
        first = f"cd {STATE}/store/shared/layers/*/root && sha256sum $(find . -type f | LC_ALL=C sort | head -1)"
        assert (name, hashlib.sha256(content).hexdigest()) == ("busybox:latest", inside(process, first).split()[0])


def closed_tree(top: Path) -> Path:
    """A tree with links, a pipe and odd names, and with directories that their owner may neither read nor change."""
    (top / "tree" / "a" / "b").mkdir(parents=True)
    for name in ("file", "b/new\nline", "b/\udcff"):
        (top / "tree" / "a" / name).write_text("x")
    (top / "tree" / "a" / "link").symlink_to(top / "kept")
    (top / "tree" / "a" / "b" / "loop").symlink_to("..")
    os.mkfifo(top / "tree" / "a" / "pipe")
    for name, mode in (("a/b", 0o555), ("a", 0), ("", 0o500)):
        (top / "tree" / name).chmod(mode)
    return top / "tree"


def test_a_tree_goes_whatever_its_modes_and_no_link_is_followed() -> None:
    """An ordinary user's tree goes whole, and is then no trouble; what a link in it leads to stays as it is."""
    with open_directory() as top:
        (top / "kept").mkdir()
        (top / "kept" / "file").write_text("x")
        tree = closed_tree(top)
        for one in [top, *top.rglob("*")]:
            os.chown(one, ALICE, ALICE, follow_symlinks=False)
        (top / "kept").chmod(0o555)
        os.seteuid(ALICE)
        try:
            files.remove(str(tree))
            files.remove(str(tree))
        finally:
            os.seteuid(0)
        assert [one.name for one in top.iterdir()] == ["kept"]
        assert ((top / "kept").stat().st_mode & 0o777, (top / "kept" / "file").read_text()) == (0o555, "x")


def test_what_does_not_go_is_told_and_all_else_goes(tmp_path: Path) -> None:
    """A file that the disk holds on to is named; its neighbours are gone."""
    for name in ("one", "two", "three"):
        (tmp_path / "tree" / name).mkdir(parents=True)
        (tmp_path / "tree" / name / "file").write_text("x")
    subprocess.run(["chattr", "+i", tmp_path / "tree/two/file"], check=True)
    try:
        with pytest.raises(OSError, match="'file'"):
            files.remove(str(tmp_path / "tree"))
        assert [str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*")] == ["tree", "tree/two", "tree/two/file"]
    finally:
        subprocess.run(["chattr", "-i", tmp_path / "tree/two/file"], check=True)
