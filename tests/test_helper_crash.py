"""What a crash of the helper leaves, and how the next start, or `reconcile`, finds it by name and removes it."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helper_process import (
    GROUPS,
    INSTANCE,
    background,
    command_line,
    groups,
    helper_process,
    open_directory,
    remove_directories,
    wait_until_gone,
)  # fmt: skip
from tests.walking import TOLD, begun
from workshop.client.connection import HelperError
from workshop.protocol import ContainerInfo, CreateNetwork, Hello, Step

pytestmark = pytest.mark.root


@pytest.fixture(autouse=True)
def directories() -> Iterator[None]:
    """Nothing of an earlier helper before, and nothing after."""
    yield
    remove_directories()


@pytest.fixture
def crashed(tmp_path: Path) -> ContainerInfo:
    """A sandbox whose helper was killed."""
    with helper_process(tmp_path) as process, process.connect() as client:
        box = background(client)
        process.kill()
    return box


def test_sandboxes_die_with_the_helper_and_reconcile_removes_the_rest(crashed: ContainerInfo) -> None:
    """After a SIGKILL of the helper its sandboxes are dead, and one reconcile removes all that bears its name."""
    wait_until_gone(crashed.pid)
    assert groups() != []
    assert command_line("reconcile").stdout == "removed 1\n"
    assert groups() == []
    assert Path(f"/run/{INSTANCE}/ledger").read_text() == ""
    assert command_line("reconcile").stdout == "removed 0\n"


def test_reconcile_thaws_and_kills_what_outlived_the_helper(crashed: ContainerInfo) -> None:
    """Even a frozen process in a group without any entry in the ledger is found by name and killed."""
    group = "a" * 64
    where = [path / INSTANCE / group for path in GROUPS.iterdir() if (path / "freezer.state").exists() or path.name == "freezer"]
    where = where or [GROUPS / INSTANCE / group]
    for directory in where:
        directory.mkdir()
    pid = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {})
    (where[0] / "cgroup.procs").write_text(str(pid))
    freezer = where[0] / "freezer.state"
    freezer.write_text("FROZEN") if freezer.exists() else (where[0] / "cgroup.freeze").write_text("1")
    assert command_line("reconcile").stdout == "removed 2\n"
    assert os.waitpid(pid, 0)[1] == 9
    assert groups() == []


def test_a_helper_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    """SIGTERM destroys every sandbox, then the helper exits with 0."""
    with helper_process(tmp_path) as process, process.connect() as client:
        boxes = [background(client) for _ in range(3)]
        process.process.terminate()
        assert process.process.wait(20) == 0
        with pytest.raises(HelperError, match="lost_helper"):
            client.ask(Hello())
    for box in boxes:
        wait_until_gone(box.pid)
    assert groups() == []


def test_a_half_made_sandbox_dies_with_the_helper_at_every_step() -> None:
    """The helper dies at whichever step of a walk: its child ends by itself, and one reconcile leaves nothing."""
    for count in itertools.count():
        with open_directory() as directory, helper_process(directory) as process, process.connect() as client:
            identity = begun(client)
            stops = [client.ask(Step(identity)).value.stop for _ in range(count)]
            process.kill()
        if stops and stops[-1] and stops[-1].pid:
            wait_until_gone(stops[-1].pid)
        assert command_line("reconcile").returncode == 0
        assert groups() == []
        if count == len(TOLD) - 1:
            return


def test_nothing_of_a_network_outlives_a_crash(tmp_path: Path) -> None:
    """After a SIGKILL of the helper the kernel has taken its networks apart, and reconcile removes the files of names."""
    with helper_process(tmp_path) as process, process.connect() as client:
        client.ask(CreateNetwork("shop"))
        box = background(client, network="shop")
        (names,) = Path(f"/run/{INSTANCE}/networks").iterdir()
        namespace = os.open(f"/proc/{box.pid}/ns/net", os.O_RDONLY)
        process.kill()
    wait_until_gone(box.pid)
    assert interfaces(namespace) == ["lo"]
    assert command_line("reconcile").stdout == "removed 2\n"
    assert not names.exists()


def interfaces(namespace: int) -> list[str]:
    """What a network namespace has once the other ends of its cables are gone; it is kept by a descriptor, which is closed."""
    with open(namespace, "rb"):
        command = ["nsenter", f"--net=/proc/self/fd/{namespace}", "cat", "/proc/net/dev"]
        for _ in range(100):  # the kernel takes a namespace apart in its own time and tells nobody when
            told = subprocess.run(command, capture_output=True, text=True, check=True, pass_fds=(namespace,)).stdout
            found = [line.split(":")[0].strip() for line in told.splitlines()[2:]]
            if found == ["lo"]:
                break
            time.sleep(0.02)
        return found
