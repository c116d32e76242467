"""The helper speaks UTF-8 with the kernel and in its log, whatever the locale of whoever started it, and by whichever way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helper_process import (
    INSTANCE,
    MAIN,
    Process,
    helper_process,
    open_directory,
    read_all,
    remove_directories,
    started,
    wait_until_gone,
)
from tests.layouts import archive, config, digest, hand_over
from workshop.client.connection import Client
from workshop.protocol import Hello, Image, Register, Run
from workshop.setup.install import place

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not shutil.which("localedef"), reason="no localedef (package libc-bin) to make a locale with"),
]


@pytest.fixture(scope="module")
def latin(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody whose locale is Latin-1."""
    folder = tmp_path_factory.mktemp("locale")
    subprocess.run(["localedef", "-c", "-i", "en_US", "-f", "ISO-8859-1", str(folder / "en_US.ISO-8859-1")], check=False)
    environment = {"LOCPATH": str(folder), "LC_ALL": "en_US.ISO-8859-1"}
    asked = [sys.executable, "-c", "import locale; print(locale.getpreferredencoding())"]
    said = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout
    if said.strip() != "ISO-8859-1":
        pytest.skip("this machine has no sources of the locale en_US (package locales)")
    return environment


@pytest.fixture
def process(latin: dict[str, str]) -> Iterator[Process]:
    """A helper that was started from there."""
    by = ("env", *(f"{key}={value}" for key, value in latin.items()))
    with open_directory() as directory, helper_process(directory, by=by) as running:
        yield running
    remove_directories()


def test_names_in_images_and_words_come_through_as_they_are(process: Process) -> None:
    """A file's name in a layer, a command and what it prints are the same outside and inside."""
    with process.connect() as client:
        data = archive(("opt/é中", b"hello\n"))
        hand_over(client, data)
        base = client.ask(Image("busybox")).value.layers[0]
        client.ask(Register("made", json.dumps(config(base, digest(data)))))
        reply = client.ask(Run("made", ["sh", "-c", "echo 中 /opt/*"], remove=True))
        assert "".join(map(read_all, reply.descriptors)) == "中 /opt/é中\n"


def command_of(process: subprocess.Popen[bytes]) -> list[str]:
    """The words that a process was started with last."""
    return Path(f"/proc/{process.pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")


def test_every_way_of_starting_it_asks_for_utf_8(latin: dict[str, str], tmp_path: Path) -> None:
    """`workshop helper run`, the command of the systemd unit and the start without systemd: each ends in Python's UTF-8 mode."""
    place(INSTANCE, tmp_path)
    unit = (tmp_path / f"etc/systemd/system/{INSTANCE}-helper.service").read_text()
    installed = next(line.partition("=")[2].split() for line in unit.splitlines() if line.startswith("ExecStart="))
    assert "utf8" in installed
    assert " ".join(installed) in (tmp_path / f"usr/local/lib/{INSTANCE}-helper/start").read_text()
    for command in ([sys.executable, "-I", str(MAIN), "run"], [str(Path(sys.executable).with_name("workshop")), "helper", "run"]):
        process = started(command, env=latin)
        words = command_of(process)
        process.terminate()
        process.wait(20)
        assert words[words.index("-X") + 1] == "utf8"
    remove_directories()


def test_the_helper_that_box_starts_asks_for_utf_8(latin: dict[str, str]) -> None:
    """The one that `box` starts for itself, from the same locale."""
    environment = {**os.environ, **latin, "WORKSHOP_INSTANCE": INSTANCE}
    box = str(Path(sys.executable).with_name("box"))
    ran = subprocess.run([box, "run", "--rm", "busybox", "echo", "hello"], env=environment, capture_output=True, check=True)
    assert ran.stdout == b"hello\n"
    with Client(connected(f"/run/{INSTANCE}/helper.sock")) as client:
        pid = client.ask(Hello()).value.pid
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    os.kill(pid, signal.SIGTERM)
    wait_until_gone(pid)
    remove_directories()
    assert words[words.index("-X") + 1] == "utf8"


def connected(path: str) -> socket.socket:
    """A connection to a helper."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end.connect(path)
    return end
