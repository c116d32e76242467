"""Who asked Docker for a container: told by the client that waits while it is made."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.engines import run
from workshop.client.sight.witness import Asked, Client, Witness, may_have_asked, parse_event, who_asked

ID = "3f1c0a7be2d94c58a6f5ce3b7d20914e8a5b6c7d8e9f00112233445566778899"
ASKED = Asked(ID, "lab", "busybox")
ANN, BOB = 1000, 1001
NOW = 5000.0


def client(line: str, person: int = ANN, began: float = NOW, pid: int = 7) -> Client:
    """A client with this command line."""
    return Client(pid, began, person, tuple(line.split()))


@pytest.mark.parametrize(
    ("line", "may"),
    [
        ("docker run -it --rm busybox", True),
        ("docker run -d --name lab busybox sleep 9", True),
        ("docker run -d --name=other busybox sleep 9", False),
        ("docker container create busybox", True),
        ("docker run -it alpine", False),
        ("docker start lab", True),
        (f"docker restart {ID[:12]}", True),
        ("docker logs -f lab", False),
        ("docker events", False),
        ("curl -s --unix-socket /run/docker.sock -X POST http://localhost/containers/lab/start", True),
        ("curl -s http://localhost/containers/other/start", False),
    ],
)
def test_a_command_line_fits_the_container_or_not(line: str, may: bool) -> None:
    """What makes or starts a container of this name, id or image may have asked for it."""
    assert may_have_asked(client(line), ASKED) is may


def test_a_composed_container_is_asked_for_by_compose() -> None:
    """Its image and name stand in no command line."""
    composed = parse_event(
        b'{"Type":"container","Action":"create","Actor":{"ID":"9","Attributes":{"com.docker.compose.project":"x","image":"web"}}}'
    )
    assert composed and may_have_asked(client("docker-compose up -d"), composed)


def test_who_waits_for_it_asked() -> None:
    """Clients of one person alone are proof; of two who typed the same at the same time, nobody is."""
    mine, other = client("docker run busybox"), client("docker run busybox", BOB, pid=8)
    assert who_asked(ASKED, [mine], NOW) == mine
    assert who_asked(ASKED, [mine, other], NOW) is None
    assert who_asked(ASKED, [], NOW) is None


def test_a_client_that_began_long_ago_waits_for_another() -> None:
    """Somebody who sits in a container for an hour is not taken for who has just started one; alone, it may be a long pull."""
    mine, other = client("docker run busybox"), client("docker run busybox", BOB, began=NOW - 3600, pid=8)
    assert who_asked(ASKED, [mine, other], NOW) == mine
    assert who_asked(ASKED, [other], NOW) == other


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b"\xff", b'{"Type":"container","Actor":{}}', b'{"Type":"network","Actor":{"Attributes":{}}}']
)
def test_what_is_no_event_is_passed_over(line: bytes) -> None:
    """Docker may say anything."""
    assert parse_event(line) is None


@pytest.mark.root
@pytest.mark.docker
@pytest.mark.slow
def test_of_dockers_containers_those_that_one_asked_for(
    docker_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Detached, created and started, or started by its interface: one's own; another account's, from the same daemon: not."""
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    path = docker_host.removeprefix("unix://")
    ways = {
        "detached": "docker run -d busybox sh -c 'sleep 1000'",
        "created": "docker create --name made busybox sh -c 'sleep 1000' && docker start made >/dev/null",
        "by hand": "docker create --name hand busybox sh -c 'sleep 1000' && "
        f"curl -s --unix-socket {path} -X POST http://localhost/containers/hand/start",
    }
    witness = Witness(tmp_path / "kept")
    assert witness.own() == frozenset()
    try:
        for way, line in ways.items():
            made = run("bash", "-c", line, DOCKER_HOST=docker_host)
            assert until(witness, made), way
        theirs = as_nobody(docker_host)
        assert theirs not in witness.own() and Witness(tmp_path / "kept").own() == witness.own()
    finally:
        witness.close()
        run("bash", "-c", "docker rm -f $(docker ps -aq)", DOCKER_HOST=docker_host)


def until(witness: Witness, identity: str) -> bool:
    """True once the witness knows it: the event of its start comes while the client still waits."""
    end = time.monotonic() + 5
    while identity not in witness.own() and time.monotonic() < end:
        time.sleep(0.01)
    return identity in witness.own()


def as_nobody(docker_host: str) -> str:
    """The id of a container that another account has asked for."""
    Path(docker_host.removeprefix("unix://")).chmod(0o666)
    for folder in Path(docker_host.removeprefix("unix://")).parents:
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    command = ["setpriv", "--reuid=65534", "--clear-groups", "docker", "run", "-d", "busybox", "sh", "-c", "sleep 1000"]
    return subprocess.run(
        command, env={**os.environ, "HOME": "/nonexistent"}, capture_output=True, text=True, check=True
    ).stdout.strip()
