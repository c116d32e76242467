"""What the benchmarks of the screens share: `workshop start` with an instance and progress of its own, and an empty app."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.screen import Screen  # noqa: E402 -- found by the line above

COLUMNS, ROWS = 120, 40
PATIENCE_SECONDS = 5.0
WORKSHOP = [sys.executable, "-c", "from workshop.cli import main; main()", "start", "--lang", "en"]
EMPTY = [
    sys.executable,
    "-c",
    """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("top")
        bottom = Static("bottom")
        bottom.styles.dock = "bottom"
        yield bottom
Empty().run()
""",
]


@contextmanager
def own_instance(name: str) -> Iterator[dict[str, str]]:
    """The environment of a helper and a progress that nobody else uses; both are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKSHOP_INSTANCE"] = name
        progress = str(Path(folder) / "progress.sqlite")
        try:
            yield {"WORKSHOP_INSTANCE": name, "WORKSHOP_PROGRESS": progress, "PYTHONPATH": str(ROOT)}
        finally:
            end_helper()
            for place in ("/run", "/var/lib"):
                shutil.rmtree(Path(place) / name, ignore_errors=True)


def end_helper() -> None:
    """End the instance's helper, if one runs, and wait until it has tidied up: it needs its directories for that."""
    from workshop.client.connection import Client, HelperError  # noqa: PLC0415 -- reads the instance's name when it is used
    from workshop.protocol import Hello  # noqa: PLC0415 -- the same

    with suppress(HelperError, ProcessLookupError):
        with Client.connect() as client:
            helper = os.pidfd_open(client.ask(Hello()).value.pid)
        signal.pidfd_send_signal(helper, signal.SIGTERM)
        select.select([helper], [], [], PATIENCE_SECONDS)
        os.close(helper)


def is_full(text: str) -> bool:
    """Whether the first and the last line of the screen are there."""
    lines = text.split("\n")
    return len(lines) >= ROWS and bool(lines[0].strip()) and bool(lines[-1].strip())


def opened(argv: list[str], environment: dict[str, str]) -> Screen:
    """The program on a screen of its own."""
    return Screen(argv, COLUMNS, ROWS, environment)
