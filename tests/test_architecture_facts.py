"""What an engine is made of and what a registry holds: seen on the real machine, and drawn."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.screens import container, facts
from workshop.client.connection import Client
from workshop.client.sight.registry import HOST, find
from workshop.engines.choice import Choice
from workshop.facts import Component, Facts, Image, Registry, Repository, Tag
from workshop.helper.watcher.components import boot_clock, lasting, parse_sockets
from workshop.pictures.architecture import architecture
from workshop.protocol import Hello

PATIENCE = 10.0
UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 17312 /run/docker.sock
0000000000000000: 00000003 00000000 00000000 0001 03 17313 /run/docker.sock
0000000000000000: 00000002 00000000 00010000 0005 01 17314 /run/workshop/helper.sock
0000000000000000: 00000002 00000000 00010000 0001 01 17315 /srv/with blanks/containerd.sock
0000000000000000: 00000002 00000000 00010000 0001 01 17316 /run/dbus/system_bus_socket
0000000000000000: 00000002 00000000 00010000 0001 01 17317
"""


def test_sockets_are_those_at_which_an_engine_listens() -> None:
    """Of the kernel's list, those that wait for connections and have an engine's name; a connection made is none."""
    assert parse_sockets(UNIX) == ("/run/docker.sock", "/run/workshop/helper.sock", "/srv/with blanks/containerd.sock")


@pytest.mark.root
def test_the_helper_and_its_clients_are_components(helper: str) -> None:
    """The helper sees itself, where it listens, and a client that stays; once the client has ended it is none."""
    with Client.connect() as client, subprocess.Popen(["box", "stats"], stdout=subprocess.PIPE) as box:
        assert box.stdout
        box.stdout.readline()
        seen = client.observe(["components"]).host
        pid = client.ask(Hello()).value.pid
        box.kill()
        box.wait()
        after = client.observe(["components"]).host
    assert ("helper", pid) in {(one.part, one.pid) for one in seen.components}
    assert ("client", box.pid, "box") in {(one.part, one.pid, one.name) for one in seen.components}
    assert box.pid not in {one.pid for one in after.components}
    assert Choice().socket in seen.sockets


def test_a_process_lasts_once_it_has_run_for_a_second() -> None:
    """A client that has just begun may only ask and end; a second later it stays."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as one:
        now, stat = boot_clock(), Path(f"/proc/{one.pid}/stat").read_text("utf-8")
        started = int(stat.rpartition(")")[2].split()[19])
    assert (lasting(started, now), lasting(started, now + 1)) == (False, True)


def test_subjects_that_were_not_asked_for_have_no_components() -> None:
    """Nothing is drawn of what was not looked at."""
    assert architecture(facts(container()), "en", 80) == []


SEEN = replace(
    facts(container("lab")),
    subjects=("components", "registry", "images"),
    images=(Image("mine:1", f"sha256:{'7' * 64}"),),
    registry=Registry(True, (Repository("lab/hello", (Tag("1.0", f"sha256:{'5' * 64}"),)),)),
)


def running(seen: Facts) -> Facts:
    """A machine with Docker, a client and the helper."""
    parts = (
        Component("daemon", 812, 1, "dockerd"),
        Component("shim", 900, 1, "containerd-shim"),
        Component("shim", 901, 1, "containerd-shim"),
        Component("helper", 77, 1, "python3"),
        Component("client", 950, 900, "docker\x1b[2J"),
    )
    return replace(
        seen, host=replace(seen.host, components=parts, sockets=("/run/docker.sock", "/run/containerd/containerd.sock"))
    )


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [46, 60, 100, 160])
def test_architecture_shows_every_part_and_fits(language: str, width: int) -> None:
    """Client, daemon, shims, helper, containers, images and the registry's tags, in ASCII frames straight at any width."""
    drawn = [line.plain for line in architecture(running(SEEN), language, width)]
    text = "\n".join(drawn)
    wanted = (
        "docker",
        "950",
        "dockerd (812)",
        "containerd-shim x 2",
        "python3 (77)",
        "lab: ",
        "mine:1 777777777777",
        "lab/hello",
        "1.0 555555555555",
    )
    assert [one for one in wanted if one not in text] == []
    assert "\x1b" not in text
    assert max(map(cell_len, drawn)) <= width
    assert {line[-1] for line in drawn if line.startswith("|") and width < 100} <= {"|"}


def test_architecture_says_what_is_not_there() -> None:
    """Without client, container, image and registry each says so in words."""
    text = "\n".join(line.plain for line in architecture(Facts(subjects=("components", "registry", "images")), "en", 46))
    assert text.count("none now") == 5


def test_images_that_were_not_looked_at_have_no_part() -> None:
    """A step that does not look at images does not say that there are none."""
    drawn = architecture(replace(SEEN, subjects=("components", "registry")), "en", 46)
    assert not any("images" in line.plain for line in drawn)


def test_architecture_is_no_list() -> None:
    """Of many containers the first are shown, and the others are counted."""
    many = replace(SEEN, containers=tuple(container(f"box{number}") for number in range(9)))
    text = "\n".join(line.plain for line in architecture(many, "en", 46))
    assert "box4" in text and "box5" not in text and "and 4 more" in text


def free_port() -> int:
    """A port of the loopback interface at which nothing listens."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[int]:
    """A registry of this test's own, and its port."""
    if not shutil.which("docker-registry"):
        pytest.skip("not installed: docker-registry")
    port, config = free_port(), tmp_path / "config.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/data}}}}\nhttp: {{addr: '{HOST}:{port}'}}\n"
    )
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log) as one,
    ):
        end = time.monotonic() + PATIENCE
        while not find({os.getuid()}, port).answers and time.monotonic() < end:
            time.sleep(0.05)  # it tells nobody when it listens
        yield port
        one.terminate()


def put(port: int, method: str, path: str, body: bytes = b"", kind: str = "application/octet-stream") -> str:
    """Send a body to the registry; where it says that the next one shall go."""
    connection = http.client.HTTPConnection(HOST, port)
    connection.request(method, path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    assert answer.status < 300, answer.read()
    connection.close()
    return answer.getheader("Location") or ""


def digest(body: bytes) -> str:
    """The name of a blob."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def push(port: int, body: bytes) -> dict[str, object]:
    """Push a blob; how a manifest names it."""
    place = put(port, "POST", "/v2/lab/hello/blobs/uploads/").partition(f":{port}")[2]
    put(port, "PUT", f"{place}&digest={digest(body)}", body)
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(body), "size": len(body)}


def test_a_registry_is_seen_with_its_tags_and_their_digests(registry: int) -> None:
    """Empty, then with a blob, then with a manifest under a tag, whose digest is that of the bytes that were pushed."""
    assert find({os.getuid()}, registry) == Registry(True, ())
    config, layer = push(registry, b"{}"), push(registry, b"layer")
    assert [one.name for one in find({os.getuid()}, registry).repositories] == ["lab/hello"]
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}).encode()
    put(registry, "PUT", "/v2/lab/hello/manifests/1.0", manifest, kind)
    assert find({os.getuid()}, registry).tag("lab/hello", "1.0") == Tag("1.0", digest(manifest), (digest(b"layer"),))


def test_what_is_no_registry_is_not_taken_for_one(tmp_path: Path) -> None:
    """Nothing at the port, or something that never answers: no registry, within a moment."""
    assert not find({os.getuid()}, free_port()).answers
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen()
        assert not find({os.getuid()}, silent.getsockname()[1]).answers
