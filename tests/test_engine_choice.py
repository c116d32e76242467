"""Which engine lessons speak of: Docker where this user may use it, else box; and every lesson is passed with Docker."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import IMPOSSIBLE
from tests.engines import run
from workshop.client.connection import Client
from workshop.course.library import load_library
from workshop.engines.choice import Choice, EngineError, decide
from workshop.engines.docker import IMPORT, Docker, seen
from workshop.learning.undo import undo

WORKSHOP = str(Path(sys.executable).parent / "workshop")
ADDRESS = "/run/docker.sock"
SOON, PATIENCE = 0.2, 10.0


def with_docker(folder: Path, address: str = "") -> dict[str, str]:
    """An environment in which there is a command docker, and DOCKER_HOST if it is given."""
    command = folder / "docker"
    command.touch(0o755)
    return {"PATH": str(folder), **({"DOCKER_HOST": address} if address else {})}


def test_docker_is_chosen_where_it_answers() -> None:
    """With a daemon that answers, lessons type docker, and the reason names version and socket."""
    choice = decide(Docker(ADDRESS, "28.2.2", image=True))
    assert choice.name == "docker"
    assert choice.reason("en") == "docker (28.2.2 answers on /run/docker.sock)"


def test_docker_without_the_image_says_how_to_make_it() -> None:
    """Docker is used all the same, and the reason has the command that needs no network."""
    choice = decide(Docker(ADDRESS, "28.2.2"))
    assert choice.name == "docker"
    assert IMPORT in choice.reason("en")


@pytest.mark.parametrize("trouble", ["no_command", "elsewhere", "no_daemon", "refused", "silent"])
def test_box_is_chosen_where_docker_cannot_be_used(trouble: str) -> None:
    """Box, with the reason in both languages; and no lesson where Docker itself was asked for."""
    choice = decide(Docker(ADDRESS, trouble=trouble))
    assert choice.name == "box"
    assert choice.reason("en").startswith("box, because ")
    assert choice.reason("zh").startswith("box，因为")
    with pytest.raises(EngineError) as error:
        decide(Docker(ADDRESS, trouble=trouble), "docker")
    assert error.value.slug == trouble


def test_box_that_was_asked_for_says_so() -> None:
    """The reason for box is then the option."""
    assert Choice().reason("en") == "box, because --engine box was given"


def test_a_machine_without_docker(tmp_path: Path) -> None:
    """No command, no daemon on its socket, a daemon on another machine: each is seen as what it is."""
    assert seen({"PATH": str(tmp_path)}, SOON).trouble == "no_command"
    assert seen(with_docker(tmp_path, f"unix://{tmp_path}/none.sock"), SOON).trouble == "no_daemon"
    assert seen(with_docker(tmp_path, "tcp://build.example:2376"), SOON).trouble == "elsewhere"


def test_a_socket_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    """What listens and never answers is given up after the time that it may take."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tmp_path}/docker.sock")
        listener.listen()
        assert seen(with_docker(tmp_path, f"unix://{tmp_path}/docker.sock"), SOON).trouble == "silent"


@pytest.mark.root
def test_a_socket_that_is_not_for_this_user_is_refused(tmp_path: Path) -> None:
    """An ordinary user outside the group docker learns that it is the socket's permissions."""
    place = f"{tmp_path}/docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        Path(place).chmod(0o660)
        listener.listen()
        os.seteuid(65534)
        try:
            assert seen(with_docker_command(f"unix://{place}"), SOON).trouble == "refused"
        finally:
            os.seteuid(0)


def with_docker_command(address: str) -> dict[str, str]:
    """This test's own environment, for a user who may not enter pytest's folders; skipped without a docker command."""
    environment = {"PATH": os.environ["PATH"], "DOCKER_HOST": address}
    if seen(environment, SOON).trouble == "no_command":
        pytest.skip("not installed: docker")
    return environment


