"""The watcher: a process that looks for the helper with three capabilities, and may die at any moment."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import workshop
from tests.helper_process import (
    INSTANCE,
    Process,
    background,
    execute,
    helper_process,
    open_directory,
    refusal,
    remove_directories,
    wait_until_gone,
    watcher_of,
)
from tests.observed import EVERYTHING, shell
from workshop.client.connection import Client, HelperError
from workshop.client.sight.observer import Observer
from workshop.facts import SUBJECTS, Cgroups, Container, Facts
from workshop.facts import Process as Program
from workshop.helper.engine.loop import Loop
from workshop.helper.engine.shares import BURST_SECONDS
from workshop.helper.kernel import syscalls
from workshop.helper.watcher import process as watching
from workshop.helper.watcher.asked import Asked, Asker, Sandboxed
from workshop.helper.watcher.looks import Look, Looks
from workshop.helper.watcher.observe import observe
from workshop.protocol import Hello, Observe, Remove

pytest_plugins = ["tests.helper_fixtures"]
pytestmark = pytest.mark.root
ALICE, BOB, CAROL = 61234, 61235, 61236


@pytest.fixture
def watcher(process: Process, client: Client) -> int:
    """The watcher of a helper that has been asked before."""
    client.observe([])
    return watcher_of(process.process.pid)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that does nothing while the block lasts."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("uid", [0, ALICE])
def test_it_sees_what_observing_sees(process: Process, uid: int) -> None:
    """Of a box and of a container by hand, of root's or of the caller's own, it tells what the function itself tells root."""
    by = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups") if uid else ()
    own = ("--user", "--map-root-user") if uid else ()
    with process.connect(uid) as client, shell(*by, "unshare", *own, *EVERYTHING) as container:
        container.say("hostname by-hand; ipcmk -Q")
        box = background(client, name="one", hostname="lab")
        execute(client, box.id, "touch", "/new")
        known = {box.id: Sandboxed("one", uid, box.pid)}
        direct = observe(SUBJECTS, Asker(uid, os.getpid()), known, INSTANCE)
        seen = client.observe(SUBJECTS)
        ours = {container.namespace, 0} | {one.namespaces.pid for one in seen.containers if one.id == box.id}
        assert container.container(seen) and len(ours | {container.namespace}) == 3
        assert still(seen, container.namespace, box.id) == still(direct, container.namespace, box.id)
        assert (seen.complete, seen.caller, seen.persons) == (True, uid, direct.persons)
        (found,) = [one for one in seen.containers if one.id == box.id]
        assert ([one.path for one in found.written], found.hostname) == (["new"], "lab")
        assert [one.name for one in seen.images] == ["busybox:latest"]
        client.ask(Remove(box.id, force=True))


def still(facts: Facts, namespace: int, box: str) -> list[Any]:
    """What does not move of the host, of a container and of a box."""
    host = facts.host
    mine = [quiet(one) for one in facts.containers if namespace == one.namespaces.pid or one.id == box]
    return [host.namespaces, host.boot, host.hierarchies, host.filesystems, host.root, host.hostname, *mine]


def quiet(container: Container) -> Container:
    """Without counters, and without what the helper alone can have seen."""
    members = tuple(map(resting, container.processes))
    groups = Cgroups(container.cgroups.memberships)
    return replace(container, init=resting(container.init), processes=members, cgroups=groups, written=())


def resting(program: Program) -> Program:
    return replace(program, state="", processor=0)


def test_it_has_three_capabilities_and_nothing_else(watcher: int) -> None:
    """It is nobody, can get no more than it has, and has of the helper its log and one end of a channel."""
    status = dict(line.split(":\t") for line in Path(f"/proc/{watcher}/status").read_text().splitlines())
    three = f"{1 << 2 | 1 << 19 | 1 << 21:016x}"
    assert [status[one] for one in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")] == [
        "0" * 16,
        three,
        three,
        three,
        "0" * 16,
    ]
    assert [status[one].split() for one in ("Uid", "Gid", "Groups")] == [["65534"] * 4, ["65534"] * 4, []]
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    descriptors = sorted(Path(f"/proc/{watcher}/fd").iterdir(), key=lambda one: int(one.name))
    assert len(descriptors) == 4 and str(descriptors[3].readlink()).startswith("socket:")


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda: os.execv("/bin/true", ["true"]), errno.EPERM),  # noqa: S606  # that it is refused is the point
        (lambda: syscalls.mount("x", "/mnt", "tmpfs"), errno.EPERM),
        (lambda: syscalls.unshare(syscalls.CLONE_NEWNS), errno.EPERM),
        (lambda: os.chroot("/"), errno.EPERM),
        (lambda: os.kill(1, 0), errno.EPERM),
        (lambda: os.setuid(0), errno.EPERM),
        (lambda: os.open(f"/proc/{os.getppid()}/mem", os.O_RDWR), errno.EACCES),
        (lambda: os.open("/etc/passwd", os.O_RDWR), errno.EACCES),
        (lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY), errno.EACCES),
        (lambda: Path("/etc/ws-watcher").mkdir(), errno.EACCES),
        (lambda: traced(os.getppid()), errno.EPERM),
        (lambda: os.close(os.open(f"/proc/{os.getppid()}/environ", os.O_RDONLY)), 0),
    ],
)
def test_what_its_capabilities_would_let_it_do_is_refused(act: Callable[[], object], error: int) -> None:
    """It reads, and neither mounts, traces, signals, writes, nor becomes another program or root."""
    if not (child := os.fork()):
        got = 0
        try:
            watching.restrict()
            act()
        except OSError as refused:
            got = refused.errno or 255
        finally:
            os._exit(got)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == error


def traced(pid: int) -> None:
    """ptrace(2), PTRACE_SEIZE."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(0x4206, pid, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def test_killed_between_two_looks_it_is_there_at_the_next(process: Process, client: Client, watcher: int) -> None:
    """No look is refused, and the next one has a new watcher; nothing is left of the old one."""
    os.kill(watcher, signal.SIGKILL)
    wait_until_gone(watcher)
    assert client.observe(["processes"]).host.process_count > 2
    assert watcher_of(process.process.pid) != watcher
    assert zombies(process.process.pid) == []


