"""Real places in which progress can't be kept: a small disk that fills, one that can only be read, a file that is locked."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workshop.progress.events import Event, uuid7
from workshop.progress.progress import Progress, ProgressError

LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


def event(step: str = "first", verdict: str = "not_yet", size: int = 0) -> Event:
    """An event on a step of `lesson`, about so many bytes large."""
    return Event(uuid7(), 0, "lesson", step, "verdict", verdict, values={"seen": "x" * size})


class Disk:
    """A file system of 300 kB in memory."""

    def __init__(self, path: Path) -> None:
        """It is mounted here already."""
        self.path = path

    def fill(self) -> None:
        """Take all that is free."""
        with (self.path / "fill").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        """Give it back."""
        (self.path / "fill").unlink()


@contextmanager
def small_disk(path: Path) -> Iterator[Disk]:
    """A small disk, mounted at this new directory; root only."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k,mode=755", "tmpfs", str(path)], check=True)
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@contextmanager
def only_to_be_read(path: Path) -> Iterator[None]:
    """Mount a directory over itself so that nobody, root included, can write in it; root only."""
    subprocess.run(["mount", "--bind", str(path), str(path)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(path)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds this database exclusively."""
    with subprocess.Popen([sys.executable, "-c", LOCK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"locked\n"
        yield
        program.communicate()


def written(path: Path, *events: Event) -> None:
    """A file of progress with these events."""
    kept = Progress(path)
    for one in events:
        kept.add(one)
    kept.close()


def steps(path: Path) -> list[str]:
    """The steps of all events in a file, as somebody who opens it now finds them."""
    kept = Progress(path)
    found = [one.step for one in kept.events()]
    assert [one.sequence for one in kept.events()] == list(range(1, len(found) + 1))
    kept.close()
    return found


def refusal(kept: Progress) -> ProgressError:
    """Why an event is not taken."""
    with pytest.raises(ProgressError) as caught:
        kept.add(event("refused"))
    return caught.value


def mode(path: Path) -> int:
    """What may be done with a file, as the nine bits of chmod(1)."""
    return path.stat().st_mode & 0o777
