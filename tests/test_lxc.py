"""LXC, driven for real: what is seen of its containers on disk and running, and how one is undone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.census import census, left_in_the_end
from tests.observed import seen
from workshop.engines import Leftover, lxc
from workshop.facts import Facts, Lxc, LxcContainer
from workshop.learning.undo import leftovers, undo

NAME = "ws-tests"
FOLDER = str(lxc.PLACE / NAME)
GROUP = "/sys/fs/cgroup/cpu/lxc.pivot"
WITHOUT_NETWORK = ("-s", "lxc.net.0.type=empty")


def run(command: str, *arguments: str) -> None:
    subprocess.run([command, "--name", NAME, *arguments], check=True, capture_output=True)


@pytest.fixture
def created() -> Iterator[str]:
    """A container that is made and not started."""
    run("lxc-create", "--template", "busybox")
    yield FOLDER
    lxc.remove(FOLDER)


def found(home: Path) -> LxcContainer | None:
    return next((one for one in lxc.look(home).containers if one.folder == FOLDER), None)


@pytest.mark.root
@pytest.mark.skipif(not shutil.which("lxc-start"), reason="needs LXC: apt install lxc")
def test_a_container_of_lxcs_is_seen_on_disk_and_by_the_kernel(created: str, tmp_path: Path) -> None:
    """Its folder tells its root and what it mounts of the host; started, it is LXC's by its control group."""
    stopped = found(tmp_path)
    assert stopped and not stopped.running and not stopped.moved and "/usr/lib" in stopped.binds
    run("lxc-start", *WITHOUT_NETWORK)
    started = found(tmp_path)
    assert started and started.running
    told = [one for one in seen(0, {}, "roots").containers if one.id == NAME]
    assert [(one.engine, one.name, one.init.name, one.root.inode) for one in told] == [("lxc", NAME, "init", started.inode)]


@pytest.mark.root
@pytest.mark.skipif(not shutil.which("lxc-start"), reason="needs LXC: apt install lxc")
def test_a_copy_is_undone_without_the_files_of_the_original(created: str, tmp_path: Path) -> None:
    """A moved container runs on the original's files: to undo it stops it and removes its folder, and LXC's empty groups."""
    machine, before = census(), Facts(subjects=("lxc",), lxc=lxc.look(tmp_path))
    shutil.copytree(FOLDER, tmp_path / lxc.COPIES / NAME, symlinks=True)
    run("lxc-start", "--lxcpath", str(tmp_path / lxc.COPIES), *WITHOUT_NETWORK)
    undo(before, Facts(subjects=("lxc",), lxc=lxc.look(tmp_path)))
    assert lxc.look(tmp_path) == before.lxc
    assert Path(FOLDER, "rootfs", "bin", "busybox").exists()
    assert left_in_the_end(machine) == {}


@pytest.mark.parametrize("subjects", [("lxc",), ()])
def test_only_what_is_new_and_roots_is_undone(subjects: tuple[str, ...]) -> None:
    """A container or an empty group that was there before stays, and all does where nobody looked or the learner is no root."""
    old, new = LxcContainer("/var/lib/lxc/old", "/r"), LxcContainer(FOLDER, "/r")
    now = Facts(subjects=("lxc",), lxc=Lxc((old, new), (GROUP,)))
    before = Facts(subjects=subjects, lxc=Lxc((old,)))
    assert leftovers(before, now, 0) == ([Leftover("lxc", FOLDER), Leftover("group", GROUP)] if subjects else [])
    assert leftovers(before, now, 1000) == []


def test_an_image_packed_beside_a_container_is_seen_with_its_time(tmp_path: Path) -> None:
    """A name given later than the archive was packed can have come from it, and an earlier one cannot."""
    assert lxc.look(tmp_path).packed == 0
    archive = tmp_path / lxc.ARCHIVE
    archive.touch()
    assert lxc.look(tmp_path).packed == int(archive.stat().st_mtime)
