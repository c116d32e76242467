"""Who may what: a caller's identity is the kernel's word, another's sandbox is not there, and nobody takes too much."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.helper_process import INSTANCE, MAIN, Process, background, command_line, inspect, refusal, started, watcher_of
from workshop.client.connection import Client, HelperError
from workshop.helper.engine.loop import SLICE_SECONDS, Loop, Task
from workshop.helper.engine.shares import BURST_SECONDS, Allowance
from workshop.helper.service.connections import Connection
from workshop.helper.service.server import CONNECTIONS_EACH, Server
from workshop.protocol import Exec, Hello, Images, Inspect, Limits, List, Remove, Run, Stop, Update, Wait

pytest_plugins = ["tests.helper_fixtures"]
pytestmark = pytest.mark.root
ALICE, BOB = 1234, 1235


def test_another_users_sandbox_is_not_there(process: Process) -> None:
    """Whatever Bob asks of Alice's sandbox, by name, id or a part of it, there is no such container; root sees both."""
    with process.connect(ALICE) as alice, process.connect(BOB) as bob, process.connect() as root:
        box = background(alice, name="mine")
        for reference in ("mine", box.id, box.id[:6], ""):
            for request in (
                Inspect(reference), Exec(reference, ["id"]), Stop(reference), Remove(reference, force=True), Wait(reference),
                Update(reference, millicpus=100),
            ):  # fmt: skip
                assert refusal(bob, request) == "no_such_container"
        assert bob.ask(List(all=True)).value.containers == ()
        assert [one.name for one in alice.ask(List()).value.containers] == ["mine"]
        assert root.ask(List()).value.containers == (inspect(alice, "mine"),)
        theirs = background(bob, name="mine")
        assert refusal(root, Inspect("mine")) == "ambiguous"
        for client, one in ((alice, box), (bob, theirs)):
            client.ask(Remove(one.id, force=True))


def test_facts_hold_no_sandbox_of_anothers(process: Process) -> None:
    """Bob's facts don't hold Alice's sandbox, and hers do."""
    with process.connect(ALICE) as alice, process.connect(BOB) as bob:
        box = background(alice)
        assert box.id not in [one.id for one in bob.observe(["processes"]).containers]
        seen = {one.id: one for one in alice.observe(["processes", "hostname"]).containers}
        assert (seen[box.id].name, seen[box.id].hostname, seen[box.id].engine) == (box.name, box.id[:12], "box")
        alice.ask(Remove(box.id, force=True))


@pytest.mark.skipif(not shutil.which("strace"), reason="not installed: strace")
def test_what_is_anothers_is_not_even_read(process: Process, tmp_path: Path) -> None:
    """To look costs who is looked at: of the processes in Alice's box not one is opened for Bob, and each of them is for her."""
    with process.connect(ALICE) as alice, process.connect(BOB) as bob:
        box = background(alice, "sh", "-c", "sleep 1000 & wait")
        with traced(bob, tmp_path / "for her") as hers:
            inside = next(one for one in alice.observe(["processes"]).containers if one.id == box.id)
        with traced(bob, tmp_path / "for him") as his:
            bob.observe(["processes", "components", "roots"])
        alice.ask(Remove(box.id, force=True))
    opened = [f'"/proc/{one.pid}' for one in inside.processes]
    assert len(opened) == 2
    assert all(one in hers.read_text() for one in opened)
    assert not any(one in his.read_text() for one in opened)