def test_docker_that_is_asked_for_and_absent_is_told() -> None:
    """`workshop solve --engine docker` says why Docker can't be used and does nothing."""
    ran = subprocess.run([WORKSHOP, "solve", "--engine", "docker", "--lang", "en"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.startswith("Error: --engine docker: ")


@pytest.fixture(scope="module")
def docker_with_image(docker_host: str, helper: str) -> str:
    """The address of a Docker daemon that has box's image, brought there by the command that learners are told."""
    run("bash", "-o", "pipefail", "-c", IMPORT, DOCKER_HOST=docker_host)
    return docker_host


@pytest.mark.root
@pytest.mark.docker
@pytest.mark.slow
def test_undo_removes_what_a_lesson_can_have_started_with_docker(
    docker_with_image: str, helper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container of the image busybox is gone after undo; one of another image, somebody's, is not touched."""
    monkeypatch.setenv("DOCKER_HOST", docker_with_image)
    run("docker", "rmi", "--force", "somebodys")
    with Client.connect() as client:
        before = client.observe([])
        ours = run("docker", "run", "-d", "busybox", "sleep", "100")
        run("docker", "commit", ours, "somebodys")
        theirs = run("docker", "run", "-d", "somebodys", "sleep", "100")
        tried = undo(before, client.observe([]))
    try:
        assert ("docker", ours) in {(one.kind, one.name) for one in tried}
        assert run("docker", "ps", "--quiet", "--no-trunc") == theirs
    finally:
        run("docker", "rm", "--force", theirs)
        run("docker", "rmi", "--force", "somebodys")


def left_in_the_end(docker_host: str) -> str:
    """The ids of Docker's containers, once those that end have gone: --rm takes its time after the shell's end."""
    end = time.monotonic() + PATIENCE
    while (left := run("docker", "ps", "--all", "--quiet", DOCKER_HOST=docker_host)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def remove_everything(docker_host: str) -> None:
    """What one lesson left is not in the way of the next."""
    for one in run("docker", "ps", "--all", "--quiet", DOCKER_HOST=docker_host).split():
        run("docker", "rm", "--force", one, DOCKER_HOST=docker_host)
    run("docker", "network", "prune", "--force", DOCKER_HOST=docker_host)


@pytest.mark.root
@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("lesson", [lesson.id for lesson in load_library().lessons])
def test_every_lesson_is_passed_with_docker(
    lesson: str, docker_with_image: str, record_property: Callable[[str, object], None]
) -> None:
    """Each step passes or is impossible here for a stated reason, and no container of Docker's is left."""
    environment = {**os.environ, "DOCKER_HOST": docker_with_image}
    command = [WORKSHOP, "solve", "--engine", "docker", "--json", lesson]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        left = left_in_the_end(docker_with_image)
    finally:
        remove_everything(docker_with_image)
    outcomes = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [one for one in outcomes if one["verdict"] not in ("passed", "impossible")] == []
    assert (ran.returncode, ran.stderr) == (0, "")
    assert left == ""
    for one in outcomes:
        if one["verdict"] == "impossible":
            record_property(IMPOSSIBLE, f"with docker: {one['lesson']}/{one['step']}: {one['reason']}")


TWO_WAYS = "Ask {engine} at {socket}:\n\n```docker\ncurl {socket}\n```\n```box\nask box\n```\nand awk '{print}'.\n"


def test_lines_for_one_engine_are_shown_with_that_engine_only() -> None:
    """A fence with an engine's name is left out with the other; name and socket are filled in, other braces stay."""
    docker = decide(Docker(ADDRESS, "28.2.2", image=True)).fill(TWO_WAYS)
    assert docker == "Ask docker at /run/docker.sock:\n\n```\ncurl /run/docker.sock\n```\nand awk '{print}'.\n"
    box = Choice().fill(TWO_WAYS)
    assert "```\nask box\n```\nand" in box and "curl" not in box and "helper.sock:" in box
