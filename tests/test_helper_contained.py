"""What one action raises ends that action alone: the helper goes on, tells it, and what was to end still ends."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import resource
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.helper_process import (
    Process,
    background,
    execute,
    helper_process,
    inspect,
    open_directory,
    refusal,
    remove_directories,
    run,
    wait_until_gone,
    watcher_of,
)
from workshop.client.connection import Client, HelperError
from workshop.helper.engine.loop import Loop, Task
from workshop.helper.kernel.troubles import Troubles
from workshop.helper.operations.answers import refusal as refusal_packet
from workshop.protocol import (
    CreateNetwork,
    Exec,
    Hello,
    Images,
    Inspect,
    Layer,
    List,
    Logs,
    Observe,
    Pack,
    ProtocolError,
    Remove,
    Request,
    Run,
    Stop,
    Unpack,
    decode,
)

LEARNER, NEIGHBOUR = 1234, 1235
DIGEST = "sha256:" + "0" * 64
WORK: tuple[Request[object], ...] = (
    Run("busybox", ["true"]), Exec("one", ["true"]), Unpack(DIGEST), Pack("one"), Layer(DIGEST), Observe(["processes"]),
    Logs("one", wait=True), CreateNetwork("shop"),
)  # fmt: skip


@pytest.fixture
def process() -> Iterator[Process]:
    """A helper that has made its image, with a connection that stays, so that its descriptors are known."""
    with open_directory() as directory, helper_process(directory) as running, running.connect() as client:
        client.ask(Images())
        yield running
    remove_directories()


def descriptors(process: Process) -> list[int]:
    """Which ones the helper has."""
    return sorted(int(path.name) for path in Path(f"/proc/{process.process.pid}/fd").iterdir())


@contextlib.contextmanager
def limited(process: Process, spare: int) -> Iterator[None]:
    """The helper may have so many descriptors more than it has, and later as many as before."""
    limits = resource.prlimit(process.process.pid, resource.RLIMIT_NOFILE)
    taken = set(descriptors(process))
    free = (number for number in itertools.count() if number not in taken)
    resource.prlimit(process.process.pid, resource.RLIMIT_NOFILE, (next(itertools.islice(free, spare, None)), limits[1]))
    try:
        yield
    finally:
        resource.prlimit(process.process.pid, resource.RLIMIT_NOFILE, limits)


def raise_something() -> None:
    """An action that fails."""
    raise ValueError("of an action")


def test_an_action_that_raises_ends_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    """What is due and what can be read goes on after one that raised, which is told with where it happened."""
    loop, done = Loop(), list[str]()
    reading, writing = os.pipe()
    os.write(writing, b"x")
    loop.watch(reading, raise_something)
    loop.later(0, raise_something)
    loop.later(0.001, lambda: done.append("went on"))
    loop.later(0.05, loop.stop)
    loop.run()
    assert done == ["went on"]
    told = capfd.readouterr().err
    assert told.count("ValueError: of an action") == 2, "a descriptor that stays ready took the thread"
    assert Path(__file__).name in told
    loop.forget(reading)
    os.close(reading)
    os.close(writing)


def test_a_descriptor_whose_action_failed_is_listened_to_again() -> None:
    """It pauses for a moment only; one that was let go of meanwhile stays so."""
    loop, heard = Loop(), list[int]()
    pipes = [os.pipe(), os.pipe()]

    def hear(number: int) -> None:
        heard.append(number)
        if len(heard) < 3:
            raise ValueError("at first")
        loop.stop()

    for number, (reading, writing) in enumerate(pipes):
        os.write(writing, b"x")
        loop.watch(reading, lambda number=number: hear(number))  # type: ignore[misc]  # mypy infers no lambda with a default
    loop.later(0.05, lambda: loop.forget(pipes[0][0]))
    loop.run()
    assert heard == [0, 1, 1]
    for descriptor in (*pipes[0], *pipes[1]):
        loop.forget(descriptor)
        os.close(descriptor)


def test_what_a_tasks_end_raises_goes_no_further() -> None:
    """A task whose outcome nobody can take is over all the same."""

    def steps() -> Generator[int, None, str]:
        yield from ()
        return "outcome"

    def take(outcome: object) -> None:
        raise ValueError(outcome)

    Task(Loop(), steps(), take)


def test_the_log_has_a_bound_and_says_what_it_left_out() -> None:
    """No more than 64 KiB are written at once; later there is room again, and the number of lines that are missing is told."""
    written, now = list[bytes](), [0.0]
    log = Troubles(written.append, lambda: now[0])
    for _ in range(10_000):
        log.tell("x" * 100)
    assert 60_000 < sum(map(len, written)) <= 64 * 1024
    missing = 10_000 - len(written)
    now[0] += 3600
    log.tell("again")
    assert written[-1] == f"helper: again ({missing} lines before this one were left out)\n".encode()


def test_a_line_of_the_log_is_one_line_that_no_terminal_obeys() -> None:
    """Escapes and line ends that a caller chose are written as words, and a log that can't be written to stops nothing."""
    written = list[bytes]()
    Troubles(written.append).tell("a\nb\x1b[2J中" + "x" * 5000)
    assert written[0].startswith("helper: a\\nb\\x1b[2J中xxx".encode())
    assert (written[0].count(b"\n"), len(written[0]) < 2100) == (1, True)

    def full(_: bytes) -> None:
        raise OSError("no space left")

    Troubles(full).tell("a")


