"""The instructor's report: every verdict is judged again, and what does not follow from its evidence is found."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import workshop.classroom
from workshop.classroom import Handed, command, report, tables
from workshop.classroom.report import ClassReport
from workshop.facts import Cgroups, Container, Cpu, Facts, Host, Ipc, Namespaces, Process, Queue
from workshop.library import Library, load_library
from workshop.progress import Progress, export_lines, read_export
from workshop.session import Session

HOST = Host(Namespaces(pid=100, ipc=101), boot="boot-a", kernel="6.18")
SUBJECTS = ("hostname", "ipc", "processes")
LESSON = """
minutes = 1
[[step]]
id = "guess"
kind = "predict"
choices = ["yes", "no"]
right = "yes"
[[step]]
id = "start"
kind = "do"
check = "container_started"
subjects = ["processes"]
[[step]]
id = "queue"
kind = "do"
check = "queue_made"
subjects = ["ipc"]
"""
PROSE = "# Small\n\nA lesson.\n\n## guess: Guess\n\n## start: Start\n\n## queue: Queue\n"
CHECKS = '''
"""Checks of the small lesson."""
from workshop.facts import Evidence
from workshop.verdict import NotYet, Passed, Verdict

def container_started(seen: Evidence) -> Verdict:
    """A container is there that was not there before."""
    return Passed() if seen.appeared() else NotYet("no_container")

def queue_made(seen: Evidence) -> Verdict:
    """A queue is on the host."""
    return Passed() if seen.now.host.ipc.queues else NotYet("no_queue")
'''


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "content"
    (folder / "lessons" / "10_small").mkdir(parents=True)
    (folder / "lessons" / "10_small" / "lesson.toml").write_text(LESSON)
    (folder / "lessons" / "10_small" / "en.md").write_text(PROSE)
    (folder / "checks").mkdir()
    (folder / "checks" / "small.py").write_text(CHECKS)
    return load_library(folder)


def facts(boot: str = "boot-a", *containers: Container, queue: int | None = None) -> Facts:
    queues = () if queue is None else (Queue(queue, 7),)
    return Facts(Host(HOST.namespaces, boot, HOST.kernel, ipc=Ipc(queues)), containers, SUBJECTS)


def container(inode: int = 200, usage: int = 5) -> Container:
    process = Process(4711, 1, 4000, 0, "sh")
    return Container(
        f"c{inode}", "box", "box", Namespaces(pid=inode), process, (process,), cgroups=Cgroups(cpu=Cpu(usage_us=usage))
    )


Edit = Callable[[list[dict[str, Any]]], None]


class Learner:
    """Somebody who works in a real session on the facts that the test sets, and hands in an export."""

    def __init__(self, folder: Path, library: Library, name: str, boot: str = "boot-a") -> None:
        self.name, self.boot = name, boot
        self.seen = facts(boot)
        self.progress = Progress(folder / f"{name}.sqlite")
        self.session = Session(library, self.progress, lambda subjects: self.seen, "en")
        self.file = folder / f"{name}.jsonl"

    def guesses(self) -> Learner:
        self.session.go("small/guess")
        self.session.check("no")
        return self

    def starts_container(self) -> Learner:
        self.session.go("small/start")
        self.session.check()
        self.seen = facts(self.boot, container())
        self.session.check()
        return self

    def forgets_queue(self) -> Learner:
        self.session.go("small/queue")
        self.session.hint()
        self.session.check()
        return self

    def makes_queue(self) -> Learner:
        self.forgets_queue()
        self.seen = facts(self.boot, container(), queue=0)
        self.session.check()
        return self

    def hands_in(self, edit: Edit | None = None, name: str = "", machine: str = "vm") -> Handed:
        """The export as a file, after editing its events as a cheat would."""
        header, *events = [json.loads(line) for line in export_lines(self.progress)]
        if edit:
            edit(events)
        header.update(learner=name or self.name, machine=machine, events=len(events))
        self.file.write_text("".join(json.dumps(line) + "\n" for line in [header, *events]))
        self.progress.close()
        return Handed(str(self.file), read_export(self.file))


@pytest.fixture
def library_here(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small lesson is what is installed here."""
    monkeypatch.setattr(workshop.classroom, "load_library", lambda: library)


@pytest.fixture
def learner(tmp_path: Path, library: Library) -> Callable[..., Learner]:
    return lambda name="ann", boot="boot-a": Learner(tmp_path, library, name, boot)


def slugs(found: ClassReport) -> set[str]:
    return {doubt.slug for one in found.learners for doubt in one.doubts}


def event_of(events: list[dict[str, Any]], step: str, verdict: str) -> dict[str, Any]:
    return next(one for one in events if (one["step"], one["verdict"]) == (step, verdict))