@contextlib.contextmanager
def traced(client: Client, calls: Path) -> Iterator[Path]:
    """The file that the calls on files of the helper's watcher are written to during the block."""
    client.observe([])
    watcher = watcher_of(client.ask(Hello()).value.pid)
    command = ["strace", "-f", "-e", "trace=openat,newfstatat", "-o", str(calls), "-p", str(watcher)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as tracer:
        assert tracer.stderr and tracer.stderr.readline()  # it says so once it is attached
        try:
            yield calls
        finally:
            tracer.send_signal(signal.SIGINT)


def test_an_ordinary_caller_keeps_within_the_quota(process: Process) -> None:
    """An ordinary caller can't have more memory or processes than one may have, nor lift those limits."""
    with process.connect(ALICE) as alice:
        assert refusal(alice, Run("busybox", [], memory=1 << 40)) == "beyond_quota"
        box = background(alice)
        assert refusal(alice, Update(box.id, memory=-1)) == "beyond_quota"
        assert refusal(alice, Update(box.id, pids=100_000)) == "beyond_quota"
        assert refusal(alice, Update(box.id, shares=2048)) == "beyond_quota"
        alice.ask(Update(box.id, pids=100, memory=64 << 20))
        assert inspect(alice, box.id).limits == Limits(memory=64 << 20, pids=100)
        alice.ask(Remove(box.id, force=True))


def test_connections_of_one_user_are_limited(process: Process) -> None:
    """A user with too many connections is sent away; others are not, and closing one makes room."""
    with contextlib.ExitStack() as open_ones:
        last = [open_ones.enter_context(process.connect(ALICE)) for _ in range(CONNECTIONS_EACH)][-1]
        last.ask(Hello())
        with process.connect(ALICE) as one_too_many, pytest.raises(HelperError, match="too_many_connections"):
            one_too_many.receive(Hello)
        open_ones.enter_context(process.connect(BOB)).ask(Hello())
        last.close()
        with process.connect(ALICE) as again:
            again.ask(Hello())


def test_a_flood_of_one_user_leaves_time_for_others(process: Process) -> None:
    """While one user floods the helper, another's questions are answered, and the flood is slowed."""
    with process.connect(ALICE) as alice, process.connect(BOB) as bob:
        bob.ask(Images())
        end, asked = time.monotonic() + 3, 0
        while time.monotonic() < end:
            alice.ask(Images())
            asked += 1
            if asked % 500 == 0:
                began = time.monotonic()
                bob.ask(Hello())
                assert time.monotonic() - began < 1


def test_an_allowance_runs_out_and_comes_back() -> None:
    """Who takes more of the thread's time at once than is allowed owes it, and gets half of the time back."""
    allowance = Allowance()
    assert allowance.take(0.2) > 0
    assert allowance.take(0.6) == pytest.approx(-0.5, abs=0.05)
    allowance.since -= 100
    assert allowance.take(0.2) > 0


def test_many_connections_of_one_user_share_one_allowance(tmp_path: Path) -> None:
    """Who has used up the allowance on one connection is not listened to on another, while others are."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, contextlib.ExitStack() as open_ones:
        listener.bind(str(tmp_path / "socket"))
        server = Server(cast("Any", SimpleNamespace(home=SimpleNamespace(loop=Loop()))), listener, None)

        def connection(uid: int) -> Connection:
            ours, _ = map(open_ones.enter_context, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            return Connection(server, ours, uid)

        first, second, other = connection(ALICE), connection(ALICE), connection(BOB)
        assert not server.holds_back(first)
        server.loop.shares.take(ALICE, 2 * BURST_SECONDS)
        assert server.holds_back(second)
        assert not server.holds_back(other)


def test_who_took_much_is_served_last() -> None:
    """Of several that are ready, who used little of the thread is first, also who comes only during another's long work."""
    loop, served = Loop(), list[str]()
    pipes = {name: os.pipe() for name in ("greedy", "greedy too", "late", "modest")}

    def serve(name: str) -> None:
        os.read(pipes[name][0], 1)
        served.append(name)
        if name.startswith("greedy"):
            os.write(pipes["late"][1], b"x")
            time.sleep(2 * SLICE_SECONDS)  # the long work itself
        if len(served) == 5:
            loop.stop()

    loop.shares.take(ALICE, BURST_SECONDS)
    for name, (reading, writing) in pipes.items():
        loop.watch(reading, partial(serve, name), ALICE if name.startswith("greedy") else BOB)
        if name != "late":
            os.write(writing, b"x")
    loop.run()
    assert served == ["modest", "greedy", "late", "greedy too", "late"]
    for pipe in pipes.values():
        loop.forget(pipe[0])
        os.close(pipe[0])
        os.close(pipe[1])


def test_all_that_is_done_for_somebody_takes_of_that_share() -> None:
    """Not the question alone: also what becomes of it later, as a step of a start, or at a box's end."""
    loop, pipe = Loop(), os.pipe()

    def steps() -> Generator[int, None, None]:
        yield pipe[0]
        time.sleep(0.02)  # the work itself

    def end() -> None:
        time.sleep(0.02)  # as above
        loop.stop()

    Task(loop, steps(), lambda _: loop.later(0, end, BOB), ALICE)
    os.write(pipe[1], b"x")
    loop.run()
    assert max(loop.shares.left(ALICE), loop.shares.left(BOB)) < BURST_SECONDS - 0.005
    assert loop.shares.left(0) == math.inf
    os.close(pipe[0])
    os.close(pipe[1])


def test_one_question_at_a_time(process: Process, client: Client) -> None:
    """A connection that waits is refused a second question, and gets its first answer all the same."""
    box = background(client)
    with process.connect() as waiting:
        waiting.send(Wait(box.id))
        assert refusal(waiting, Hello()) == "one_at_a_time"
        client.ask(Stop(box.id, seconds=0))
        assert waiting.receive(Wait).value.code == 137


def test_an_idle_connection_disturbs_nobody(process: Process) -> None:
    """Connections that never say anything keep nobody waiting."""
    with process.connect(ALICE), process.connect(ALICE), process.connect(BOB) as bob:
        assert bob.ask(Hello()).value.root is True


def test_a_second_helper_refuses(process: Process) -> None:
    """Only one helper of an instance runs, and the second says so."""
    second = command_line("run")
    assert second.returncode == 1
    assert "another helper runs already" in second.stderr


def test_it_ends_when_idle_and_not_before(tmp_path: Path) -> None:
    """With --idle it ends once nobody is connected and nothing runs."""
    environ = {**os.environ, "WORKSHOP_INSTANCE": f"{INSTANCE}-i"}
    process = started([sys.executable, "-I", str(MAIN), "run", "--idle", "1"], env=environ)
    process.wait(20)
    assert process.returncode == 0
    assert not Path(f"/run/{INSTANCE}-i/helper.sock").exists()
    subprocess.run(["rm", "-r", f"/run/{INSTANCE}-i"], check=True)


def test_code_that_others_can_change_is_refused(tmp_path: Path) -> None:
    """Root's helper does not start from files that somebody else could have written, and names the file."""
    package = tmp_path / "workshop"
    subprocess.run(["cp", "-r", str(MAIN.parents[1]), str(package)], check=True)
    loose = package / "facts" / "ipc.py"
    loose.chmod(0o666)
    environ = {**os.environ, "WORKSHOP_INSTANCE": f"{INSTANCE}-w"}
    command = [sys.executable, "-I", str(package / "helper" / "__main__.py"), "reconcile"]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert str(loose) in ran.stderr
    assert "helper install" in ran.stderr


@pytest.mark.parametrize("arguments", [(), ("run", "--idle", "soon"), ("nonsense",)])
def test_wrong_arguments(arguments: tuple[str, ...]) -> None:
    """A wrong command line is answered by the right one."""
    ran = command_line(*arguments)
    assert (ran.returncode, "usage" in ran.stderr) == (1, True)


def test_a_bad_instance_is_refused() -> None:
    """An instance's name is part of paths: one that is no plain word is refused."""
    environ = {**os.environ, "WORKSHOP_INSTANCE": "../x"}
    command = [sys.executable, "-I", str(MAIN), "reconcile"]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (ran.returncode, "bad_instance" in ran.stderr) == (1, True)
