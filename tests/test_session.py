"""A session: beginning, judging, hints, rebuilding and resuming, on facts made by hand (data in, verdicts out)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from workshop.authoring.lint_names import FILLED
from workshop.course.lesson import StepText
from workshop.course.library import Library, load_library
from workshop.facts import Container, Facts, Host, Ipc, Namespaces, Process, Queue
from workshop.judging.verdict import NotYet
from workshop.learning.overview import overview, render
from workshop.learning.position import Count
from workshop.learning.session import Session
from workshop.pictures import FIGURES, drawn
from workshop.progress.progress import Progress
from workshop.words import say

TOML = """
[[step]]
id = "guess"
kind = "predict"
choices = ["same", "other"]
right = "other"

[[step]]
id = "start"
kind = "do"
check = "container_runs"
solution = [{terminal = 1, line = "{engine} run -it busybox"}]

[[step]]
id = "queue"
kind = "do"
check = "queue_made"
subjects = ["ipc"]
needs = ["start"]
settles = "guess"
solution = [{terminal = 2, line = "ipcmk -Q"}]

[[step]]
id = "elsewhere"
kind = "do"
check = "explodes"
requires = ["cpu_controller_v2"]
solution = [{terminal = 2, line = "true"}]

[[step]]
id = "broken"
kind = "do"
check = "explodes"
solution = [{terminal = 2, line = "true"}]
"""

PROSE = """# Title
Introduction with {engine}.

## guess: Guess
Body
### choices
- same: the same
- other: another one

## start: Start
Type `{engine} run`, or {print $1}
### hints
- look
- think
### verdicts
- passed: {name} runs
- no_container: nothing runs

## queue: Queue
Body

## elsewhere: Elsewhere
Body

