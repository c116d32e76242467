"""What the file of progress did not take: it waits in order, outlives the program, and is saved once, by whoever can."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.disks import Disk, event, locked, refusal, steps, written
from workshop.progress import progress
from workshop.progress.events import passed_of
from workshop.progress.progress import Progress, ProgressError

pytest_plugins = ["tests.disk_fixtures"]
pytestmark = pytest.mark.usefixtures("session_directory")


@pytest.mark.root
def test_events_wait_in_order_and_are_saved_once(disk: Disk) -> None:
    """What a full disk refuses counts as recorded meanwhile, and is written in order, once, before anything later."""
    kept = Progress(disk.path / "p.sqlite")
    kept.add(event("first"))
    disk.fill()
    for step in ("second", "third"):
        with pytest.raises(ProgressError):
            kept.add(event(step, "passed", size=20000))
    assert len(kept.waiting) == 2
    assert passed_of(kept.past()) == {"lesson/second", "lesson/third"}
    assert kept.past()[-1].where == "lesson/third"
    assert [(one.step, one.sequence) for one in kept.events()] == [("first", 1), ("second", 2), ("third", 3)]
    assert [one.step for one in kept.past()] == ["first", "second", "third"]
    assert (last := kept.last("lesson/second", "verdict")) is not None and last.verdict == "passed"
    disk.make_room()
    kept.add(event("fourth"))
    kept.close()
    assert steps(disk.path / "p.sqlite") == ["first", "second", "third", "fourth"]


@pytest.mark.root
def test_after_a_failure_the_disk_is_left_alone_for_a_moment(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """`save` tries again no sooner than after RETRY_SECONDS, and then all is saved."""
    kept = Progress(disk.path / "p.sqlite")
    disk.fill()
    refusal(kept)
    disk.make_room()
    with pytest.raises(ProgressError):
        kept.save()
    monkeypatch.setattr(progress, "RETRY_SECONDS", 0.0)
    kept.save()
    assert (kept.waiting, kept.kept_in) == ((), None)
    kept.close()


@pytest.mark.root
def test_what_a_full_disk_refused_outlives_the_program(disk: Disk, session_directory: Path) -> None:
    """It waits in a file of the session's, whose name is told, until the next program saves it; then the file is gone."""
    kept = Progress(disk.path / "p.sqlite")
    disk.fill()
    refusal(kept)
    kept.close()
    assert kept.kept_in is not None
    assert session_directory in kept.kept_in.parents
    again = Progress(disk.path / "p.sqlite")
    assert again.past()[-1].where == "lesson/refused"
    again.close()
    disk.make_room()
    assert steps(disk.path / "p.sqlite") == ["refused"]
    assert not kept.kept_in.exists()
    assert list(session_directory.rglob("unsaved-*")) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.disks import event
from workshop.progress.progress import Progress, ProgressError
kept = Progress(Path(sys.argv[1]))
for step in ("first", "second"):
    try:
        kept.add(event(step))
    except ProgressError:
        pass
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_lock_refused_outlives_a_kill(tmp_path: Path) -> None:
    """SIGKILL while events wait for a lock loses none of them: they lie beside the progress, and are saved by whoever is next."""
    path = tmp_path / "p.sqlite"
    written(path, event("before"))
    with locked(path):
        done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.glob("p.sqlite.unsaved-*")
    assert left.stat().st_mode & 0o777 == 0o600
    beside = Progress(path)
    assert steps(path) == ["before", "first", "second"]
    assert [one.step for one in beside.events()] == ["before", "first", "second"]
    beside.close()
    assert not left.exists()


def test_what_two_programs_have_is_saved_once(tmp_path: Path) -> None:
    """A second workshop saves what the first one's lock kept out; when the first one does, too, it is there already."""
    path = tmp_path / "p.sqlite"
    with ExitStack() as held:
        first = Progress(path)
        held.enter_context(locked(path))
        refusal(first)
    assert steps(path) == ["refused"]
    first.add(event("later"))
    first.close()
    assert steps(path) == ["refused", "later"]


def test_a_kept_file_that_a_crash_cut_off_gives_what_is_whole(tmp_path: Path) -> None:
    """The last line of a file of waiting events may be half: the others are saved."""
    path = tmp_path / "p.sqlite"
    kept = Progress(path)
    with locked(path):
        refusal(kept)
        refusal(kept)
    (left,) = tmp_path.glob("p.sqlite.unsaved-*")
    left.write_bytes(left.read_bytes()[:-30])
    assert steps(path) == ["refused"]
    kept.close()


def test_an_event_that_cannot_be_written_keeps_no_other_from_it(tmp_path: Path) -> None:
    """Text that is none (half of a surrogate pair) is refused at once, and does not wait for ever before all that follows."""
    kept = Progress(tmp_path / "p.sqlite")
    with pytest.raises(UnicodeEncodeError):
        kept.add(event("\udcff"))
    kept.add(event("next"))
    kept.close()
    assert steps(tmp_path / "p.sqlite") == ["next"]


@pytest.mark.root
def test_what_somebody_else_left_is_not_taken_in(tmp_path: Path) -> None:
    """A file of waiting events that belongs to another user is not this learner's."""
    path = tmp_path / "p.sqlite"
    kept = Progress(path)
    with locked(path):
        refusal(kept)
    (left,) = tmp_path.glob("p.sqlite.unsaved-*")
    os.chown(left, 65534, 65534)
    assert steps(path) == []
    assert left.exists()