def test_honest_work_is_reported_without_doubts(learner: Callable[..., Learner], library: Library) -> None:
    """What an honest learner passed is passed, and the report says where they are, after what, and what they see there."""
    found = report([learner().guesses().starts_container().forgets_queue().hands_in()], library)
    ann = found.learners[0]
    assert [one.state for one in ann.steps] == ["passed", "passed", "tried"]
    assert ann.doubts == ()
    assert (ann.current, ann.at("small/queue").verdict, ann.at("small/start").tries) == ("small/queue", "no_queue", 1)
    assert found.stuck() == [("small/queue", "no_queue", 1)]


def test_all_done_is_finished(learner: Callable[..., Learner], library: Library) -> None:
    """Somebody who passed every step is nowhere any more."""
    found = report([learner().guesses().starts_container().makes_queue().hands_in()], library)
    assert (found.learners[0].passed, found.learners[0].current) == (3, "")


def _forge_verdict(events: list[dict[str, Any]]) -> None:
    event_of(events, "queue", "not_yet").update(verdict="passed", slug="passed")


def _forge_without_evidence(events: list[dict[str, Any]]) -> None:
    _forge_verdict(events)
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
    "does_not_follow": _forge_verdict,
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
    ann = report([learner().guesses().starts_container().forgets_queue().hands_in(_forge_verdict)], library).learners[0]
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


BROKEN = {
    "empty": b"",
    "binary": os.urandom(512),
    "other_json": b'{"hello": 1}\n',
    "deep": b"[" * 200_000,
    "sqlite": b"SQLite format 3\0" + bytes(100),
    "no_events": b'{"format":"container-workshop export","version":1,"learner":"x","machine":"y","events":3}\n',
    "wrong_types": b'{"format":"container-workshop export","version":1,"learner":7,"machine":"y","events":0}\n',
}


@pytest.mark.usefixtures("library_here")
@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_said_so_and_hides_no_other(
    name: str, learner: Callable[..., Learner], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is no export gets a line that names it, the exit status tells, and the others are still read."""
    bad = tmp_path / f"{name}.bad"
    bad.write_bytes(BROKEN[name])
    good = Path(learner().guesses().starts_container().hands_in().file)
    assert command([bad, good, tmp_path / "absent", tmp_path], as_json=True, as_csv=False, language="en") == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["file"] for one in told["refused"]] == [str(bad), str(tmp_path / "absent"), str(tmp_path)]
    assert told["learners"][0]["passed"] == ["small/guess", "small/start"]


@pytest.mark.usefixtures("library_here")
def test_truncated_file_says_that_it_was_cut_off(learner: Callable[..., Learner], capsys: pytest.CaptureFixture[str]) -> None:
    """A file cut at the end of a line or within one is refused with its name, never half believed."""
    file = Path(learner().guesses().hands_in().file)
    whole = file.read_bytes()
    for cut in (whole.rfind(b"\n", 0, -1) + 1, len(whole) - 20):
        file.write_bytes(whole[:cut])
        assert command([file], as_json=False, as_csv=False, language="en") == 1
        assert file.name in capsys.readouterr().out.replace("\n", "")


EVIL = "[@click=app.quit]=A\x1b[31m\u202ered[/]\n"


def test_names_are_shown_as_text(learner: Callable[..., Learner], library: Library) -> None:
    """A name with markup, escape and bidirectional controls is shown as letters, and obeyed nowhere."""
    found = report([learner().guesses().hands_in(name=EVIL)], library)
    out = io.StringIO()
    tables.show(found, "en", Console(file=out, force_terminal=True, width=200, markup=False, emoji=False, highlight=False))
    assert "[@click=app.quit]=A [31m red[/]@vm" in out.getvalue()
    assert "\u202e" not in out.getvalue() + tables.as_json(found) + tables.as_csv(found)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_spreadsheet_takes_no_name_for_a_formula(name: str, learner: Callable[..., Learner], library: Library) -> None:
    """A cell that would be a formula in a spreadsheet is text there."""
    found = report([learner().guesses().hands_in(name=name)], library)
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(found))))
    assert {row["learner"] for row in rows} == {f"'{name.strip()}"}
    assert [row["step"] for row in rows] == ["small/guess", "small/start", "small/queue"]


@pytest.mark.usefixtures("library_here")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_table_says_where_each_is(
    language: str, learner: Callable[..., Learner], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table has a row a learner with marks for each step; doubts are named below it in the instructor's language."""
    monkeypatch.setenv("COLUMNS", "200")
    ann = learner("ann").guesses().starts_container().forgets_queue().hands_in()
    bob = learner("bob", "boot-b").guesses().starts_container().forgets_queue().hands_in(_forge_verdict)
    assert command([Path(ann.file), Path(bob.file)], as_json=False, as_csv=False, language=language) == 0
    out = capsys.readouterr().out
    assert "++~" in out
    assert "++?" in out
    assert {"en": "FORGED: bob", "zh": "伪造：bob"}[language] in out


def test_one_format_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and CSV at once is refused with a sentence."""
    assert command([], as_json=True, as_csv=True, language="en") == 2
    assert "--csv" in capsys.readouterr().err
