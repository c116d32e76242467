"""Whatever is killed, and whenever: one reconcile leaves nothing behind; and no workload keeps itself from being removed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import faults
from tests.screen import Screen
from workshop.client.connection import Client, HelperError
from workshop.protocol import ContainerInfo, Inspect, Remove, Run

KILLS = 200
RM_SECONDS = 1.0

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def instance() -> Iterator[None]:
    """An instance of the helper of these tests' own, and nothing of it left."""
    with faults.in_instance():
        faults.end_all()
        yield
        faults.end_all()
        assert faults.left_in_the_end() == {}


@pytest.fixture
def running(instance: None) -> Iterator[faults.Helper]:
    """A helper that listens."""
    helper = faults.Helper()
    assert helper.listens
    yield helper
    helper.kill()


class Customer(threading.Thread):
    """Starts and removes boxes without a pause, whether a helper answers or not; every other box ignores SIGTERM."""

    def __init__(self, seed: int) -> None:
        """Begin with `start`."""
        super().__init__(daemon=True)
        self.random = random.Random(seed)  # noqa: S311  # a test's dice, which must fall the same way again
        self.enough = threading.Event()
        self.turn = threading.Lock()
        self.served = 0

    def run(self) -> None:
        """Ask until it is enough."""
        while not self.enough.wait(0.001):
            with self.turn, contextlib.suppress(HelperError, OSError):
                self._ask()

    def _ask(self) -> None:
        with Client.connect() as client:
            command = faults.BROOD if self.random.random() < 0.5 else ["sleep", "600"]
            reply = client.ask(Run("busybox", command, detach=self.random.random() < 0.5))
            faults.close_all(reply.descriptors)
            if self.random.random() < 0.8:
                client.ask(Remove(reply.value.id, force=True))
            self.served += 1


@pytest.mark.slow
def test_a_helper_that_is_killed_at_any_moment_leaves_nothing_after_one_reconcile() -> None:
    """200 times: killed while boxes come and go, and one reconcile later the machine is as it was."""
    dice = random.Random(7)  # noqa: S311  # as above
    customer, dirty = Customer(7), 0
    helper = faults.Helper()
    faults.box("run", "--rm", "busybox", "true")  # makes the image, which takes longer than these helpers live
    customer.start()
    try:
        for kill in range(KILLS):
            assert helper.listens, f"no helper after {kill} kills"
            time.sleep(dice.random() * 0.12)  # the moment is the experiment: there is nothing to wait for
            helper.kill()
            with customer.turn:
                dirty += bool(faults.left())
                if kill % 10 == 0:
                    faults.reconcile()
                    assert faults.left_in_the_end() == {}, f"after kill {kill}"
                helper = faults.Helper()  # it reconciles before it listens
                assert faults.left_in_the_end(helper) == {}, f"after kill {kill}"
    finally:
        customer.enough.set()
        customer.join(10)
        helper.kill()
    assert customer.served > KILLS / 4, "the helper was mostly killed before it had begun anything"
    assert dirty > KILLS / 4, "the kills came when there was nothing to leave"


def test_a_killed_client_takes_its_box_with_it(running: faults.Helper) -> None:
    """kill -9 of `box run -it` ends the box: the helper sees the connection go."""
    with Screen([faults.BOX, "run", "-it", "--name", "one", "busybox"], environment=faults.ENVIRONMENT) as screen:
        screen.wait("/ #")
        pid = inspected("one").pid
        os.kill(screen.pid, signal.SIGKILL)
        faults.wait_for_death(int(str(pid)))
    faults.remove_boxes()
    assert faults.left_in_the_end(running) == {}


def test_a_killed_helper_gives_the_terminal_back(running: faults.Helper) -> None:
    """kill -9 of the helper ends `box run -it` with 125 and a sentence, on a terminal that is as it was."""
    script = f"{faults.BOX} run -it busybox; echo code $?; stty -a"
    with Screen(["sh", "-c", script], environment=faults.ENVIRONMENT) as screen:
        screen.wait("/ #")
        running.kill()
        screen.wait("box: ")
        screen.wait("code 125")
        screen.wait(lambda text: " icanon" in text and " echo " in text)
    faults.reconcile()
    assert faults.left_in_the_end() == {}