def test_a_refusal_comes_from_whatever_was_raised() -> None:
    """The want of descriptors is told by its name, also as the cause of something else; a cause may be the error itself."""
    full = OSError(errno.EMFILE, "Too many open files")
    of_itself, of_that = ProtocolError("start_failed", reason="it died"), ProtocolError("start_failed", reason="full")
    of_itself.__cause__, of_that.__cause__ = of_itself, full
    errors = (full, of_that, of_itself, ValueError("ours"))
    assert [decode(refusal_packet(one))["error"] for one in errors] == [
        "no_descriptors", "no_descriptors", "start_failed", "broken",
    ]  # fmt: skip


@pytest.mark.root
def test_near_its_limit_new_work_is_refused_and_what_runs_can_end(process: Process) -> None:
    """Every kind of new work is refused by name, for everybody; ps, logs, stop and rm -f work, on new connections too."""
    with process.connect(LEARNER) as learner:
        background(learner, name="one")
        background(learner, name="two")
        with limited(process, spare=100):
            with process.connect(LEARNER) as later:
                assert {refusal(later, work) for work in WORK} == {"no_descriptors"}
                assert len(later.ask(List()).value.containers) == 2
                later.ask(Logs("one"))
                assert later.ask(Stop("one", seconds=0)).value.code == 137
            with process.connect() as root:
                root.ask(Remove("two", force=True))
            with process.connect(NEIGHBOUR) as neighbour:
                assert neighbour.ask(Hello()).value.root is True
        assert run(learner, "true").code == 0


@pytest.mark.root
def test_who_takes_all_that_can_be_taken_leaves_enough_to_end_it() -> None:
    """A helper of 400 descriptors is filled with programs until no more are given: others connect, and rm -f makes room."""
    by = ("prlimit", "--nofile=400:400")
    with open_directory() as directory, helper_process(directory, by=by) as process, process.connect(LEARNER) as learner:
        names = ["one", "two", "three", "four"]
        for name in names:
            background(learner, name=name, pids=100)
        wanted = [Exec(name, ["sleep", "1000"], terminal=number < 15, detach=True) for name in names for number in range(60)]
        given = [slug_of(learner, one) for one in wanted]
        assert set(given) == {"", "no_descriptors"}
        assert given[-20:] == ["no_descriptors"] * 20
        assert len(descriptors(process)) <= 400 - 128
        with process.connect(NEIGHBOUR) as neighbour, process.connect(LEARNER) as again:
            assert refusal(neighbour, Run("busybox", ["true"])) == "no_descriptors"
            for name in names:
                again.ask(Remove(name, force=True))
            wait_for(lambda: len(descriptors(process)) < 30)
            assert run(neighbour, "true").code == 0
    remove_directories()


@pytest.mark.root
def test_at_the_very_end_who_connects_is_told_why_not_and_root_is_let_in(process: Process) -> None:
    """With fewer descriptors still an ordinary caller reads why nobody can connect, and root can end what runs."""
    with process.connect(LEARNER) as learner:
        background(learner, name="one")
        with limited(process, spare=50):
            with process.connect(NEIGHBOUR) as neighbour:
                assert refusal(neighbour, Hello()) == "no_descriptors"
            with process.connect() as root:
                root.ask(Remove("one", force=True))
        assert learner.ask(List(all=True)).value.containers == ()


@pytest.mark.root
@pytest.mark.parametrize("ending", [Remove("one", force=True), Stop("one", seconds=0)])
def test_without_any_descriptor_what_was_to_end_still_ends(process: Process, ending: Request[object]) -> None:
    """Not one file can be opened while rm -f or stop is asked: the helper is still there, and the box ends as soon as one can."""
    with process.connect(LEARNER) as learner, process.connect(LEARNER) as other:
        box = background(learner, name="one")
        frozen = Path(box.cgroups.get("freezer", box.cgroups["unified"]))
        freeze(frozen)
        with limited(process, spare=0):
            learner.send(ending)
            time.sleep(0.3)  # as many tries as fail in that time
            assert process.process.poll() is None
        learner.receive(type(ending))
        assert refusal(other, Exec("one", ["true"])) in ("no_such_container", "not_running")
        wait_until_gone(box.pid)
        assert not frozen.exists()


def freeze(group: Path) -> None:
    """Stop what is in a group, so that SIGKILL alone ends nothing in version 1."""
    state = group / "freezer.state"
    state.write_text("FROZEN") if state.exists() else (group / "cgroup.freeze").write_text("1")


