"""Progress that can't be read or written: the cause is named, nothing is moved or lost, and it is saved when it can be again."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.disks import Disk, event, locked, only_to_be_read, refusal, steps, written
from tests.helper_process import open_directory
from workshop.progress import database, progress
from workshop.progress.events import passed_of
from workshop.progress.progress import Progress, ProgressError, why_not
from workshop.words import sentence

WORKSHOP = str(Path(sys.executable).with_name("workshop"))

pytest_plugins = ["tests.disk_fixtures"]
pytestmark = pytest.mark.usefixtures("session_directory")


def test_a_locked_file_stays_where_it_is(tmp_path: Path) -> None:
    """Another program's lock is told within seconds; nothing is renamed, and all is there once the lock is gone."""
    path = tmp_path / "p.sqlite"
    written(path, event("first"))
    with locked(path):
        began = time.monotonic()
        kept = Progress(path)
        with pytest.raises(ProgressError) as caught:
            passed_of(kept.past())
        assert time.monotonic() - began < 2 * progress.PATIENCE_SECONDS
        assert caught.value.slug == "locked"
        assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["p.sqlite"]
    assert [one.step for one in kept.events()] == ["first"]
    kept.close()


@pytest.mark.parametrize("ask", [Progress.events, Progress.past, lambda kept: kept.last("a/b", "hint")])
def test_no_question_raises_what_sqlite_raises(tmp_path: Path, ask: object) -> None:
    """Each question asked of a file that was locked meanwhile is answered with a ProgressError."""
    kept = Progress(tmp_path / "p.sqlite")
    with locked(kept.path), pytest.raises(ProgressError):
        ask(kept)  # type: ignore[operator]  # one of those above
    kept.close()


@pytest.mark.root
def test_a_disk_that_is_full_is_called_full(disk: Disk) -> None:
    """At the first start and later: the cause is the disk's, not a rollback's, in both languages, and nothing is renamed."""
    path = disk.path / "p.sqlite"
    kept = Progress(path)
    disk.fill()
    trouble = refusal(kept)
    assert trouble.slug == "full"
    assert "disk is full" in sentence("en", trouble)
    assert "磁盘满了" in sentence("zh", trouble)
    kept.close()
    path.unlink()
    disk.fill()
    fresh = Progress(path)
    assert refusal(fresh).slug == "full"
    fresh.close()
    assert not list(disk.path.glob("*unreadable*"))


@pytest.mark.root
def test_what_can_only_be_read_is_read(tmp_path: Path) -> None:
    """On a disk that is mounted read-only progress is shown, new events are refused with that cause, and nothing is renamed."""
    home = tmp_path / "home"
    home.mkdir()
    written(home / "p.sqlite", event("first", "passed"))
    with only_to_be_read(home):
        kept = Progress(home / "p.sqlite")
        assert passed_of(kept.past()) == {"lesson/first"}
        assert refusal(kept).slug == "read_only"
        assert passed_of(kept.past()) == {"lesson/first"}
        assert refusal(Progress(home / "new" / "p.sqlite")).slug == "read_only"
        kept.close()
    assert [one.name for one in home.iterdir()] == ["p.sqlite"]


LIMITED = """
import resource, sys
from pathlib import Path
from tests.disks import event
from workshop.progress.progress import Progress, ProgressError
kept = Progress(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (40960, 40960))
try:
    for number in range(50):
        kept.add(event(str(number), size=2000))
except ProgressError as error:
    print(error.slug, len(kept.events()), number + 1)
"""


def test_an_error_of_the_disk_is_called_one(tmp_path: Path) -> None:
    """A file that may not grow (as with a quota) is an error of the disk; the event that was refused waits with the others."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "p.sqlite")], capture_output=True, text=True, check=False
    )
    slug, held, given = done.stdout.split()
    assert (slug, held) == ("disk_error", given), done.stderr
    assert steps(tmp_path / "p.sqlite") == [str(number) for number in range(int(given))]


NOBODYS = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


@pytest.mark.root
@pytest.mark.others
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("shut/p.sqlite", "You may not use the file of your progress"),
        ("shut/new/p.sqlite", "The directory for your progress is missing"),
        ("roots/p.sqlite", "The file of your progress belongs to root"),
        ("roots", "Is a directory"),
    ],
)
def test_who_may_not_is_told_why(place: str, said: str) -> None:
    """An ordinary user whose directory is shut or missing, or whose file is root's, gets a sentence; nothing is renamed."""
    with open_directory() as folder:
        (folder / "shut").mkdir(mode=0o555)
        written(folder / "roots" / "p.sqlite", event())
        (folder / "roots").chmod(0o777)
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "WORKSHOP_PROGRESS": str(folder / place)}
        command = [*NOBODYS, WORKSHOP, "progress"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert [one.name for one in (folder / "roots").iterdir()] == ["p.sqlite"]


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    """A whole database that is no progress is not moved aside: SQLite's own words say what it lacks."""
    path = tmp_path / "places.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE events (title TEXT)")
    other.close()
    trouble = refusal(Progress(path))
    assert (trouble.slug, trouble.values["reason"]) == ("other", "no such column: lesson")
    assert path.exists()