## broken: Broken
Body
"""

CHECKS = '''
"""Checks."""
from workshop.facts import Evidence
from workshop.judging.verdict import NotYet, Passed, Verdict

def container_runs(seen: Evidence) -> Verdict:
    """A container runs."""
    return Passed(name=seen.appeared()[0].name) if seen.appeared() else NotYet("no_container")

def queue_made(seen: Evidence) -> Verdict:
    """A queue appeared."""
    made = set(seen.now.host.ipc.queues) - set(seen.before.host.ipc.queues)
    return Passed() if made else NotYet("no_queue")

def explodes(seen: Evidence) -> Verdict:
    """Raises."""
    raise ZeroDivisionError("boom")
'''

BOX = Container("ab" * 32, "[red]calm[/]", "box", Namespaces(pid=7), Process(100, 1, 50, 0, "sh"), owners=(0,))


class Machine:
    """Facts that a test changes."""

    def __init__(self) -> None:
        self.facts = Facts()

    def __call__(self, subjects: Sequence[str]) -> Facts:
        return replace(self.facts, subjects=tuple(subjects))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "lessons/10_tiny").mkdir(parents=True)
    (tmp_path / "lessons/10_tiny/lesson.toml").write_text(TOML)
    for language in ("en", "zh"):
        (tmp_path / f"lessons/10_tiny/{language}.md").write_text(PROSE)
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/tiny.py").write_text(CHECKS)
    return load_library(tmp_path)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def progress(tmp_path: Path) -> Iterator[Progress]:
    progress = Progress(tmp_path / "p.sqlite")
    yield progress
    progress.close()


@pytest.fixture
def session(library: Library, machine: Machine, progress: Progress) -> Session:
    return Session(library, progress, machine, "en")


def go_on(session: Session) -> None:
    where = session.position.beside(session.step.where, 1, 0.0)
    assert where is not None
    session.go(where)


@pytest.mark.parametrize(("owners", "whose"), [((), "nothing shows that you started it"), ((1001,), "another user (uid 1001)")])
def test_what_is_not_shown_to_be_the_learners_passes_nothing(
    session: Session, machine: Machine, owners: tuple[int, ...], whose: str
) -> None:
    """The verdict stays, and says of the container with which it would be a pass whose that may be; nothing of it is recorded."""
    session.go("tiny/guess")
    session.check("same")
    go_on(session)
    machine.facts = Facts(containers=(replace(BOX, engine="docker", owners=owners),))
    verdict = session.check()
    assert verdict.slug == "no_container" and whose in session.message()
    last = session.progress.last("tiny/start", "verdict")
    assert last and last.evidence and last.evidence.now.containers == ()
    machine.facts = Facts(containers=(BOX,))
    session.check()
    assert session.message() == "[red]calm[/] runs"


def test_a_step_ticks_when_the_kernel_shows_it(session: Session, machine: Machine) -> None:
    """The verdict turns to passed with the look that first sees the change, and says what was seen."""
    session.go("tiny/guess")
    session.check("same")
    go_on(session)
    assert session.check().slug == "no_container"
    machine.facts = Facts(containers=(BOX,))
    verdict = session.check()
    assert verdict.kind == "passed"
    assert session.message() == "[red]calm[/] runs"
    machine.facts = Facts()
    assert session.check().kind == "passed"


def test_a_step_waits_for_those_before_it(session: Session) -> None:
    """A step whose predecessor is not done is blocked, and the message names that step by its title."""
    session.go("tiny/start")
    verdict = session.check()
    assert verdict.kind == "blocked"
    assert "Guess" in session.message()


def test_a_check_that_raises_is_our_fault(session: Session, machine: Machine) -> None:
    """A check that raises is broken and its message holds the error; the learner can go on."""
    pass_three(session, machine)
    session.go("tiny/broken")
    verdict = session.check()
    assert verdict.kind == "broken"
    assert "boom" in session.message()


def pass_three(session: Session, machine: Machine) -> None:
    """Pass the first three steps."""
    session.go("tiny/guess")
    session.check("same")
    go_on(session)
    machine.facts = Facts(containers=(BOX,))
    session.check()
    go_on(session)
    machine.facts = Facts(Host(ipc=Ipc(queues=(Queue(3, 9),))), (BOX,))
    session.check()


def test_what_the_machine_lacks_is_impossible_and_blocks_nothing(session: Session, machine: Machine) -> None:
    """A step whose requirement is missing is impossible, and the step after it is open."""
    pass_three(session, machine)
    session.go("tiny/elsewhere")
    assert session.check().kind == "impossible"
    session.go("tiny/broken")
    assert session.check().kind == "broken"


def test_prediction_is_compared_with_what_happened(session: Session, machine: Machine) -> None:
    """After the step that shows it, the prediction and what came true stand side by side."""
    pass_three(session, machine)
    assert session.snapshot().settled == ("the same", "another one")


def test_resumes_on_the_same_step_and_says_what_to_rebuild(
    session: Session, machine: Machine, library: Library, progress: Progress
) -> None:
    """After a reboot the learner is on the same step, and what it needs is named as lines to type."""
    pass_three(session, machine)
    machine.facts = Facts()
    again = Session(library, progress, machine, "en")
    assert again.step.where == "tiny/queue"
    again.go(again.step.where)
    assert [one.line for one in again.rebuild()] == ["box run -it busybox"]
    machine.facts = Facts(containers=(BOX,))
    assert again.rebuild() == ()
    again.rebuilt()
    assert again.check().slug == "no_queue"


def test_hints_climb_and_are_recorded(session: Session, progress: Progress) -> None:
    """Hints come one at a time, then no more; the record counts them."""
    session.go("tiny/start")
    assert [session.hint(), session.hint(), session.hint()] == ["look", "think", None]
    assert [one.kind for one in progress.events()].count("hint") == 2


def test_other_braces_in_prose_stay(session: Session) -> None:
    """Only the engine's name is filled into prose; a shell's or awk's braces are shown as written."""
    session.go("tiny/start")
    assert session.snapshot().text.body == "Type `box run`, or {print $1}"


def test_a_figure_stands_where_a_body_names_it(session: Session) -> None:
    """The timeline is drawn in the learner's language, in place of its name."""
    session.step = replace(session.step, text={"en": StepText("Title", "```\n{timeline}\n```\nWhich?")})
    body = drawn(session.snapshot().text.body, None, "en", 74)
    lines = body.splitlines()
    assert lines[0] == lines[-2] == "```" and lines[-1] == "Which?"
    assert lines[2].startswith("1979 chroot") and "{timeline}" not in body


