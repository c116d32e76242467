"""Progress: events are appended, survive, and are the learner's alone."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.disks import mode
from workshop.facts import Evidence, Facts, Host, Ipc, Queue
from workshop.progress.events import passed_of
from workshop.progress.progress import Event, Progress, default_path, uuid7

SEEN = Evidence(Facts(), Facts(host=Host(ipc=Ipc(queues=(Queue(0, 7),)))), answer="4026531839")


FIRST_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    lesson TEXT NOT NULL,
    step TEXT NOT NULL,
    verdict TEXT NOT NULL,
    body BLOB NOT NULL
)
"""
"""As it was in version 0.1.0; not the one of the code, which may change."""


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
    assert passed_of(again.past()) == {"lesson/second"}
    assert again.past()[-1].where == "lesson/second"
    again.close()


def test_order_does_not_depend_on_the_clock(tmp_path: Path) -> None:
    """The latest event is the one added last, though the clock was turned back meanwhile."""
    progress = opened(tmp_path)
    progress.add(event("early", time=2_000_000_000.0))
    progress.add(event("late", time=1.0))
    assert progress.past()[-1].where == "lesson/late"
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
from workshop.progress.progress import Event, Progress, default_path, uuid7
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


@pytest.mark.parametrize("mask", ["0000", "0022", "0777"])
def test_progress_is_the_learners_alone(mask: str, tmp_path: Path) -> None:
    """The workshop's own directory has mode 0700 and its files 0600, whatever the umask; so has a file that is moved aside."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in ("WORKSHOP_PROGRESS", "XDG_DATA_HOME")}
    code = f"""
import os
from pathlib import Path
Path(os.environ["HOME"], ".local/share").mkdir(parents=True)
os.umask(0o{mask})
from workshop.progress.progress import Progress, default_path
Progress(default_path()).close()
default_path().write_bytes(b"no database" * 100)
kept = Progress(default_path())
kept.close()
os.execvp("find", ["find", str(default_path().parent), "-printf", "%m %f\\n"])
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**environment, "HOME": str(home)}, capture_output=True, text=True, check=True)
    modes = {name: mode for mode, _, name in (line.partition(" ") for line in done.stdout.splitlines())}
    assert {name.partition(".unreadable")[0]: mode for name, mode in modes.items()} == {
        "container-workshop": "700",
        "progress.sqlite": "600",
    }
    assert len(modes) == 3, done.stdout


def test_what_others_could_read_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that an earlier version left for everybody, and the workshop's own directory, are the learner's when it is opened."""
    monkeypatch.delenv("WORKSHOP_PROGRESS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = default_path().parent
    Progress(default_path()).close()
    names = ["progress.sqlite", "progress.sqlite.unreadable-20260101T000000-abcd", "broken-check.log", "workshop-fault.log"]
    for name in [*names, "ann.export"]:
        (folder / name).touch()
        (folder / name).chmod(0o664)
    folder.chmod(0o755)
    Progress(default_path()).close()
    assert {name: mode(folder / name) for name in names} == dict.fromkeys(names, 0o600)
    assert mode(folder) == 0o700
    assert mode(folder / "ann.export") == 0o664, "an export is to be handed on"


def test_a_directory_that_is_not_the_workshops_is_never_changed(tmp_path: Path) -> None:
    """WORKSHOP_PROGRESS may name a file in a directory of many purposes: the file is the learner's alone, the rest stays."""
    tmp_path.chmod(0o755)
    neighbour = tmp_path / "p.sqlite-notes"
    neighbour.touch()
    neighbour.chmod(0o644)
    opened(tmp_path).close()
    (tmp_path / "progress.sqlite").chmod(0o644)
    opened(tmp_path).close()
    assert (mode(tmp_path), mode(tmp_path / "progress.sqlite"), mode(neighbour)) == (0o755, 0o600, 0o644)
    Progress(tmp_path / "made" / "p.sqlite").close()
    assert mode(tmp_path / "made") == 0o700, "a directory that it makes itself is its own"


@pytest.mark.root
def test_somebody_elses_directory_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root who works on a learner's progress leaves the modes of what is the learner's."""
    monkeypatch.delenv("WORKSHOP_PROGRESS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    Progress(default_path()).close()
    folder = default_path().parent
    for path, given in ((folder, 0o755), (default_path(), 0o644)):
        path.chmod(given)
        os.chown(path, 1234, 1234)
    Progress(default_path()).close()
    assert (mode(folder), mode(default_path())) == (0o755, 0o644)


def test_a_file_of_the_first_version_opens_as_it_is(tmp_path: Path) -> None:
    """What was written before is read, and gone on with."""
    path = tmp_path / "progress.sqlite"
    with sqlite3.connect(path) as old:
        old.execute(FIRST_SCHEMA)
        body = b'{"id":"a","sequence":1,"lesson":"l","step":"s","kind":"verdict","verdict":"passed","slug":"passed","time":1.5}'
        old.execute("INSERT INTO events VALUES (1, 'a', 'l', 's', 'passed', ?)", (body,))
    old.close()
    progress = Progress(path)
    assert passed_of(progress.past()) == {"l/s"}
    assert (progress.past()[-1].where, progress.moved_aside) == ("l/s", None)
    assert progress.add(event()).sequence == 2
    progress.close()
