"""Progress: events are appended, survive, and travel."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from workshop.facts import Evidence, Facts, Host, Ipc, Queue
from workshop.progress import Event, ExportError, Progress, export_lines, read_export, uuid7

SEEN = Evidence(Facts(), Facts(host=Host(ipc=Ipc(queues=(Queue(0, 7),)))), answer="4026531839")


def event(step: str = "first", **changes: Any) -> Event:
    return replace(Event(uuid7(), 0, "lesson", step, "verdict", "not_yet", "no_queue", {"queue": 0}, SEEN), **changes)


def opened(folder: Path) -> Progress:
    return Progress(folder / "progress.sqlite")


def test_what_was_added_is_there_after_reopening(tmp_path: Path) -> None:
    """Events come back whole, evidence and all, in the order in which they were added."""
    first = opened(tmp_path)
    added = [first.add(event()), first.add(event("second", verdict="passed", slug="passed"))]
    first.close()
    again = opened(tmp_path)
    assert again.events() == added
    assert [one.sequence for one in added] == [1, 2]
    assert again.passed() == {"lesson/second"}
    assert again.latest() == "lesson/second"
    again.close()


def test_order_does_not_depend_on_the_clock(tmp_path: Path) -> None:
    """The latest event is the one added last, though the clock was turned back meanwhile."""
    progress = opened(tmp_path)
    progress.add(event("early", time=2_000_000_000.0))
    progress.add(event("late", time=1.0))
    assert progress.latest() == "lesson/late"
    progress.close()


def test_unreadable_file_is_kept_aside(tmp_path: Path) -> None:
    """A file that is no database is kept under another name, and the learner can go on."""
    path = tmp_path / "progress.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    progress = Progress(path)
    assert progress.moved_aside is not None
    assert progress.moved_aside.read_bytes().startswith(b"not a database")
    progress.add(event())
    assert len(progress.events()) == 1
    progress.close()


APPEND = """
import sys
from pathlib import Path
from workshop.progress import Event, Progress, uuid7
progress = Progress(Path(sys.argv[1]))
for _ in range(20):
    progress.add(Event(uuid7(), 0, "lesson", "step", "hint"))
progress.close()
"""


def test_two_programs_append_at_once(tmp_path: Path) -> None:
    """Two workshops of one learner lose no event of each other's."""
    path = tmp_path / "progress.sqlite"
    opened(tmp_path).close()
    writers = [subprocess.Popen([sys.executable, "-c", APPEND, str(path)]) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    progress = Progress(path)
    assert [one.sequence for one in progress.events()] == list(range(1, 41))
    progress.close()


def test_ids_are_uuid_version_7_and_never_repeat() -> None:
    """Ids are UUIDv7 and distinct."""
    ids = {uuid7() for _ in range(1000)}
    assert len(ids) == 1000
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert {uuid.UUID(one).variant for one in ids} == {uuid.RFC_4122}


def test_export_travels(tmp_path: Path) -> None:
    """What was exported is read back with every event."""
    progress = opened(tmp_path)
    added = progress.add(event())
    file = tmp_path / "export"
    file.write_bytes(b"\n".join(export_lines(progress)) + b"\n")
    progress.close()
    assert read_export(file).events == (added,)


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-200], lambda data: data.splitlines()[0], lambda data: b"", lambda data: b"\xff" * 50]
)
def test_damaged_export_is_refused_in_words(tmp_path: Path, spoil: object) -> None:
    """A truncated, empty or foreign file gives an ExportError that names the file."""
    progress = opened(tmp_path)
    progress.add(event())
    file = tmp_path / "export"
    file.write_bytes(spoil(b"\n".join(export_lines(progress))))  # type: ignore[operator]  # a lambda above
    progress.close()
    with pytest.raises(ExportError, match="export"):
        read_export(file)


def test_surrogates_and_control_characters_survive(tmp_path: Path) -> None:
    """An answer is kept as it was typed, whatever characters it holds."""
    progress = opened(tmp_path)
    odd = "\x1b[31m\u202e队列\n"
    progress.add(event(evidence=replace(SEEN, answer=odd)))
    evidence = progress.events()[0].evidence
    assert evidence is not None
    assert evidence.answer == odd
    progress.close()
    assert msgspec.json.encode(odd)


@pytest.mark.root
def test_a_user_without_an_account_can_export(tmp_path: Path) -> None:
    """A uid that no account has is named by its number."""
    code = """
import os, sys
from pathlib import Path
from workshop.progress import Progress, export_lines
progress = Progress(Path(sys.argv[1]))
os.setuid(54321)
print(next(iter(export_lines(progress))).decode())
progress.close()
"""
    environment = {name: value for name, value in os.environ.items() if name not in ("LOGNAME", "USER", "LNAME", "USERNAME")}
    command = [sys.executable, "-c", code, str(tmp_path / "p.sqlite")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "uid-54321" in done.stdout
