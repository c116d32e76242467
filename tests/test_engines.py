"""The same checks pass whatever started the container: bare `unshare`, runc and Docker, on the real kernel."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engines import Bare, Docker, Engine, Runc, run
from workshop.classroom.report import Handed, report
from workshop.client.connection import Client
from workshop.client.sight.observer import Observer
from workshop.course.lesson import Step
from workshop.course.library import Library, load_library
from workshop.facts import Container, Facts
from workshop.judging.verdict import Impossible, Passed, Verdict
from workshop.learning.session import Session
from workshop.progress.exports import export_lines, read_export
from workshop.progress.progress import Progress

pytestmark = pytest.mark.root

NAMES = ["unshare", "runc", pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.slow])]
PROGRAMS = {"unshare": ("unshare", "busybox"), "runc": ("runc", "busybox"), "docker": ("dockerd", "docker", "busybox")}
PATIENCE = 15.0
ONE_VERSION_ONLY = ("quota_v1", "quota_v2")
"""Steps that a machine has only with the one version of control groups; no machine has both."""


@pytest.fixture(scope="module")
def client(helper: str) -> Iterator[Client]:
    """A connection to the real helper."""
    with Client.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def library() -> Library:
    """The workshop's own lessons."""
    return load_library()


@pytest.fixture(scope="module")
def docker(docker_host: str) -> Iterator[Docker]:
    """Docker, with this module's daemon, which is the learner's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", docker_host)
        yield Docker(docker_host)


@pytest.fixture
def observer(client: Client) -> Iterator[Observer]:
    """A learner's look, by the helper and from the learner's own side."""
    observer = Observer()
    yield observer
    observer.close()


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, client: Client, tmp_path: Path) -> Iterator[Engine]:
    """Each engine in turn; nothing of its container is left afterwards."""
    name = str(request.param)
    if missing := [program for program in PROGRAMS[name] if not shutil.which(program)]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    hierarchy = next((one for one in client.observe([]).host.hierarchies if "cpu" in one.controllers), None)
    if hierarchy is None:
        pytest.skip("no control group tree has the cpu controller")
    if name == "docker":
        started: Engine = request.getfixturevalue("docker")
    else:
        started = Bare(hierarchy) if name == "unshare" else Runc(tmp_path)
    yield started
    started.stop()


class Onlooker:
    """The kernel's facts without the containers that somebody else ran on this machine when the test began."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.others = {self._who(one) for one in observer([]).containers}

    def _who(self, container: Container) -> tuple[int, int, int]:
        return container.namespaces.pid, container.init.pid, container.init.started

    def __call__(self, subjects: Sequence[str]) -> Facts:
        seen = self.observer(subjects)
        return replace(seen, containers=tuple(one for one in seen.containers if self._who(one) not in self.others))


class Walk:
    """A lesson walked through with some engine: what is done at each step, and the verdict waited for."""

    def __init__(self, session: Session, engine: Engine) -> None:
        self.session, self.engine = session, engine
        self.doing: dict[str, Callable[[], object]] = {
            "start": engine.start,
            "make_queue": lambda: run("ipcmk", "-Q"),
            "remove_queue": lambda: run("ipcrm", "-q", self.answer("queue_id")),
            "limit": engine.limit,
            "throttle": engine.burn,
            "leave": engine.stop,
        }

    def pass_step(self, step: Step) -> Verdict:
        """Do what the step asks for, once the check says that it is not done yet, and wait until the check is content."""
        self.session.go(step.where)
        if step.choices:
            return self.session.check(step.right)
        if step.answer:
            return self.session.check(self.answer(step.answer) if self._possible(step) else None)
        untouched = self.session.check()
        if isinstance(untouched, Impossible):
            return untouched
        assert untouched.kind == "not_yet", f"{step.where} was done before anything was done: {untouched}"
        self.doing[step.id]()
        return self._wait()

    def _possible(self, step: Step) -> bool:
        return not isinstance(self.session.check(), Impossible)

    def _wait(self) -> Verdict:
        end = time.monotonic() + PATIENCE
        while not isinstance(verdict := self.session.check(), Passed) and time.monotonic() < end:
            time.sleep(0.05)  # the kernel says nothing when a container comes or a counter moves
        return verdict

    def answer(self, function: str) -> str:
        """What the lesson itself says is the true answer on the live system."""
        return str(self.session.library.function(self.session.step.lesson, function)(self.facts()))

    def facts(self) -> Facts:
        """What the kernel shows now of what the step looks at."""
        return self.session.look()


def appeared(onlooker: Onlooker) -> Container:
    """The container with a terminal that was not there before, as soon as it is there."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for one in onlooker(["processes"]).containers:
            if one.init.terminal:
                return one
        time.sleep(0.05)  # as above: nothing tells of a new container
    raise AssertionError("no container with a terminal appeared")


@pytest.mark.parametrize("lesson", ["exercise_namespaces", "exercise_cgroups"])
def test_exercise_passes_with_any_engine(
    lesson: str, engine: Engine, observer: Observer, library: Library, tmp_path: Path
) -> None:
    """Every step of both exercises is passed with a container of this engine, or impossible on this machine as for box."""
    progress = Progress(tmp_path / "progress.sqlite")
    walk = Walk(Session(library, progress, Onlooker(observer), "en"), engine)
    for step in library.lesson(lesson).steps:
        verdict = walk.pass_step(step)
        fine = (Passed, Impossible) if step.id in ONE_VERSION_ONLY else Passed
        assert isinstance(verdict, fine), (step.where, verdict)
    export = tmp_path / "export.jsonl"
    export.write_bytes(b"".join(line + b"\n" for line in export_lines(progress)))
    progress.close()
    believed(export, lesson, library)


def believed(export: Path, lesson: str, library: Library) -> None:
    """The instructor's side, judging the real evidence again, comes to the same verdicts and doubts nothing."""
    (learner,) = report([Handed(str(export), read_export(export))], library).learners
    assert learner.doubts == ()
    states = {one.state for one in learner.steps if one.where.startswith(f"{lesson}/")}
    assert states <= {"passed", "impossible"}


def test_container_is_recognised_as_its_engines(engine: Engine, observer: Observer, request: pytest.FixtureRequest) -> None:
    """The facts name the engine that started the container, and its processes with their numbers on both sides."""
    onlooker = Onlooker(observer)
    engine.start()
    found = appeared(onlooker)
    name = request.node.callspec.params["engine"]
    assert found.engine == name
    assert found.init.inner == 1
    assert found.init.pid in {one.pid for one in found.processes}
