"""Other engines' real containers are called by their engine's name: podman's and systemd-nspawn's.

Docker's, LXC's, runc's and bare ones are in the tests that are about these (test_engines, test_lxc, test_observe_runc).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.census import census, left_in_the_end
from tests.engines import PATIENCE, busybox_root, remove_when_empty, run
from tests.observed import seen
from workshop.facts import Container

NAME = "ws-names"
GROUPS = Path("/sys/fs/cgroup")
NO_RAISING = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
"""Podman raises these limits, which takes a capability that root in a virtual machine may lack."""


@contextmanager
def podman(folder: Path) -> Iterator[None]:
    """A container of podman's, which keeps all it knows in the folder."""
    places = ["--root", f"{folder}/store", "--runroot", f"{folder}/run", "--tmpdir", f"{folder}/files"]
    own = ["podman", *places, "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]
    run("tar", "-C", str(folder / "root"), "-cf", str(folder / "root.tar"), ".")
    run(*own, "import", str(folder / "root.tar"), "busybox")
    run(*own, "run", "--detach", "--network", "none", "--name", NAME, *NO_RAISING, "busybox", "sleep", "1000")
    try:
        yield
    finally:
        run(*own, "rm", "--force", "--time", "0", NAME)


@contextmanager
def nspawn(folder: Path) -> Iterator[None]:
    """A container of systemd-nspawn's, which asks no systemd to keep a list of it."""
    (folder / "root/usr").mkdir()  # it refuses a directory that is no system's
    (folder / "root/etc/os-release").write_text("ID=test\n")
    options = ["--quiet", "--register=no", "--keep-unit", "--machine", NAME, "--directory", str(folder / "root")]
    command = ["systemd-nspawn", *options, "/bin/sleep", "1000"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()  # it kills its container
        process.wait(PATIENCE)


@contextmanager
def without_groups(*names: str) -> Iterator[None]:
    """Remove the control groups of these names that an engine leaves in each tree."""
    before = _groups(names)
    try:
        yield
    finally:
        for group in sorted(_groups(names) - before, reverse=True):
            for inner in (*group.iterdir(), group):
                if inner.is_dir():
                    remove_when_empty(inner)


def _groups(names: tuple[str, ...]) -> set[Path]:
    return {path for name in names for path in (GROUPS / name, *GROUPS.glob(f"*/{name}")) if path.is_dir()}


def asleep() -> list[Container]:
    """Containers of the test's own, which sleep so long; waits, as no engine tells of the moment when its program runs."""
    end = time.monotonic() + PATIENCE
    while True:
        found = [one for one in seen(0, {}, "users").containers if one.init.arguments[1:] == ("1000",)]
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


@pytest.mark.root
@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd's own control groups would be the engine's to keep")
@pytest.mark.parametrize(
    ("name", "program", "start"), [("podman", "podman", podman), ("nspawn", "systemd-nspawn", nspawn)], ids=["podman", "nspawn"]
)
def test_an_engines_container_is_called_by_its_name(
    name: str, program: str, start: Callable[[Path], AbstractContextManager[None]]
) -> None:
    """What the engine started is told as its, with nothing asked of the engine, and nothing of it stays."""
    if not shutil.which(program):
        pytest.skip(f"not installed: {program}")
    before = census()
    with tempfile.TemporaryDirectory(prefix="ws-") as short:  # podman wants a path of fewer than 50 characters
        busybox_root(Path(short, "root"))
        with without_groups("libpod_parent", "payload", "supervisor"), start(Path(short)):
            assert [one.engine for one in asleep()] == [name]
    assert left_in_the_end(before) == {}