def test_every_name_that_lint_knows_is_filled_in(session: Session) -> None:
    """In a body, once something was seen; so lint allows none that would be shown with its braces."""
    session.go("tiny/start")
    body = " ".join(f"{{{name}}}" for name in FILLED | FIGURES)
    session.step = replace(session.step, text={"en": StepText("Title", body)})
    now = session.snapshot()
    assert now.facts
    assert "{" not in drawn(now.text.body, now.facts, "en", 74)


def test_a_folder_is_found_however_its_number_is_written(library: Library) -> None:
    """Zeros before the number keep folders in order and change nothing else."""
    (library.lessons_folder / "10_tiny").rename(library.lessons_folder / "010_tiny")
    assert library.folder(library.lesson("tiny")).name == "010_tiny"


def test_a_verdict_that_says_nothing_new_is_recorded_once(session: Session, progress: Progress) -> None:
    """Looking every second fills no disk."""
    session.go("tiny/guess")
    session.check("same")
    go_on(session)
    for _ in range(5):
        session.check()
    assert [one.slug for one in progress.events() if one.kind == "verdict"] == ["passed", "no_container"]


def test_another_learners_box_is_not_what_a_step_needs(machine: Machine, session: Session) -> None:
    """To root, who sees everybody's boxes, one of another user's is nothing: it is not judged, needed, or undone."""
    session.go("tiny/guess")
    session.check("other")
    session.go("tiny/start")
    stranger = replace(BOX, owners=(1000,))
    machine.facts = Facts(containers=(stranger,), caller=0)
    assert isinstance(verdict := session.check(), NotYet) and verdict.slug == "no_container"
    assert session.undo() == [say("en", "session.nothing_to_undo")]
    session.go("tiny/queue")
    assert [one.line for one in session.rebuild()] == ["box run -it busybox"]
    machine.facts = Facts(containers=(stranger, replace(BOX, namespaces=Namespaces(pid=8), owners=(0,))), caller=0)
    assert session.rebuild() == ()


def test_undo_without_ipcrm_says_what_stays(machine: Machine, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where ipcrm is missing, undo does not fail: the queue stays, and the sentence says to remove it by hand."""
    session.go("tiny/queue")
    machine.facts = Facts(Host(ipc=Ipc((Queue(3, 0, os.getuid()),))))
    monkeypatch.setenv("PATH", "")
    assert session.undo() == ["3 would not go: remove it by hand, or press check to look again."]


def test_there_is_nothing_beyond_the_ends(session: Session) -> None:
    """Before the first step and after the last there is none."""
    position = session.position
    assert position.beside("tiny/guess", -1, 0.0) is None
    assert position.beside("tiny/guess", 1, 0.0) == "tiny/start"
    assert position.beside("tiny/broken", 1, 0.0) is None


def test_what_is_impossible_here_is_not_counted(session: Session, machine: Machine) -> None:
    """A lesson is complete when all that the machine can is passed, also for who comes back and has looked at nothing yet."""
    pass_three(session, machine)
    session.go("tiny/elsewhere")
    session.check()
    again = Session(session.library, session.progress, machine, "en").position
    lesson = again.library.lesson("tiny")
    assert again.state(lesson.step("elsewhere")) == "impossible"
    assert again.count(lesson.steps) == Count(passed=3, possible=len(lesson.steps) - 1, impossible=1)
    assert not again.count(lesson.steps).is_complete
    assert again.count([one for one in lesson.steps if one.id != "broken"]).is_complete
    told = render(overview(again.library, again.past), "en")
    assert f"3 of {len(lesson.steps) - 1} steps" in told


def test_a_part_of_the_picture_stays_covered_until_the_step_is_passed(
    library: Library, machine: Machine, progress: Progress
) -> None:
    """From the lesson's begin on, whichever step one is at; no longer once it is passed."""
    lesson = library.lesson("tiny")
    steps = (*lesson.steps[:1], replace(lesson.steps[1], covers=("namespaces",)), *lesson.steps[2:])
    session = Session(replace(library, lessons=(replace(lesson, steps=steps),)), progress, machine, "en")
    session.go("tiny/guess")
    assert session.position.covered == {"namespaces"}
    session.check("same")
    go_on(session)
    machine.facts = Facts(containers=(BOX,))
    assert session.check().kind == "passed"
    assert session.position.covered == set()
