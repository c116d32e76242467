"""Saving what a session shows as a case for its step's check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests import small_lesson
from workshop.authoring.lint import lint
from workshop.authoring.record import record
from workshop.course.cases import read_case
from workshop.course.lesson import ContentError
from workshop.course.library import load_library
from workshop.facts import Facts
from workshop.learning.session import Session
from workshop.progress.progress import Progress


class Machine:
    """A machine whose name can be changed."""

    def __init__(self) -> None:
        self.name = "vm"

    def observe(self, _subjects: object) -> Facts:
        """What is seen of it now."""
        return small_lesson.named(self.name)


@pytest.fixture
def machine() -> Machine:
    """A machine named vm."""
    return Machine()


@pytest.fixture
def session(tmp_path: Path, machine: Machine) -> Iterator[Session]:
    """A session at the step that asks for another name."""
    progress = Progress(tmp_path / "progress.sqlite")
    session = Session(load_library(small_lesson.write(tmp_path)), progress, machine.observe, "en")
    session.go("small/rename")
    yield session
    progress.close()


def test_a_case_keeps_what_was_before_and_what_is_now(session: Session, machine: Machine, tmp_path: Path) -> None:
    """The author does what the case should show, records it, and lint accepts it."""
    machine.name = "other"
    path = record(session, "small/rename", "really_done")
    case = read_case(path)
    assert path == tmp_path / "lessons/10_small/facts/rename__really_done.json"
    assert (case.step, case.verdict, case.slug) == ("rename", "passed", "passed")
    assert (case.evidence.before.host.hostname, case.evidence.now.host.hostname) == ("vm", "other")
    assert lint(tmp_path) == []


def test_a_later_sitting_records_against_the_beginning_of_the_step(session: Session, machine: Machine) -> None:
    """`workshop record` runs beside the workshop: what was there before comes from the progress."""
    beside = Session(session.library, session.progress, machine.observe, "en")
    machine.name = "other"
    assert read_case(record(beside, "small/rename", "beside")).verdict == "passed"


def test_a_case_does_not_name_the_kernels_build(session: Session, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the kernel's name the version is kept, in the facts and in an answer that repeats it."""
    seen = machine.observe(())
    named = replace(seen, host=replace(seen.host, kernel="6.18.44-somebodys-cloud"))
    monkeypatch.setattr(machine, "observe", lambda _subjects: named)
    beside = Session(session.library, session.progress, machine.observe, "en")
    evidence = read_case(record(beside, "small/rename", "version", "6.18.44-somebodys-cloud")).evidence
    assert (evidence.now.host.kernel, evidence.answer) == ("6.18.44", "6.18.44")


def test_only_the_present_step_can_be_recorded(session: Session) -> None:
    """Evidence of a step that was not begun would compare with nothing."""
    with pytest.raises(ContentError, match="small/name_it is not the step you are at"):
        record(session, "small/name_it", "early", "vm")
    with pytest.raises(ContentError, match="small letters"):
        record(session, "small/rename", "../escape")
    with pytest.raises(ContentError, match="there are small"):
        record(session, "smal/rename", "slip")


def test_a_recorded_file_shows_only_what_matters(session: Session) -> None:
    """What is at its default is left out, so that a person can read the case."""
    text = record(session, "small/rename", "nothing_yet").read_text("utf-8")
    assert '"hostname": "vm"' in text and "containers" not in text and len(text.splitlines()) < 30
