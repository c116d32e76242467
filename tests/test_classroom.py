"""The instructor's report: every verdict is judged again, and what does not follow from its evidence is found."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.learners import HOST, Edit, Learner, event_of, forge_verdict, written
from workshop.classroom import tables
from workshop.classroom.report import ClassReport, Handed, report
from workshop.course.library import Library
from workshop.progress.exports import export_lines, read_export
from workshop.words.language import say


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return written(tmp_path)


@pytest.fixture
def learner(tmp_path: Path, library: Library) -> Callable[..., Learner]:
    return lambda name="ann", boot="boot-a": Learner(tmp_path, library, name, boot)


def slugs(found: ClassReport) -> set[str]:
    return {doubt.slug for one in found.learners for doubt in one.doubts}


def test_honest_work_is_reported_without_doubts(learner: Callable[..., Learner], library: Library) -> None:
    """What an honest learner passed is passed, and the report says where they are, after what, and what they see there."""
    found = report([learner().guesses().starts_container().forgets_queue().hands_in()], library)
    ann = found.learners[0]
    assert [one.state for one in ann.steps] == ["passed", "passed", "tried"]
    assert ann.doubts == ()
    assert (ann.current, ann.at("small/queue").verdict, ann.at("small/start").tries) == ("small/queue", "no_queue", 1)
    assert found.stuck() == [("small/queue", "no_queue", 1)]


def test_a_queue_of_somebody_else_passes_nothing(learner: Callable[..., Learner], library: Library) -> None:
    """Evidence of an earlier version holds everybody's queues: judged again, a pass by another user's does not follow from it."""

    def by_another(events: list[dict[str, Any]]) -> None:
        event_of(events, "queue", "passed")["evidence"]["now"]["host"]["ipc"]["queues"][0]["owner"] = 1001

    assert "does_not_follow" in slugs(
        report([learner().guesses().starts_container().makes_queue().hands_in(by_another)], library)
    )


def test_all_done_is_finished(learner: Callable[..., Learner], library: Library) -> None:
    """Somebody who passed every step is nowhere any more."""
    found = report([learner().guesses().starts_container().makes_queue().hands_in()], library)
    assert (found.learners[0].passed, found.learners[0].current) == (3, "")


def _forge_without_evidence(events: list[dict[str, Any]]) -> None:
    forge_verdict(events)
    event_of(events, "queue", "passed")["evidence"] = None


def _drop_one(events: list[dict[str, Any]]) -> None:
    del events[2]


def _repeat_one(events: list[dict[str, Any]]) -> None:
    events.append(dict(events[-1]))


def _mix_boots(events: list[dict[str, Any]]) -> None:
    event_of(events, "start", "passed")["evidence"]["before"]["host"]["boot"] = "yesterday"


def _container_in_hosts_namespace(events: list[dict[str, Any]]) -> None:
    event_of(events, "start", "passed")["evidence"]["now"]["containers"][0]["namespaces"]["pid"] = HOST.namespaces.pid


def _container_without_pid_1(events: list[dict[str, Any]]) -> None:
    event_of(events, "start", "passed")["evidence"]["now"]["containers"][0]["init"]["inner"] = 7


def _time_runs_back(events: list[dict[str, Any]]) -> None:
    event_of(events, "queue", "not_yet")["evidence"]["now"]["containers"][0]["cgroups"]["cpu"]["usage_us"] = 1


def _nothing_looked_at(events: list[dict[str, Any]]) -> None:
    event_of(events, "start", "passed")["evidence"]["now"]["subjects"] = []


FORGERIES: dict[str, Edit] = {
    "does_not_follow": forge_verdict,
    "no_evidence": _forge_without_evidence,
    "numbers_missing": _drop_one,
    "number_twice": _repeat_one,
    "id_twice": _repeat_one,
    "two_boots": _mix_boots,
    "impossible_facts": _container_in_hosts_namespace,
    "counter_ran_back": _time_runs_back,
    "not_looked_at": _nothing_looked_at,
}


@pytest.mark.parametrize("slug", FORGERIES)
def test_forgery_is_named(slug: str, learner: Callable[..., Learner], library: Library) -> None:
    """Each way to forge an export is found and called forged."""
    found = report([learner().guesses().starts_container().forgets_queue().hands_in(FORGERIES[slug])], library)
    assert slug in slugs(found)
    assert {doubt.kind for one in found.learners for doubt in one.doubts} == {"forged"}


def test_container_without_its_pid_1_is_impossible(learner: Callable[..., Learner], library: Library) -> None:
    """A container whose PID 1 is not 1 inside exists on no kernel."""
    assert slugs(report([learner().guesses().starts_container().hands_in(_container_without_pid_1)], library)) == {
        "impossible_facts"
    }


def test_forged_pass_does_not_count(learner: Callable[..., Learner], library: Library) -> None:
    """A step that the file says is passed, and its evidence does not, is doubtful and not passed."""
    ann = report([learner().guesses().starts_container().forgets_queue().hands_in(forge_verdict)], library).learners[0]
    assert ann.at("small/queue").state == "doubtful"
    assert ann.passed == 2


def test_copied_evidence_is_found_in_both_files(learner: Callable[..., Learner], library: Library) -> None:
    """Who hands in another's events, with ids and a name of their own, is found by the evidence."""

    def other_ids(events: list[dict[str, Any]]) -> None:
        for event in events:
            event["id"] = f"bob-{event['sequence']}"

    ann = learner("ann").guesses().starts_container().hands_in()
    bob = learner("bob").guesses().starts_container().hands_in(other_ids)
    found = report([ann, bob], library)
    assert [[doubt.slug for doubt in one.doubts] for one in found.learners] == [["copied"], ["copied"]]
    assert found.learners[0].doubts[0].values["file"] == bob.file


