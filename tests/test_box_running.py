"""What `box` does to a container that runs, as with Docker: logs, pause, wait; and what it can be given at its start."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.test_box import BOX, ENGLISH, box, no_boxes, started
from workshop.client.connection import Client
from workshop.helper.engine.logs import KEPT
from workshop.protocol import Logs

__all__ = ["no_boxes"]

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("no_boxes")]
LOUD = "seq 1 30000; echo end; sleep 100"


def following(name: str) -> subprocess.Popen[bytes]:
    """`box logs -f`, running."""
    return subprocess.Popen([BOX, "logs", "-f", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENGLISH)


def directory(name: str, controller: str) -> Path:
    """The box's group for a controller, as inspect tells it."""
    return Path(json.loads(box("inspect", name)[1])[0]["Cgroups"][controller])


def test_what_a_detached_box_printed_can_be_read_later() -> None:
    """Both streams come out where the program wrote them, while it runs and after its end."""
    started("--name", "talker", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert box("wait", "talker") == (0, "3\n", "")
    assert box("logs", "talker") == (0, "out\n", "err\n")


def test_a_terminals_output_is_kept_as_well() -> None:
    """With -t there is one stream, and its lines end as a terminal's do."""
    started("--name", "talker", "-t", "busybox", "echo", "out")
    box("wait", "talker")
    assert box("logs", "talker") == (0, "out\r\n", "")


def test_following_ends_with_the_box() -> None:
    """`logs -f` prints what comes until the box has ended."""
    started("--name", "talker", "busybox", "sh", "-c", "echo one; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo two")
    with following("talker") as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == b"one\n"
        box("exec", "talker", "touch", "/tmp/go")  # noqa: S108  # the box's own
        assert follower.stdout.read() == b"two\n"
        assert follower.wait(10) == 0


def test_a_follower_reads_a_box_to_its_end_that_is_gone_by_then() -> None:
    """Who reads the output of a box with --rm gets all of it, even what was printed just before it was removed."""
    started("--rm", "--name", "talker", "busybox", "sh", "-c", "echo one; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo two")
    with Client.connect() as reader:
        first = reader.ask(Logs("talker", wait=True)).value
        assert (first.pieces, first.ended) == (((1, "one\n"),), False)
        box("exec", "talker", "touch", "/tmp/go")  # noqa: S108  # the box's own
        box("wait", "talker")
        assert "No such container" in box("inspect", "talker")[2]
        rest = reader.ask(Logs("talker", first.next, wait=True)).value
        assert (rest.pieces, rest.ended) == (((1, "two\n"),), True)


def test_the_last_of_much_output_is_kept_and_nobody_waits() -> None:
    """A program that prints more than is kept is never held up, and its last lines can be read."""
    started("--name", "loud", "busybox", "sh", "-c", LOUD)
    with following("loud") as follower:
        assert follower.stdout is not None
        while follower.stdout.readline() != b"end\n":
            pass
        follower.terminate()
    said = box("logs", "loud")[1]
    assert said.endswith("29999\n30000\nend\n")
    assert len(said) == KEPT


def test_a_box_that_somebody_is_with_has_no_log() -> None:
    """Its output went to whoever started it, and that is said."""
    box("run", "--name", "attached", "busybox", "echo", "out")
    code, said, error = box("logs", "attached")
    assert (code, said) == (1, "")
    assert "box run -d" in error


def test_a_paused_box_does_not_run() -> None:
    """The kernel says that it is frozen, `ps` too; it goes on where it was when it is let."""
    started("--name", "sleeper", "busybox", "sh", "-c", "while :; do :; done")
    assert box("pause", "sleeper") == (0, "sleeper\n", "")
    usage = directory("sleeper", "cpuacct") / "cpuacct.usage"
    before = usage.read_text()
    assert "(Paused)" in box("ps")[1]
    assert usage.read_text() == before
    assert box("inspect", "-f", "{{.State.Status}} {{.State.Paused}} {{.State.Running}}", "sleeper")[1] == "paused true true\n"
    assert box("unpause", "sleeper") == (0, "sleeper\n", "")
    assert "(Paused)" not in box("ps")[1]


def test_a_paused_box_refuses_what_would_freeze_with_it() -> None:
    """exec, a second pause, and an unpause of what is not paused are refused, each with its reason."""
    started("--name", "sleeper", "busybox", "sleep", "100")
    assert "not paused" in box("unpause", "sleeper")[2]
    box("pause", "sleeper")
    code, _, error = box("exec", "sleeper", "true")
    assert (code, "box unpause sleeper" in error) == (1, True)
    assert "paused already" in box("pause", "sleeper")[2]


def test_a_paused_box_can_be_stopped() -> None:
    """It is thawed to hear the signal, and ends by it."""
    started("--name", "polite", "busybox", "sh", "-c", "trap 'exit 4' TERM; echo ready; while :; do sleep 0.1; done")
    with following("polite") as follower:
        assert follower.stdout is not None
        follower.stdout.readline()
        box("pause", "polite")
        box("stop", "polite")
        assert follower.wait(10) == 0
    assert box("wait", "polite")[1] == "4\n"


def test_a_paused_box_can_be_removed_by_force() -> None:
    """A frozen group keeps even SIGKILL waiting, so it is thawed first."""
    started("--name", "sleeper", "busybox", "sleep", "100")
    box("pause", "sleeper")
    assert box("rm", "-f", "sleeper") == (0, "sleeper\n", "")


def test_somebody_elses_freezing_is_seen_and_ended() -> None:
    """Who writes into the group's file by hand has paused the box, too."""
    started("--name", "sleeper", "busybox", "sleep", "100")
    file, value = ("freezer", "freezer.state"), "FROZEN"
    path = directory("sleeper", file[0]) / file[1]
    path.write_text(value)
    assert "(Paused)" in box("ps")[1]
    assert box("unpause", "sleeper")[0] == 0
    assert path.read_text() == "THAWED\n"


def test_wait_tells_each_code() -> None:
    """One line for each box, in their order; one that is not there is told and fails."""
    started("--name", "one", "busybox", "sh", "-c", "exit 1")
    started("--name", "two", "busybox", "sh", "-c", "kill -9 $$; sleep 0.1; exit 2")
    assert box("wait", "one", "two")[:2] == (0, "1\n2\n")
    assert box("wait", "no-such-box")[0] == 1


def test_capabilities_can_be_dropped_by_name() -> None:
    """A name with or without CAP_ goes; ALL leaves none; an unknown one is refused with those that there are."""
    effective = ["busybox", "grep", "CapEff", "/proc/self/status"]
    full, less = (
        int(box("run", "--rm", *options, *effective)[1].split()[1], 16) for options in ((), ("--cap-drop", "cap_chown"))
    )
    assert full & ~less == 1
    assert box("run", "--rm", "--cap-drop", "ALL", *effective)[1].split()[1] == "0" * 16
    code, _, error = box("run", "--rm", "--cap-drop", "FLY", *effective)
    assert (code, "FLY" in error, "NET_RAW" in error) == (125, True, True)


def test_a_refused_name_is_told_in_words() -> None:
    """A refusal that speaks of a name is a sentence like any other."""
    code, _, error = box("run", "--rm", "--name", "a b", "busybox", "true")
    assert (code, error.startswith("box: a b is not a name")) == (125, True)


def test_exec_has_no_more_capabilities_than_the_box() -> None:
    """What was dropped at the start is dropped for every program that joins."""
    started("--name", "sleeper", "--cap-drop", "ALL", "busybox", "sleep", "100")
    assert box("exec", "sleeper", "grep", "CapBnd", "/proc/self/status")[1].split()[1] == "0" * 16


def test_a_box_can_be_held_to_a_processor() -> None:
    """The kernel's own list of allowed processors says so, at the start and after an update."""
    allowed = ("grep", "Cpus_allowed_list", "/proc/1/status")
    started("--name", "pinned", "--cpuset-cpus", "0", "busybox", "sleep", "100")
    assert box("exec", "pinned", *allowed)[1].split()[1] == "0"
    every = Path("/sys/devices/system/cpu/online").read_text().strip()
    assert box("update", "--cpuset-cpus", every, "pinned")[0] == 0
    assert box("exec", "pinned", *allowed)[1].split()[1] == every
    assert box("inspect", "-f", "{{.HostConfig.Memory}}", "pinned")[1] == f"{512 << 20}\n"


def test_a_box_can_weigh_less_than_another() -> None:
    """Of one processor a loop with a quarter of the other's shares gets about a quarter of the time."""
    for name, shares in (("heavy", "1024"), ("light", "256")):
        started("--name", name, "--cpuset-cpus", "0", "--cpu-shares", shares, "busybox", "sh", "-c", "while :; do :; done")
    files = [directory(name, "cpuacct") / "cpuacct.usage" for name in ("heavy", "light")]
    before = [int(one.read_text()) for one in files]
    while int(files[1].read_text()) < before[1] + 200_000_000:
        os.sched_yield()
    heavy, light = (int(one.read_text()) - past for one, past in zip(files, before, strict=True))
    assert 2.5 < heavy / light < 6


@pytest.mark.parametrize("wrong", ["4096", "one", "1-0", "0,,1"])
def test_a_processor_that_is_not_there_is_refused(wrong: str) -> None:
    """So is what is no list of them."""
    code, _, error = box("run", "--rm", "--cpuset-cpus", wrong, "busybox", "true")
    assert (code, wrong in error) == (125, True)


def test_variables_reach_every_program_of_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """KEY=VALUE is set, KEY takes our own value or is left out, and the workshop's mark can't be replaced."""
    monkeypatch.setenv("HERE", "ours")
    monkeypatch.delenv("NOWHERE", raising=False)
    given = ("-e", "A=b=c", "--env", "HERE", "-e", "NOWHERE", "-e", "container=another")
    started("--name", "sleeper", *given, "busybox", "sleep", "100")
    seen = box("exec", "sleeper", "env")[1].splitlines()
    assert {"A=b=c", "HERE=ours"} <= set(seen)
    assert not [one for one in seen if one.startswith("NOWHERE") or one == "container=another"]
    assert box("run", "--rm", "-e", "1A=b", "busybox", "true")[0] == 125