@pytest.mark.root
def test_what_fails_for_want_of_descriptors_is_said_so_and_leaks_none(process: Process) -> None:
    """An answer that needs a descriptor is a refusal where there is none, at any number of spare ones, and all are given back."""
    with process.connect() as client:
        background(client, name="one", variables=["V=" + "x" * 15_000])
        background(client, name="two", variables=["V=" + "x" * 15_000])
        client.ask(Hello())  # by now it has closed what it sent beside the answer before
        before = descriptors(process)
        for spare in range(12):
            with limited(process, spare):
                slugs = [slug_of(client, work) for work in (Inspect("one"), List(), Exec("one", ["true"], detach=True))]
                assert set(slugs) <= {"", "no_descriptors"}
        assert execute(client, "one", "true").code == 0
        wait_for(lambda: descriptors(process) == before)


def slug_of(client: Client, request: Request[object]) -> str:
    """With which slug a request is refused, empty where it is not."""
    try:
        for descriptor in client.ask(request).descriptors:
            os.close(descriptor)
    except HelperError as error:
        return error.slug
    return ""


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Return once it holds: nothing tells of a helper's descriptors."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def processor_seconds(pid: int) -> float:
    """Processor time that a process has taken."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@pytest.mark.root
def test_who_cannot_be_let_in_costs_nothing_while_waiting(process: Process) -> None:
    """A caller for whom there is no descriptor at all waits, the helper rests meanwhile, and later the caller is served."""
    with limited(process, spare=0):
        waiting = process.connect(LEARNER)
        before = processor_seconds(process.process.pid)
        time.sleep(1)  # the experiment: how much of it the helper takes
        assert processor_seconds(process.process.pid) - before < 0.2
    with waiting:
        assert waiting.ask(Hello()).value.root is True


MANY = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)); "
    "taken = set(map(int, os.listdir('/proc/self/fd'))); "
    "[os.dup2(0, number) for number in range(1100) if number not in taken]; os.execvp(sys.argv[1], sys.argv[1:])"
)  # fmt: skip


@pytest.mark.root
def test_it_looks_inside_with_more_than_1024_descriptors() -> None:
    """Host names and queues are told whatever numbers its descriptors have, and no child is left."""
    by = ("python3", "-c", MANY)
    with open_directory() as directory, helper_process(directory, by=by) as process, process.connect() as client:
        box = background(client, hostname="lab")
        seen = {one.id: one for one in client.observe(["hostname", "ipc", "interfaces"]).containers}
        assert seen[box.id].hostname == "lab"
        assert descriptors(process)[-1] > 1024
        watcher = watcher_of(process.process.pid)
        assert (children(process.process.pid), children(watcher)) == ({box.pid, watcher}, set())
    remove_directories()


def children(pid: int) -> set[int]:
    """A process's children, ended ones that nobody reaped among them."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@pytest.mark.root
def test_detached_executions_have_a_quota_are_told_of_and_end_with_the_box(process: Process) -> None:
    """So many run in one sandbox and in all of an owner's; inspect tells their pids; each end makes room, and rm -f ends all."""
    wanted = Exec("one", ["sleep", "1000"], detach=True)
    with process.connect(LEARNER) as learner:
        boxes = [background(learner, name=name, pids=100) for name in ("one", "two", "three", "four", "five")]
        for _ in range(64):
            learner.ask(wanted)
        assert refusal(learner, wanted) == "too_many_executions"
        pids = inspect(learner, "one").executions
        assert len(set(pids)) == 64
        assert all(Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x001000\x00" for pid in pids)
        os.kill(pids[0], 9)
        wait_for(lambda: len(inspect(learner, "one").executions) == 63)
        learner.ask(wanted)
        for name in ("two", "three", "four"):
            for _ in range(64):
                learner.ask(Exec(name, ["sleep", "1000"], detach=True))
        assert refusal(learner, Exec("five", ["true"])) == "too_many_executions_in_all"
        learner.ask(Remove("one", force=True))
        assert execute(learner, "five", "true").code == 0
        for one in boxes[1:]:
            learner.ask(Remove(one.id, force=True))
    for pid in pids:
        wait_until_gone(pid)


@pytest.mark.root
def test_words_for_the_log_go_nowhere_else_where_there_is_none() -> None:
    """Started with standard error closed, the helper has something harmless there, and works."""
    by = ("sh", "-c", 'exec "$@" 2>&-', "sh")
    with open_directory() as directory, helper_process(directory, by=by) as process, process.connect() as client:
        assert Path(f"/proc/{process.process.pid}/fd/2").readlink() == Path("/dev/null")
        assert run(client, "true").code == 0
    remove_directories()


@pytest.mark.root
def test_a_helper_whose_starter_ignored_the_end_of_children_tells_exit_codes() -> None:
    """SIGCHLD ignored by whoever starts it, as some supervisors do: programs end with their own codes."""
    by = ("env", "--ignore-signal=CHLD")
    with open_directory() as directory, helper_process(directory, by=by) as process, process.connect() as client:
        assert run(client, "sh", "-c", "exit 7").code == 7
    remove_directories()