def test_renamed_file_is_a_copy(learner: Callable[..., Learner], library: Library) -> None:
    """Another's file under one's own name is found by its events' ids."""
    ann = learner("ann").guesses().hands_in()
    stolen = Handed("stolen", replace(ann.export, learner="eve"))
    assert slugs(report([ann, stolen], library)) == {"copied"}


def test_neighbours_on_one_idle_machine_are_no_copies(learner: Callable[..., Learner], library: Library) -> None:
    """Two learners of one machine who answer a question while nothing happens there see the same, and rightly so."""
    found = report([learner(name).guesses().hands_in() for name in ("ann", "bob")], library)
    assert slugs(found) == set()


def test_later_export_replaces_the_earlier(learner: Callable[..., Learner], library: Library, tmp_path: Path) -> None:
    """Two exports of one learner are one learner, at the later state."""
    ann = learner().guesses()
    early = tmp_path / "early.jsonl"
    early.write_bytes(b"".join(line + b"\n" for line in export_lines(ann.progress)))
    names = read_export(early)
    late = ann.starts_container().hands_in(name=names.learner, machine=names.machine)
    found = report([Handed(str(early), names), late], library)
    assert [one.passed for one in found.learners] == [2]
    assert found.older == (str(early),)
    assert slugs(found) == set()


def test_other_version_of_a_lesson_is_no_forgery(learner: Callable[..., Learner], library: Library) -> None:
    """A verdict that differs because another version of the lesson gave it is said to differ, not to be forged."""

    def older_content(events: list[dict[str, Any]]) -> None:
        event_of(events, "queue", "not_yet").update(slug="queue_absent", content="0123456789ab")

    found = report([learner().guesses().starts_container().forgets_queue().hands_in(older_content)], library)
    assert [(one.kind, one.slug) for one in found.learners[0].doubts] == [("differs", "other_content")]


def test_unknown_step_is_said_to_differ(learner: Callable[..., Learner], library: Library) -> None:
    """A step that the lessons here do not have could not be judged, and says so."""

    def rename(events: list[dict[str, Any]]) -> None:
        event_of(events, "guess", "passed")["step"] = "removed_since"

    found = report([learner().guesses().hands_in(rename)], library)
    assert [(one.kind, one.slug) for one in found.learners[0].doubts] == [("differs", "unknown_step")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_fits_80_columns(language: str, learner: Callable[..., Learner], library: Library) -> None:
    """On a narrow terminal no heading is broken, and long names and places are folded, not cut."""
    console = Console(width=80, file=io.StringIO(), markup=False)
    tables.show(
        report([learner("somebody-with-a-long-name").guesses().starts_container().forgets_queue().hands_in()], library),
        language,
        console,
    )
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for column in ("learner", "passed", "steps", "here", "tries", "hints", "doubts"):
        assert say(language, f"classroom.{column}") in shown.splitlines()[1]