def inspected(name: str) -> ContainerInfo:
    """What the helper says of a box."""
    with Client.connect() as client:
        return client.ask(Inspect(name)).value


def test_a_client_killed_while_it_starts_a_box_leaves_one_that_can_be_removed(running: faults.Helper) -> None:
    """kill -9 at twenty moments of `box run -d`: the box is there or not, is known to the helper, and can be removed."""
    for part in range(20):
        client = subprocess.Popen(
            [faults.BOX, "run", "-d", "busybox", "sleep", "600"], env=faults.ENVIRONMENT, stdout=subprocess.DEVNULL
        )
        time.sleep(part * 0.01)  # the moment is the experiment
        client.kill()
        client.wait()
    known = {one.id for one in faults.boxes()}
    assert {Path(path).name for path in faults.left().get("cgroups", [])} <= known
    faults.remove_boxes()
    assert faults.left_in_the_end(running) == {}
    running.kill()
    faults.reconcile()
    assert faults.left_in_the_end() == {}


def test_boxes_of_killed_clients_are_gone_after_a_kill_of_the_helper_too(running: faults.Helper) -> None:
    """Client and helper killed at once, with -it and with -d: one reconcile leaves nothing."""
    with Screen([faults.BOX, "run", "-it", "--name", "one", "busybox"], environment=faults.ENVIRONMENT) as screen:
        screen.wait("/ #")
        assert faults.box("run", "-d", "busybox", *faults.BROOD).returncode == 0
        os.kill(screen.pid, signal.SIGKILL)
        running.kill()
    faults.reconcile()
    assert faults.left_in_the_end() == {}


def directory(name: str, controller: str) -> Path:
    """A box's directory of one controller, in whichever version of cgroups has it."""
    groups = inspected(name).cgroups
    assert isinstance(groups, dict)
    return Path(str(groups.get(controller) or groups["unified"]))


def fork_bomb() -> None:
    """A box in which everything forks, at its limit of processes; what the shells leave behind keeps it there."""
    bomb = "b() { sleep 600 & b | b & }; b & exec sleep 600"
    faults.box("run", "-d", "--name", "one", "--pids-limit", "200", "busybox", "sh", "-c", bomb)
    current = directory("one", "pids") / "pids.current"
    faults.wait_for(lambda: int(current.read_text()) >= 195, "the bomb's limit")


def memory_hog() -> None:
    """A box that takes memory again and again until the kernel takes it back."""
    hog = "while :; do tail /dev/zero; done"
    faults.box("run", "-d", "--name", "one", "-m", "32m", "busybox", "sh", "-c", hog)
    memory = directory("one", "memory")
    used = next(path for path in (memory / "memory.usage_in_bytes", memory / "memory.current") if path.exists())
    faults.wait_for(lambda: int(used.read_text()) > 24 << 20, "the hog's limit")


def frozen() -> None:
    """A box whose processes are frozen: even SIGKILL waits for a thaw in cgroup v1."""
    faults.box("run", "-d", "--name", "one", "busybox", *faults.BROOD)
    version_1 = directory("one", "freezer") / "freezer.state"
    if version_1.exists():
        version_1.write_text("FROZEN")
        faults.wait_for(lambda: version_1.read_text() == "FROZEN\n", "frost")
    else:
        (directory("one", "unified") / "cgroup.freeze").write_text("1")
        events = directory("one", "unified") / "cgroup.events"
        faults.wait_for(lambda: "frozen 1" in events.read_text(), "frost")


@pytest.mark.parametrize("workload", [fork_bomb, memory_hog, frozen])
def test_a_hostile_workload_is_removed_within_a_second(running: faults.Helper, workload: Callable[[], None]) -> None:
    """`box rm -f` returns within a second, and then nothing of the box is there."""
    workload()
    began = time.monotonic()
    done = faults.box("rm", "-f", "one")
    took = time.monotonic() - began
    assert (done.returncode, done.stdout) == (0, "one\n"), done.stderr
    assert took < RM_SECONDS
    assert faults.left_in_the_end(running) == {}
    assert faults.boxes() == ()


def test_a_frozen_box_does_not_outlive_a_killed_helper(running: faults.Helper) -> None:
    """One reconcile thaws and ends what was frozen when the helper died."""
    frozen()
    running.kill()
    faults.reconcile()
    assert faults.left_in_the_end() == {}
