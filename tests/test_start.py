"""`workshop start` as an ordinary user: what it offers before the screen opens, and to whom."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helper_process import open_directory
from tests.screen import Screen

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("installed")]
UID = 1234
START = """
import os, subprocess, sys
import workshop.client.connection, workshop.words.language, workshop.protocol
from workshop import cli
cli.say("en", "cli.begin_as_root")
os.setuid({uid})
sys.argv = ["workshop", "start", "--plain"]
print("root:", cli.has_root_helper("en"))
cli.offer_root("en")
print("goes on as", os.geteuid())
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the ordinary user can go through."""
    with open_directory() as folder:
        yield folder


@pytest.fixture
def installed(helper: str) -> Iterator[None]:
    """The helper's socket is everybody's, as the installed one's is."""
    socket = Path(f"/run/{helper}/helper.sock")
    before = socket.stat().st_mode
    socket.chmod(0o666)
    yield
    socket.chmod(before)


def begun(folder: Path, sudo: str) -> Screen:
    """What precedes the screen, as an ordinary user to whom `sudo` is this program."""
    program = folder / "sudo"
    program.write_text(f"#!/bin/sh\n{sudo}\n")
    program.chmod(0o755)
    return Screen([sys.executable, "-c", START.format(uid=UID)], environment={"PATH": f"{folder}:{os.environ['PATH']}"})


def test_who_may_be_root_without_a_password_can_begin_as_root(place: Path) -> None:
    """Enter begins the same command again by sudo, in the same language."""
    with begun(place, 'echo "sudo runs: $*"') as screen:
        screen.wait("Begin as root? [Y/n]")
        screen.send(b"\r")
        screen.wait("sudo runs: workshop start --plain --lang en")
        screen.wait_for_end()
        assert "goes on" not in screen.text()


def test_who_would_rather_not_goes_on(place: Path) -> None:
    """`n` goes on as the ordinary user."""
    with begun(place, "true") as screen:
        screen.wait("Begin as root? [Y/n]")
        screen.send(b"n\r")
        screen.wait(f"goes on as {UID}")


def test_whom_sudo_would_ask_for_a_password_is_not_asked(place: Path) -> None:
    """Where sudo wants a password nothing is offered, as on a machine that a class shares."""
    with begun(place, "exit 1") as screen:
        screen.wait(f"goes on as {UID}")
        assert "root: True" in screen.text()
        assert "Begin as root" not in screen.text()
