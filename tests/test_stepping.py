"""A sandbox made one step at a time: the steps are those that are told, each shows, and it can be ended at every one."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from tests.helper_process import (
    INSTANCE,
    Process,
    Screen,
    background,
    groups,
    inspect,
    refusal,
    wait_until_gone,
)
from tests.walking import TOLD, WANTED, begun, standing, walked
from workshop.client.connection import Client, HelperError
from workshop.facts import SUBJECTS, HalfMade
from workshop.helper.engine import stepping
from workshop.helper.engine.loop import Loop
from workshop.helper.engine.steps import START
from workshop.protocol import Exec, List, Look, Remove, Run, Step, Stop, Update

pytest_plugins = ["tests.helper_fixtures"]
pytestmark = pytest.mark.root
ALICE, BOB = 1234, 1235


def half_made(client: Client) -> HalfMade:
    """What the kernel shows of the only one that is half made."""
    (one,) = client.observe(SUBJECTS).half_made
    return one


def nothing_is_left(client: Client) -> bool:
    """No sandbox, and no group of one."""
    return client.ask(List(all=True)).value.containers == () and not [one for one in groups() if not one.endswith(INSTANCE)]


def test_the_steps_walked_are_those_told(client: Client) -> None:
    """Every step of a start that is told is stopped at, in its order, and nothing else."""
    first = client.ask(WANTED).value
    assert first.stop
    stops = [first.stop, *walked(client, first.id)]
    assert [one.why for one in stops] == TOLD
    assert [one.number for one in stops] == list(range(1, len(stops) + 1))


def test_after_the_last_step_it_is_an_ordinary_container(client: Client) -> None:
    """The last reply brings the terminal of a program that runs, and it is half made no more."""
    identity = begun(client)
    while (reply := client.ask(Step(identity))).value.stop:
        assert inspect(client, identity).state == "created"
    screen = Screen(reply.descriptors[0])
    screen.type("hostname; echo $$\n")
    screen.until("\nlab\r\n1\r\n")
    screen.close()
    assert inspect(client, identity).state == "running"
    assert client.observe(SUBJECTS).half_made == ()
    assert refusal(client, Step(identity)) == "not_half_made"


def test_each_look_shows_what_the_step_before_changed(client: Client) -> None:
    """Seen from inside: root, name, number, groups, identity and rights change at their steps, and not before."""
    identity, seen = begun(client), {}
    for stop in walked(client, identity):
        if stop.pid:
            seen[stop.why.removeprefix("why_")] = client.ask(Look(identity)).value.seen
    host = tuple(sorted(path.name for path in Path("/").iterdir())[:40])
    assert [seen[step].hostname for step in ("unshare", "maps", "hostname", "loopback")] == [os.uname().nodename] * 3 + ["lab"]
    assert [seen[step].uid for step in ("unshare", "maps", "identity", "second_fork")] == [0, 65534, 65534, 0]
    assert (seen["second_fork"].pid != 1, seen["overlay"].pid) == (True, 1)
    assert (seen["pivot"].root, seen["pivot"].process != 1) == (host, True)
    assert ("etc" in seen["streams"].root, seen["streams"].root != host, seen["streams"].process) == (True, True, 1)
    assert (seen["unshare"].cgroups != ("/",), seen["maps"].cgroups) == (True, ("/",))
    assert (seen["capabilities"].capabilities, seen["seccomp"].capabilities) == ("000001ffffffffff", "00000000a80425fb")
    assert [seen[step].no_new_privileges for step in ("no_new_privileges", "seccomp")] == [0, 1]
    assert [seen[step].seccomp for step in ("seccomp", "exec")] == [0, 2]


def test_facts_show_the_process_that_becomes_the_container(client: Client) -> None:
    """What the kernel shows of a half-made one is seen from outside: no process, then one on the host, then one inside."""
    identity = begun(client)
    assert (half_made(client).step, half_made(client).seen) == ("make_cgroups", None)
    list(walked(client, identity, "identity"))
    one, host = half_made(client), client.observe(SUBJECTS).host
    assert one.seen is not None
    assert one.seen.namespaces.shared_with(host.namespaces) == ("pid", "time")
    assert (one.seen.hostname, one.seen.users.host_uid(0)) == (host.hostname, 2**31)
    (uids,) = [line for line in Path(f"/proc/{one.seen.init.pid}/status").read_text().splitlines() if line.startswith("Uid:")]
    assert uids.split()[1:] == ["0", str(2**31), "0", str(2**31)]
    list(walked(client, identity, "streams"))
    one = half_made(client)
    assert one.seen is not None
    assert (one.seen.hostname, one.seen.init.inner, one.seen.init.uid) == ("lab", 1, 2**31)
    assert one.seen.root.apart(host.root)
    assert one.id in [container.id for container in client.observe(SUBJECTS).containers]


@pytest.mark.parametrize("ending", ["remove", "stop", "hang_up", "kill_child"])
def test_it_can_be_ended_at_every_step(process: Process, ending: str) -> None:
    """Removed, stopped, left by its client or killed, at whichever step: nothing of it is left."""
    for count in range(len(TOLD)):
        with process.connect() as watching, process.connect() as client:
            identity = begun(client)
            pid = ([0] + [stop.pid for _ in range(count) if (stop := client.ask(Step(identity)).value.stop)])[-1]
            end(ending, client, identity, pid, watching)
            if pid:
                wait_until_gone(pid)
            assert nothing_is_left(watching), TOLD[count]


def end(how: str, client: Client, identity: str, pid: int, other: Client) -> None:
    """End a half-made sandbox in this way, and wait until it is known to have ended."""
    if how == "remove":
        client.ask(Remove(identity, force=True))
    elif how == "stop":
        other.ask(Stop(identity))
    elif how == "kill_child" and pid:
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(HelperError):  # it may be told already
            client.ask(Step(identity))
    else:
        client.close()
        with contextlib.suppress(HelperError):  # it may have gone already
            other.ask(Remove(identity, force=True))


def test_a_stopped_or_frozen_child_ends_as_well(client: Client) -> None:
    """Whoever stops the child's process, or freezes its groups, keeps nobody from removing it."""
    identity = standing(client, "pivot")
    pid = inspect(client, identity).pid
    os.kill(pid, signal.SIGSTOP)
    for path in (Path(one) for one in groups() if identity in one):
        for file, value in (("freezer.state", "FROZEN"), ("cgroup.freeze", "1")):
            if (path / file).exists():
                (path / file).write_text(value)
    client.ask(Remove(identity, force=True))
    wait_until_gone(pid)
    assert nothing_is_left(client)


