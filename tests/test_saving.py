"""The workshop where progress can't be saved: it goes on, says so and why, saves when it can, and loses nothing at leaving."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.disks import Disk, event, locked, only_to_be_read
from tests.helper_process import open_directory
from tests.screen import Screen
from tests.screens import Kernel, container, facts, library, opened, screen_text, session, until
from tests.test_plain import dialogue
from workshop.course.library import load_library
from workshop.learning.session import Session
from workshop.progress import progress
from workshop.progress.progress import Progress

WORKSHOP = str(Path(sys.executable).with_name("workshop"))

pytest_plugins = ["tests.disk_fixtures"]
pytestmark = pytest.mark.usefixtures("session_directory")

NOT_SAVED = {"en": "Not saved: The disk is full", "zh": "进度没有保存：磁盘满了"}
SAVED = {"en": "Your progress is saved again", "zh": "进度又能保存了"}


def learner(tmp_path: Path, path: Path, kernel: Kernel, language: str = "en") -> Session:
    """Somebody at work, whose progress is kept in this file."""
    return Session(library(tmp_path), Progress(path), kernel.observe, language)


def recorded(path: Path) -> list[tuple[str, str]]:
    """Step and kind of every event that is in the file; each is there once, and they are numbered without a gap."""
    kept = Progress(path)
    events = kept.events()
    kept.close()
    assert len({one.id for one in events}) == len(events)
    assert [one.sequence for one in events] == list(range(1, len(events) + 1))
    return [(one.step, one.verdict or one.kind) for one in events]


@pytest.mark.root
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_screen_goes_on_when_the_disk_is_full_and_saves_again(language: str, tmp_path: Path, disk: Disk) -> None:
    """A step passes though the disk is full; a banner says what is not saved and why; with room all is saved, in order."""
    path = disk.path / "p.sqlite"
    running = learner(tmp_path, path, Kernel(), language)
    async with opened(running, step="guess") as pilot:
        disk.fill()
        await pilot.press("1")
        await until(pilot, lambda: NOT_SAVED[language] in screen_text(pilot.app))
        assert running.position.state(running.step) == "passed"
        await pilot.press("n")
        await until(pilot, lambda: running.step.id == "start" and running.verdict is not None)
        assert NOT_SAVED[language] in screen_text(pilot.app)
        await pilot.press("h")
        disk.make_room()
        await until(pilot, lambda: NOT_SAVED[language] not in screen_text(pilot.app))
        await until(pilot, lambda: SAVED[language] in screen_text(pilot.app))
    running.progress.close()
    assert recorded(path) == [
        ("guess", "began"), ("guess", "not_yet"), ("guess", "passed"),
        ("start", "began"), ("start", "not_yet"), ("start", "hint"),
    ]  # fmt: skip


async def test_what_was_locked_at_the_start_is_known_once_it_is_free(tmp_path: Path) -> None:
    """A session that begins while the file is locked knows nothing of what was passed; it does as soon as the lock is gone."""
    path = tmp_path / "p.sqlite"
    before = learner(tmp_path, path, Kernel())
    before.go("message_queues/guess")
    before.check("none")
    before.progress.close()
    with locked(path):
        running = learner(tmp_path, path, Kernel())
        running.go("message_queues/start")
        assert running.check().kind == "blocked"
    async with opened(running) as pilot:
        await until(pilot, lambda: running.verdict is not None and running.verdict.kind == "not_yet")
        await until(pilot, lambda: running.recorder.trouble is None)
    running.progress.close()
    assert recorded(path)[:5] == [
        ("guess", "began"), ("guess", "passed"), ("start", "began"), ("start", "blocked"), ("start", "began"),
    ]  # fmt: skip


@pytest.mark.root
def test_a_session_without_any_file_knows_what_it_did(tmp_path: Path) -> None:
    """Where no file can be made at all, steps pass and stay passed, in this session and in the next one."""
    home = tmp_path / "home"
    home.mkdir()
    with only_to_be_read(home):
        for _ in range(2):
            running = learner(tmp_path, home / "p.sqlite", Kernel())
            running.go("message_queues/guess")
            running.check("one")
            running.go("message_queues/start")
            assert running.check().kind == "not_yet"
            running.progress.close()
        again = learner(tmp_path, home / "p.sqlite", Kernel())
        assert (again.step.id, again.position.state(again.library.step("message_queues/guess"))) == ("start", "passed")


async def test_a_file_that_was_moved_aside_is_told_of_on_the_screen(tmp_path: Path) -> None:
    """Who finds nothing passed any more reads why, and where the old file is."""
    path = tmp_path / "p.sqlite"
    path.write_bytes(b"no database" * 100)
    running = learner(tmp_path, path, Kernel())
    async with opened(running) as pilot:
        await until(pilot, lambda: "Your file of progress could not be read" in screen_text(pilot.app))


@pytest.mark.root
def test_plain_mode_goes_on_and_says_both(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """In lines, too: once that it is not saved and why, once that it is again; steps pass meanwhile."""
    monkeypatch.setattr(progress, "RETRY_SECONDS", 0.0)
    kernel = Kernel()
    path = disk.path / "p.sqlite"
    written = dialogue(
        learner(tmp_path, path, kernel),
        disk.fill, "1", "next", "hint", lambda: setattr(kernel, "now", facts(container())), "check", disk.make_room, "check",
    )  # fmt: skip
    prose = " ".join(written.split())
    assert prose.count(NOT_SAVED["en"]) == prose.count(SAVED["en"]) == 1
    assert "Passed: The container quiet_hopper is running." in written
    assert written.endswith("Your progress is saved. Until next time.")
    assert recorded(path) == [
        ("guess", "began"), ("guess", "not_yet"), ("guess", "passed"),
        ("start", "began"), ("start", "not_yet"), ("start", "hint"), ("start", "passed"),
    ]  # fmt: skip


@pytest.mark.root
def test_who_leaves_plain_mode_unsaved_is_not_told_otherwise(tmp_path: Path, disk: Disk) -> None:
    """The goodbye does not say that all is saved where it is not."""
    written = dialogue(learner(tmp_path, disk.path / "p.sqlite", Kernel()), disk.fill, "1")
    assert written.endswith("Not all of your progress is saved yet. Until next time.")


@pytest.mark.root
def test_a_home_that_can_only_be_read(helper: str, tmp_path: Path) -> None:
    """`workshop start` opens there, says that it does not save, and at leaving where it waits; later it is saved by itself."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {"WORKSHOP_PROGRESS": str(home / "p.sqlite"), "SHELL": "/bin/bash"}
    lesson = load_library().lessons[0].text["en"]
    with only_to_be_read(home), Screen([WORKSHOP, "start", "--lang", "en"], 80, 24, environment) as screen:
        screen.wait(lesson.title, 30)
        screen.wait("Not saved: Your progress can be read, but not written", 30)
        screen.send(b"\r")
        screen.wait(lesson.introduction[:20], 30)  # the step was begun, which is recorded
        screen.send(b"q")  # while the first look is under way, perhaps: what that records is told of, too
        screen.wait("Not everything could be saved", 30)
        screen.wait_for_end()
    assert list(home.iterdir()) == []
    told = subprocess.run(
        [WORKSHOP, "progress", "--lang", "en"], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert "You are at before_docker/" in told.stdout
    assert (told.stderr, list((tmp_path / "session").rglob("unsaved*"))) == ("", [])


NOWHERE = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.disks import event
from workshop import cli
from workshop.progress.progress import Progress, ProgressError
cli.say("en", "cli.try_again")
os.setuid({uid})
kept = Progress(Path({path!r}))
try:
    kept.add(event("kept"))
except ProgressError:
    cli.leave(kept, "en")
print("left with", len(kept.waiting))
"""
UID = 54321


@pytest.mark.root
@pytest.mark.parametrize(("answer", "left"), [(b"n\r", 1), (b"\r", 0)])
def test_what_no_place_takes_is_not_dropped_in_silence(answer: bytes, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not even another place takes it, the learner is told before it is lost, and can mend it and try again."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    taken = Path(f"/tmp/container-workshop-{UID}")  # noqa: S108  # somebody else has taken the name there
    taken.mkdir()
    try:
        with open_directory() as folder:
            home = folder / "home"
            home.mkdir(mode=0o555)
            code = NOWHERE.format(root=str(Path(__file__).parents[1]), uid=UID, path=str(home / "p.sqlite"))
            with Screen([sys.executable, "-c", code]) as screen:
                screen.wait("no other place takes what is missing (1)")
                screen.wait("try again? [Y/n]")
                home.chmod(0o777)
                screen.send(answer)
                screen.wait(f"left with {left}")
            assert [one.step for one in Progress(home / "p.sqlite").events()] == (["kept"] if answer == b"\r" else [])
        assert list(taken.iterdir()) == []
    finally:
        shutil.rmtree(taken)


@pytest.mark.parametrize("command", ["progress", "export out", "record before_docker/timeline x"])
def test_commands_that_need_progress_say_why_they_have_none(command: str, tmp_path: Path) -> None:
    """They end with a sentence and 1 while the file is locked, and write nothing."""
    path = tmp_path / "p.sqlite"
    kept = Progress(path)
    kept.add(event())
    kept.close()
    environment = {**os.environ, "WORKSHOP_PROGRESS": str(path), "LC_ALL": "C.UTF-8"}
    with locked(path):
        done = subprocess.run(
            [WORKSHOP, *command.split()], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Another program holds your progress locked" in done.stderr
    assert "Traceback" not in done.stderr
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["p.sqlite"]


def test_a_log_of_ours_is_the_learners_alone(tmp_path: Path) -> None:
    """A fault's log holds what was seen of the learner's machine: nobody else can read it."""
    before = os.umask(0)
    try:
        kernel = Kernel(trouble=RuntimeError("a bug"))
        written = dialogue(session(tmp_path, kernel))
    finally:
        os.umask(before)
    assert "Our fault" in written
    assert (tmp_path / "workshop-fault.log").stat().st_mode & 0o777 == 0o600
