"""kill -9 at chosen system calls of the helper and of the children that become boxes: one reconcile leaves nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import faults
from workshop.client.connection import Client, HelperError
from workshop.protocol import Exec, Remove, Run

CALLS = {
    "unshare": (1,), "mount": (1, 2, 4, 12, 20), "pivot_root": (1,), "umount2": (1,),
    "mkdir": (3, 4, 6, 8, 10, 15), "rmdir": (1, 4), "unlink": (1,), "open_tree": (1,), "mount_setattr": (1, 3),
    "move_mount": (1,), "clone": (1, 2), "execve": (2,), "setns": (1,), "setresuid": (1,), "sendmsg": (1, 2, 3, 5),
    "pidfd_open": (1, 3), "pidfd_send_signal": (1,), "waitid": (1, 2),
    "prctl": (2, 5), "close_range": (1, 3), "socketpair": (2, 3), "accept4": (1,),
}  # fmt: skip
"""System calls, and the how-manieth of one process is its last."""


@cache
def why_not() -> str:
    """Why no system call can be chosen here, empty where it can."""
    if not shutil.which("strace"):
        return "strace is not installed: apt-get install strace"
    tried = subprocess.run(["strace", "-f", "-e", "inject=getppid:retval=1", "true"], capture_output=True, text=True, check=False)
    return f"strace does not work here: {tried.stderr.strip()[-200:]}" if tried.returncode else ""


pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(60), pytest.mark.skipif(bool(why_not()), reason=why_not())]


@pytest.fixture(autouse=True)
def instance() -> Iterator[None]:
    """An instance of the helper of these tests' own, and nothing of it left."""
    with faults.in_instance():
        faults.end_all()
        yield
        faults.end_all()
        assert faults.left_in_the_end() == {}


@pytest.fixture(scope="module", autouse=True)
def image() -> None:
    """The image is there, so that the calls of making it are not those that are chosen."""
    with faults.in_instance():
        helper = faults.Helper()
        assert faults.box("run", "--rm", "busybox", "true").returncode == 0
        helper.kill()


@pytest.mark.parametrize(("call", "when"), [(call, when) for call, times in CALLS.items() for when in times])
def test_a_kill_at_a_system_call_leaves_nothing_after_one_reconcile(call: str, when: int, tmp_path: Path) -> None:
    """Whoever makes this call for this time dies of it, in the midst of a box's life; then the helper; then nothing is left."""
    log = tmp_path / "calls"
    inject = f"inject={call}:signal=SIGKILL:when={when}"
    helper = faults.Helper("strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", inject, "--")
    if helper.listens:
        with contextlib.suppress(HelperError):
            a_life()
    for pid in children(helper.process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    helper.process.wait(10)
    assert most_of_one_process(log.read_text(), call) == when, f"no process made its {call} number {when}: nothing was tested"
    faults.reconcile()
    assert faults.left_in_the_end() == {}


def most_of_one_process(log: str, call: str) -> int:
    """How often that process which made this call most often has made it, by strace's log."""
    callers = Counter(line.split()[0] for line in log.splitlines() if line.split()[1].startswith(f"{call}("))
    return max(callers.values(), default=0)


def a_life() -> None:
    """A box's life: started, entered, removed."""
    with Client.connect() as client:
        box = client.ask(Run("busybox", faults.BROOD, detach=True)).value.id
        joined = client.ask(Exec(box, ["sleep", "600"], terminal=True))
        faults.close_all(joined.descriptors)
        client.ask(Remove(box, force=True))


def children(pid: int) -> list[int]:
    """Children of a process."""
    with contextlib.suppress(FileNotFoundError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
