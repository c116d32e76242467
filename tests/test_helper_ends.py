"""How sandboxes end: whatever they do, and whatever happens to the helper, nothing is left of them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.helper_process import (
    Process,
    background,
    execute,
    groups,
    inspect,
)
from workshop.client.connection import Client
from workshop.protocol import ContainerInfo, Exec, Hello, Remove, Run, Stop

pytest_plugins = ["tests.helper_fixtures"]
pytestmark = pytest.mark.root
ROOT = Path("/sys/fs/cgroup")


def members(box: ContainerInfo) -> int:
    """How many processes are in a sandbox's groups."""
    return len(Path(next(iter(box.cgroups.values())), "cgroup.procs").read_text().split())


def assert_gone(box: ContainerInfo) -> None:
    """No group of this sandbox is left."""
    assert [path for path in box.cgroups.values() if Path(path).exists()] == []


def removed_within_a_second(client: Client, box: ContainerInfo) -> None:
    """Remove it by force, and measure."""
    began = time.monotonic()
    client.ask(Remove(box.id, force=True))
    assert time.monotonic() - began < 1
    assert_gone(box)


def test_a_fork_bomb(client: Client) -> None:
    """A full fork bomb is removed within a second."""
    box = background(client, "sh", "-c", "bomb() { bomb | bomb & sleep 1000; }; bomb & exec sleep 1000", pids=400)
    while Path(box.cgroups["pids"], "pids.events").read_text().split()[1] == "0":
        client.ask(Hello())
    removed_within_a_second(client, box)


def test_a_memory_hog(client: Client) -> None:
    """A program that takes all the memory that it may have is removed within a second."""
    box = background(client, "sh", "-c", "while :; do tail /dev/zero; done", memory=32 << 20)
    v1, v2 = (Path(box.cgroups["memory"], name) for name in ("memory.max_usage_in_bytes", "memory.peak"))
    while int((v1 if v1.exists() else v2).read_text()) < 24 << 20:
        client.ask(Hello())
    removed_within_a_second(client, box)


def test_a_frozen_sandbox(client: Client) -> None:
    """A frozen sandbox, which in v1 ignores even SIGKILL, is removed within a second."""
    box = background(client)
    frozen = box.cgroups.get("freezer")
    if frozen:
        Path(frozen, "freezer.state").write_text("FROZEN")
    else:
        Path(box.cgroups["unified"], "cgroup.freeze").write_text("1")
    removed_within_a_second(client, box)


def test_groups_made_inside(client: Client) -> None:
    """Groups that somebody made below a sandbox's, with a process in them, go as well."""
    box = background(client)
    below = Path(box.cgroups["pids"], "a", "b")
    below.mkdir(parents=True)
    (below / "cgroup.procs").write_text(str(box.pid))
    removed_within_a_second(client, box)


def test_stop_asks_and_then_kills(client: Client) -> None:
    """A program that handles SIGTERM ends by itself; one that does not is killed after the time given."""
    polite = background(client, "sh", "-c", "trap 'exit 3' TERM; echo > /ready; while :; do sleep 0.01; done")
    while execute(client, polite.id, "test", "-e", "/ready").code:
        pass
    assert client.ask(Stop(polite.id, seconds=30)).value.code == 3
    began = time.monotonic()
    assert client.ask(Stop(background(client).id, seconds=1)).value.code == 137
    assert 1 <= time.monotonic() - began < 3


def test_a_program_of_exec_ends_with_the_sandbox(client: Client) -> None:
    """When PID 1 ends, so do the programs that were started beside it."""
    box = background(client)
    client.ask(Exec(box.id, ["sleep", "1000"], detach=True))
    assert members(box) == 2
    client.ask(Stop(box.id, seconds=0))
    assert_gone(box)


def test_a_slow_sandbox_does_not_slow_the_helper(process: Process, client: Client) -> None:
    """While an Exec into a sandbox that has next to no processor time goes on, others are answered at once."""
    box = background(client, "sh", "-c", "while :; do :; done", millicpus=10)
    with process.connect() as slow:
        slow.send(Exec(box.id, ["true"], detach=True))
        longest = 0.0
        for _ in range(20):
            began = time.monotonic()
            client.ask(Hello())
            longest = max(longest, time.monotonic() - began)
        assert longest < 0.5
    client.ask(Remove(box.id, force=True))


def test_closing_while_a_sandbox_starts(process: Process, client: Client) -> None:
    """A connection that is closed right after Run leaves no sandbox."""
    for _ in range(5):
        with process.connect() as hasty:
            hasty.send(Run("busybox", ["sleep", "1000"], remove=True))
    box = background(client)
    client.ask(Stop(box.id, seconds=0))
    while [path for path in groups() if len(Path(path).name) == 64]:
        client.ask(Hello())
    assert inspect(client, box.id).state == "exited"