def test_killed_in_the_midst_of_a_look_one_look_is_refused(process: Process, client: Client, watcher: int) -> None:
    """Who waited is told, others are not, and the next look works."""
    with process.connect(CAROL) as carol, process.connect() as other:
        os.kill(watcher, signal.SIGSTOP)
        carol.send(Observe(["processes"]))
        other.ask(Hello())  # who asked before it, and took no time yet, has been heard by now
        client.send(Observe(["processes"]))  # it waits for its turn
        os.kill(watcher, signal.SIGKILL)
        with pytest.raises(HelperError, match="look_failed"):
            carol.receive(Observe)
        assert len(client.receive(Observe).descriptors) == 1
        assert carol.observe(["processes"]).caller == CAROL
    assert zombies(process.process.pid) == []


def zombies(parent: int) -> list[str]:
    """Children that have ended and wait to be reaped."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [one for one in children if Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"]


def test_a_look_that_takes_too_long_is_given_up(process: Process, client: Client, watcher: int) -> None:
    """The watcher is killed and started again, while the helper answers others."""
    with process.connect(ALICE) as alice:
        os.kill(watcher, signal.SIGSTOP)
        alice.send(Observe([]))
        assert client.ask(Hello()).value.pid == process.process.pid
        with pytest.raises(HelperError, match="look_failed"):
            alice.receive(Observe)
        wait_until_gone(watcher)
        assert alice.observe([]).caller == ALICE


def test_two_callers_at_once_get_each_their_own(process: Process, watcher: int) -> None:
    """Both wait, the helper answers meanwhile, and each is told of its own box alone."""
    with process.connect(ALICE) as alice, process.connect(BOB) as bob, process.connect(BOB) as other:
        boxes = {one: background(one, name="mine") for one in (alice, bob)}
        with stopped(watcher):
            for one in boxes:
                one.send(Observe(["hostname"]))
            assert other.ask(Hello()).value.root is True
            assert refusal(alice, Hello()) == "one_at_a_time"
        for one, box in boxes.items():
            seen = read(one)
            assert box.id in seen
            assert all(another.id not in seen for another in boxes.values() if another is not box)
            one.ask(Remove(box.id, force=True))


def read(client: Client) -> str:
    """The answer that a look gets, as text."""
    (descriptor,) = client.receive(Observe).descriptors
    with open(descriptor) as file:
        file.seek(0)
        return file.read()


def test_what_another_has_is_not_told_to_it_but_for_where_not_to_look() -> None:
    """Of another's box it gets neither name nor layer nor step; of the caller's own all, as many layers as fit."""
    boxes = {str(number): Sandboxed("name", uid, 7, None, 9, "/group") for number, uid in enumerate((ALICE, BOB, ALICE))}
    asked = Asked(["written"], Asker(ALICE), boxes).bounded(1)
    assert asked.sandboxes == {
        "0": boxes["0"], "1": Sandboxed("", BOB, 7, group="/group"), "2": replace(boxes["2"], upper=-1),
    }  # fmt: skip
    assert asked.uppers() == [9]
    assert replace(asked, subjects=["ipc"]).bounded(5).uppers() == []


def test_what_observes_is_not_even_loaded_by_the_helper() -> None:
    """Of the watcher's folder the root process has who asks, whose turn it is, and how the process begins."""
    program = (
        f"import sys; sys.path.insert(0, {str(Path(workshop.__file__).parents[1])!r}); import workshop.helper.service.process\n"
        "print(*sorted(name.rpartition('.')[2] for name in sys.modules if name.startswith('workshop.helper.watcher.')))"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["asked", "looks", "process"]


class BrokenOffError(Exception):
    """What a signal's handler raises."""


def test_a_look_that_its_caller_broke_off_does_not_spoil_the_next(helper: str) -> None:
    """What a signal interrupts while it waits for facts can look again at once, and is told what it asks then."""
    observer = Observer()
    observer([])
    with Client.connect() as client:
        watcher = watcher_of(client.ask(Hello()).value.pid)
    before = signal.signal(signal.SIGUSR1, break_off)
    try:
        with stopped(watcher), pytest.raises(BrokenOffError):
            threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
            observer([])
        assert observer(["hostname"]).subjects == ("hostname",)
    finally:
        signal.signal(signal.SIGUSR1, before)
        observer.close()


def break_off(*_: object) -> None:
    """Whatever is under way ends here."""
    raise BrokenOffError


class Desk:
    """Looks without a helper: a loop that is let go only when the test says so."""

    def __init__(self) -> None:
        """Nobody looks yet."""
        self.loop, self.children, self.answered = Loop(), set[int](), list[str]()
        self.looks = Looks(cast("Any", SimpleNamespace(home=SimpleNamespace(loop=self.loop), children=self.children)))

    def ask(self, name: str, uid: int) -> None:
        """Have somebody look."""

        def answer(outcome: int | Exception) -> None:
            assert isinstance(outcome, int), outcome
            os.close(outcome)
            self.answered.append(name)

        self.looks.ask(Look(uid, lambda: Asked([], Asker(uid)), answer, lambda: True))

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the loop go on until it holds."""
        while not condition():
            self.loop.step()

    def end(self) -> None:
        """End the watcher."""
        for one in self.children:
            os.kill(one, signal.SIGKILL)
        self.until(lambda: not self.children)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk of the test's own."""
    one = Desk()
    yield one
    one.end()


def test_who_took_much_looks_last(desk: Desk) -> None:
    """Of those who wait, who took little lately is next, whoever came first."""
    desk.loop.shares.take(ALICE, 2 * BURST_SECONDS)
    for name, uid in (("alice", ALICE), ("alice again", ALICE), ("bob", BOB)):
        desk.ask(name, uid)
    desk.until(lambda: len(desk.answered) == 3)
    assert desk.answered == ["alice", "bob", "alice again"]


def test_a_death_that_nobody_noticed_yet_refuses_no_look(desk: Desk) -> None:
    """Who asks between the watcher's end and the word of it is answered by the next watcher."""
    desk.ask("before", ALICE)
    desk.until(lambda: len(desk.answered) == 1)
    (watcher,) = desk.children
    os.kill(watcher, signal.SIGKILL)
    wait_until_gone(watcher)
    desk.ask("after", ALICE)
    desk.until(lambda: len(desk.answered) == 2)
    assert desk.children != {watcher}


def test_it_dies_with_the_helper() -> None:
    """Killed, idle or in the midst of a look, the helper takes it along."""
    for in_a_look in (False, True):
        with open_directory() as directory, helper_process(directory, instance=f"{INSTANCE}-w") as own:
            with own.connect() as client:
                client.observe([])
                watcher = watcher_of(own.process.pid)
                if in_a_look:
                    os.kill(watcher, signal.SIGSTOP)
                    client.send(Observe([]))
                own.kill()
            wait_until_gone(watcher)
    remove_directories(f"{INSTANCE}-w")
