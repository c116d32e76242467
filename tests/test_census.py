"""The census counts what this suite leaves, and nothing that a neighbour makes meanwhile."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.census import census, is_anothers, left_behind


@pytest.mark.parametrize(
    ("text", "anothers"),
    [
        ("/sys/fs/cgroup/pids/ws-f1/0a7a", True), ("ws-d2", True), ("WORKSHOP_INSTANCE=ws-3", True), ("/run/workshop", True),
        (f"/sys/fs/cgroup/pids/ws-f{os.getpid()}/0a7a", False), (f"ws-{os.getpid()}", False), ("ws-box", False), ("eth0", False),
        ("/root/workshop-2", False),
    ],
)  # fmt: skip
def test_whose_it_is(text: str, anothers: bool) -> None:
    """A helper's name has the number of the suite that started it; what has none is this suite's."""
    assert is_anothers(text) is anothers


@pytest.mark.root
def test_a_neighbours_processes_and_groups_are_not_counted() -> None:
    """Another suite begins and goes on meanwhile; what this one leaves is found all the same."""
    groups = [Path("/sys/fs/cgroup/pids") / name for name in ("ws-f1", f"ws-f{os.getpid()}")]
    if not groups[0].parent.is_dir():
        groups = [Path("/sys/fs/cgroup") / one.name for one in groups]
    before = census()
    command, found = ["sleep", "600"], list[subprocess.Popen[bytes]]()
    try:
        for group in groups:
            group.mkdir()
            found.append(subprocess.Popen(command, env={**os.environ, "WORKSHOP_INSTANCE": group.name}))
        left = left_behind(before, census())
    finally:
        for one in found:
            one.kill()
            one.wait()
        for group in groups:
            group.rmdir()
    assert left == {"cgroups": [str(groups[1])], "processes": ["sleep 600"]}
