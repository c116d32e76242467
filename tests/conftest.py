"""What every test has: an instance of the helper of its own, and a census that ends the suite."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from tests.census import census, left_in_the_end, taken_away
from tests.engines import DaemonError, docker_daemon
from tests.helper_process import remove_directories
from workshop.client.connection import Client, HelperError, start_helper
from workshop.progress import Progress
from workshop.protocol import Hello

settings.register_profile("any machine", deadline=None)  # a property holds, however busy the machine is
settings.load_profile("any machine")

for variable in ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"):  # as where a learner works
    os.environ.pop(variable, None)
INSTANCE = f"ws-{os.getpid()}"  # two suites may run on one machine
os.environ["WORKSHOP_INSTANCE"] = INSTANCE  # a learner's own containers on this machine are never touched
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # box and workshop of this checkout
os.environ["DOCKER_HOST"] = "unix:///nowhere/docker.sock"  # lessons are solved with box, whatever this machine has
os.environ["TEXTUAL_DISABLE_KITTY_KEY"] = "1"

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the suite may ignore these, and programs inherit that
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

SETTLE_SECONDS = 5.0
IMPOSSIBLE = "impossible"
"""The name of the property by which a test tells of a step that this machine can't do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that needs root, or other accounts that may read this checkout, says so where it can't run."""
    if os.getuid() != 0:
        for item in items:
            if "root" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="needs root: namespaces of others, cgroups"))
    if (theirs := [item for item in items if "others" in item.keywords]) and not readable():
        for item in theirs:
            item.add_marker(pytest.mark.skip(reason="other accounts may not read this checkout"))


def readable() -> bool:
    """True where another account can run this checkout."""
    command = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", "import workshop"]
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    return subprocess.run(command, check=False, capture_output=True, cwd="/", env=environment).returncode == 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What could not be done on this machine is listed with its reason: nothing is left out in silence."""
    passed = terminalreporter.getreports("passed")
    lines = [str(value) for report in passed for name, value in report.user_properties if name == IMPOSSIBLE]
    if lines:
        terminalreporter.section("steps that are impossible on this machine")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def machine_as_it_was(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The suite leaves no mount, cgroup, link, System V object, process or file in the home directory, and takes none away."""
    os.environ["WORKSHOP_PROGRESS"] = str(tmp_path_factory.mktemp("progress") / "progress.sqlite")
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))  # what lessons make there, and some leave
    before = census()
    yield
    from tests import faults  # noqa: PLC0415  # it takes over the environment that is set above

    remove_directories(faults.INSTANCE)  # not sooner: they hold the image, which each of its tests would else make anew
    assert (left_in_the_end(before, SETTLE_SECONDS), taken_away(before, census())) == ({}, {})


@pytest.fixture(autouse=True)
def progress_is_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test opens as a learner's progress is closed at its end, as by the command line: Python 3.13 tells what was not."""
    opened, begin = list[Progress](), Progress.__init__

    def noted(progress: Progress, path: Path) -> None:
        begin(progress, path)
        opened.append(progress)

    monkeypatch.setattr(Progress, "__init__", noted)
    yield
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def helper(machine_as_it_was: None) -> Iterator[str]:
    """A running helper; gives the instance's name. Tests leave no container in it."""
    start_helper()
    with removed_instance(INSTANCE), Client.connect():  # it ends by itself when nobody is connected for long
        yield INSTANCE


@pytest.fixture(scope="module")
def docker_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Docker daemon of this module's own; the test is skipped where none can run."""
    if missing := [program for program in ("dockerd", "docker", "busybox") if not shutil.which(program)]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    with ExitStack() as stack:
        try:
            address = stack.enter_context(docker_daemon(tmp_path_factory.mktemp("docker")))
        except DaemonError as error:
            pytest.skip(f"no Docker daemon runs here: {error}")
        yield address


@contextmanager
def removed_instance(instance: str) -> Iterator[None]:
    """Afterwards this instance's helper has ended, and its directories are gone."""
    try:
        yield
    finally:
        stop_helper(instance)
        remove_directories(instance)


def stop_helper(instance: str) -> None:
    """End this instance's helper, if it runs, and wait until it has gone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKSHOP_INSTANCE", instance)
        try:
            with Client.connect() as client:
                process = os.pidfd_open(client.ask(Hello()).value.pid)
        except (HelperError, ProcessLookupError):
            return
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        select.select([process], [], [], SETTLE_SECONDS)
    finally:
        os.close(process)
