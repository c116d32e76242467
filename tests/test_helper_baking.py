"""How `busybox` comes to be there: a child that is nobody makes it, nobody else waits, and a failure is not the last word."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults import wait_for, wait_for_death
from tests.helper_process import (
    INSTANCE,
    Process,
    command_line,
    groups,
    helper_process,
    open_directory,
    remove_directories,
    run,
)
from workshop.client.connection import Client, HelperError
from workshop.helper.engine.transfers import BAKING_BASE
from workshop.protocol import Hello, Images, List, Run

pytestmark = pytest.mark.root
ALICE, BOB = 1234, 1235
LAYERS = Path(f"/var/lib/{INSTANCE}/store/shared/layers")
WAITING = "#!/bin/sh\nuntil test -e {go}; do sleep 0.01; done\n"
FAILING = "#!/bin/sh\nexit 3\n"


@contextlib.contextmanager
def helper_where(program: str, script: str) -> Iterator[tuple[Process, Path]]:
    """A helper that sees a script in place of a program of the machine's, and the file `go` that the script may wait for."""
    with contextlib.ExitStack() as stack:
        stack.callback(remove_directories)
        directory = stack.enter_context(open_directory())
        fake, go = directory / "fake", directory / "go"
        fake.write_text(script.format(go=go))
        fake.chmod(0o755)
        cover = ("unshare", "-m", "--propagation", "private", "sh", "-c", f'mount --bind {fake} {program} && exec "$@"', "sh")
        yield stack.enter_context(helper_process(directory, by=cover)), go


@dataclass
class Baking:
    """A helper that bakes, and goes on with it only when it is told to: `asker` is Alice, who waits for the image."""

    process: Process
    go: Path
    asker: Client
    child: int
    program: int


@pytest.fixture
def baking() -> Iterator[Baking]:
    """The program that the child runs waits."""
    with helper_where("/usr/bin/ldd", WAITING) as (process, go), process.connect(ALICE) as alice:
        alice.send(Images())
        helper = process.process.pid
        wait_for(lambda: [one for child in children(helper) for one in children(child) if comm(one) == "ldd"], "the program")
        (child,) = children(helper)
        (program,) = children(child)
        yield Baking(process, go, alice, child, program)


def children(pid: int) -> list[int]:
    """The children of a process, none where it has gone."""
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def comm(pid: int) -> str:
    """The name of a process, empty where it has gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def groups_below() -> list[str]:
    """The control groups of whatever this helper runs; its own stays while it does."""
    return [one for one in groups() if Path(one).name != INSTANCE]


def received(client: Client) -> list[str]:
    """The names of the images that come, in the end, or why none do."""
    try:
        return [one.name for one in client.receive(Images).value.images]
    except HelperError as error:
        return [error.slug, str(error.values["reason"])]


def test_nobody_else_waits_while_the_image_is_made(baking: Baking) -> None:
    """Others are served; of those who need the image too each has it, from one making, and a box comes up in it."""
    with baking.process.connect(BOB) as bob, baking.process.connect() as root:
        root.send(Images())
        for _ in range(100):
            bob.ask(Hello())
        assert bob.ask(List()).value.containers == ()
        baking.go.touch()
        assert received(baking.asker) == received(root) == ["busybox:latest"]
        assert run(bob, "echo", "hello").output == "hello\n"
    assert len(list(LAYERS.iterdir())) == 1
    assert groups_below() == []


def test_who_makes_it_can_do_nothing_else(baking: Baking) -> None:
    """The child, and the program that it runs, are nobody, without a capability, and can write to the layer only."""
    for pid in (baking.child, baking.program):
        status = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        assert status["Uid"].split() == status["Gid"].split() == [str(BAKING_BASE)] * 4
        assert {int(status[one], 16) for one in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")} == {0}
        assert (status["NoNewPrivs"], status["Seccomp"], status["Groups"].strip()) == ("1", "2", "")
        mounts = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
        assert [one[4] for one in mounts if "ro" not in one[5].split(",")] == [f"/run/{INSTANCE}"]
        assert Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        assert f"/{INSTANCE}/" in Path(f"/proc/{pid}/cgroup").read_text()


def test_one_that_is_killed_is_refused_and_made_when_somebody_asks_again(baking: Baking) -> None:
    """All who wait are told; nothing stays of it, its program neither; the next who asks has the image."""
    with baking.process.connect(BOB) as bob:
        bob.send(Images())
        os.kill(baking.child, signal.SIGKILL)
        why = ["image_failed", "the process ended in the middle of it"]
        assert received(baking.asker) == received(bob) == why
        wait_for_death(baking.program)
        assert groups_below() == []
        baking.go.touch()
        bob.send(Images())
        assert received(bob) == ["busybox:latest"]


@pytest.mark.skipif(not shutil.which("busybox"), reason="not installed: busybox")
def test_a_program_that_fails_is_the_reason() -> None:
    """What busybox answers is told, nothing is left, and where it works again the image is made."""
    with helper_where("/bin/busybox", FAILING) as (process, _), process.connect(ALICE) as alice:
        alice.send(Images())
        slug, reason = received(alice)
        assert slug == "image_failed"
        assert "non-zero exit status 3" in reason
        wait_for(lambda: list(LAYERS.iterdir()) == [], "an empty directory")
        assert groups_below() == []
        subprocess.run(["nsenter", "-t", str(process.process.pid), "-m", "umount", "/bin/busybox"], check=True)
        alice.send(Images())
        assert received(alice) == ["busybox:latest"]


def test_a_crash_in_the_middle_leaves_nothing(baking: Baking) -> None:
    """The child and its program die with the helper; the next start removes what was half made."""
    baking.process.kill()
    wait_for_death(baking.child)
    wait_for_death(baking.program)
    assert len(list(LAYERS.iterdir())) == 1
    command_line("reconcile")
    assert list(LAYERS.iterdir()) == []
    assert groups_below() == []


def test_who_leaves_while_the_image_is_made_gets_no_box(baking: Baking) -> None:
    """A box whose client has gone is not started; the image is made for the others all the same."""
    with baking.process.connect(BOB) as bob:
        bob.send(Run("busybox", ["sleep", "1000"], detach=True))
        with baking.process.connect(BOB) as other:
            bob.close()
            other.ask(Hello())
            baking.go.touch()
            assert received(baking.asker) == ["busybox:latest"]
            assert other.ask(List(all=True)).value.containers == ()
