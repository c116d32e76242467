"""The TUI killed at any moment: no container, no shell and no event is lost or left."""

from __future__ import annotations

import random
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.screen import Screen, still_running
from workshop.client.connection import Client
from workshop.course.library import load_library
from workshop.progress.progress import Progress
from workshop.protocol import List

WORKSHOP = str(Path(sys.executable).parent / "workshop")
FIRST_LESSON = load_library().lessons[0].text["en"].title
MOMENTS = [random.Random(20 + n).uniform(0, 0.6) for n in range(8)]  # noqa: S311 -- nobody is to be kept from guessing them


def containers() -> list[object]:
    """What the helper knows of, ended ones included."""
    with Client.connect() as client:
        return list(client.ask(List(all=True)).value.containers)


def wait_until_none(seconds: float = 5.0) -> list[object]:
    """The containers that are left when there are none, or time is over; the helper tells of no change by itself."""
    end = time.monotonic() + seconds
    while (left := containers()) and time.monotonic() < end:
        time.sleep(0.02)
    return left


@pytest.mark.root
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_screen_leaves_nothing(helper: str, tmp_path: Path, moment: float) -> None:
    """SIGKILL to `workshop start` while a container starts in its pane ends shell and container; progress is readable."""
    record = tmp_path / "progress.sqlite"
    environment = {"WORKSHOP_PROGRESS": str(record), "SHELL": "/bin/bash"}
    with Screen([WORKSHOP, "start", "--lang", "en"], 120, 40, environment) as screen:
        screen.wait(FIRST_LESSON, 30)
        screen.send(b"\r")
        screen.wait("#", 30)
        screen.send(b"\t")
        screen.wait("^] lesson")
        screen.send(b"box run -it --rm busybox\r")
        time.sleep(moment)  # what is tested is a kill at any moment
        family = psutil.Process(screen.pid).children(recursive=True)
        screen.process.send_signal(signal.SIGKILL)
        screen.process.wait()
        assert still_running(family, 5) == []
        assert wait_until_none() == []
    progress = Progress(record)
    assert next(event.kind for event in progress.events()) == "began"
    progress.close()