def test_nothing_runs_in_a_half_made_one(client: Client) -> None:
    """No program can be started in it, nothing be changed of it, and what nobody sees yet is told so."""
    identity = begun(client)
    assert refusal(client, Look(identity)) == "nothing_to_see"
    for step in ("unshare", "pivot", "exec"):
        list(walked(client, identity, step))
        assert refusal(client, Exec(identity, ["sh"])) == "half_made"
        assert refusal(client, Update(identity, millicpus=100)) == "half_made"


def test_only_the_connection_that_makes_it_goes_on(process: Process) -> None:
    """Neither another user nor another connection of the same one can make a step or look; another user does not see it."""
    with process.connect(ALICE) as alice, process.connect(ALICE) as other, process.connect(BOB) as bob:
        identity = standing(alice, "identity")
        for client in (other, bob):
            assert refusal(client, Step(identity)) == "not_half_made"
            assert refusal(client, Look(identity)) == "not_half_made"
        assert bob.observe(SUBJECTS).half_made == ()
        assert [one.name for one in other.observe(SUBJECTS).half_made] == ["lab"]
        assert refusal(bob, Remove(identity, force=True)) == "no_such_container"
        other.ask(Remove(identity, force=True))


def test_it_counts_as_one_of_the_containers_that_one_may_have(client: Client) -> None:
    """A half-made one takes its name, and an ordinary start beside it is not held up."""
    identity = standing(client, "identity")
    assert refusal(client, WANTED) == "name_taken"
    assert background(client).state == "running"
    client.ask(Remove(identity, force=True))


@pytest.mark.parametrize("changed", [{"terminal": False}, {"detach": True}])
def test_it_needs_somebody_in_front_of_it(client: Client, changed: dict[str, bool]) -> None:
    """Without a terminal, or detached, nobody could make the steps."""
    wanted = {name: getattr(WANTED, name) for name in ("image", "command", "terminal", "step")}
    assert refusal(client, Run(**{**wanted, **changed})) == "step_needs_terminal"


def test_a_program_that_is_not_there_is_told_at_the_last_step(client: Client) -> None:
    """As with an ordinary start."""
    identity = client.ask(Run("busybox", ["no-such"], terminal=True, step=True)).value.id
    with pytest.raises(HelperError) as refused:
        list(walked(client, identity))
    assert refused.value.slug == "command_not_found"
    assert nothing_is_left(client)


def test_one_that_waits_for_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """At each stop a clock begins; it gives up what still waits there, and not what has gone on."""
    monkeypatch.setattr(stepping, "IDLE_SECONDS", 0.02)
    loop, given_up = Loop(), list[int]()
    walk = stepping.Walk(loop, START, lambda: given_up.append(walk.at.number if walk.at else 0))
    making = walk.stop_helper(START[0])
    next(making)
    walk.go_on(lambda _: None)
    next(making, None)
    next(walk.stop_helper(START[1]))
    loop.later(0.1, loop.stop)
    loop.run()
    assert given_up == [2]
    walk.end(TimeoutError())