def test_what_is_malformed_within_is_moved_aside(tmp_path: Path) -> None:
    """Damage that shows only when it is read moves the file aside as well, once, and what happens then is kept."""
    path = tmp_path / "p.sqlite"
    written(path, event("first"), event("second", size=40000))
    damaged = bytearray(path.read_bytes())
    damaged[-16384:] = b"\xa5" * 16384  # of the second event's body, which lies in pages of its own
    path.write_bytes(damaged)
    kept = Progress(path)
    with pytest.raises(ProgressError) as caught:
        kept.events()
    assert caught.value.slug == "moved_aside"
    assert kept.moved_aside is not None
    assert kept.moved_aside.read_bytes() == damaged
    kept.add(event("after"))
    kept.close()
    assert steps(path) == ["after"]


CODES = {
    "SQLITE_BUSY": "locked",
    "SQLITE_BUSY_RECOVERY": "locked",
    "SQLITE_LOCKED": "locked",
    "SQLITE_FULL": "full",
    "SQLITE_READONLY_ROLLBACK": "read_only",
    "SQLITE_PERM": "not_permitted",
    "SQLITE_CANTOPEN": "cannot_open",
    "SQLITE_IOERR_FSYNC": "disk_error",
    "SQLITE_IOERR_LOCK": "no_locks",
    "SQLITE_PROTOCOL": "no_locks",
    "SQLITE_CORRUPT_INDEX": "damaged",
    "SQLITE_NOTADB": "damaged",
    "SQLITE_ERROR": "other",
}


@pytest.mark.parametrize(("name", "slug"), CODES.items())
def test_only_a_damaged_file_counts_as_damaged(name: str, slug: str, tmp_path: Path) -> None:
    """Every result code of SQLite's has the name of its cause, and of all of them two say that the file is damaged."""
    error = sqlite3.OperationalError("in SQLite's words")
    error.sqlite_errorcode = getattr(sqlite3, name)
    (tmp_path / "p.sqlite").touch()
    trouble = database.trouble_with(tmp_path / "p.sqlite", error)
    assert trouble.slug == slug
    assert database.is_damaged(error) == (slug == "damaged")
    for language in ("en", "zh"):
        assert "in SQLite's words" in sentence(language, trouble)
        assert "{" not in sentence(language, trouble)


def test_what_no_version_wrote_hides_nothing(tmp_path: Path) -> None:
    """A row of the database whose body is no event is left out of every list, and the others are there."""
    path = tmp_path / "p.sqlite"
    written(path, event("first"))
    with sqlite3.connect(path) as raw:
        raw.execute("INSERT INTO events (id, lesson, step, verdict, body) VALUES ('x', 'lesson', 'odd', '', x'7b7d')")
    raw.close()
    kept = Progress(path)
    kept.add(event("second"))
    assert [one.step for one in kept.events()] == [one.step for one in kept.past()] == ["first", "second"]
    assert kept.last("lesson/odd", "verdict") is None
    kept.close()


@pytest.mark.root
def test_looking_whether_progress_can_be_kept_changes_nothing(disk: Disk) -> None:
    """Of a place where all is well, a full one and a locked file the doctor is told, and no file is made or left."""
    path = disk.path / "below" / "p.sqlite"
    assert why_not(path) is None
    disk.fill()
    assert (trouble := why_not(path)) is not None and trouble.slug == "full"
    assert [one.name for one in disk.path.iterdir()] == ["fill"]
    disk.make_room()
    written(path, event())
    with locked(path):
        assert (trouble := why_not(path)) is not None and trouble.slug == "locked"
    assert why_not(path) is None
    assert [one.name for one in path.parent.iterdir()] == ["p.sqlite"]
