"""A measure step whose experiment the workshop runs: in the session, on the screen, in lines and by solve."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.screens import Kernel, opened, screen_text, settled, until
from tests.test_plain import dialogue
from workshop.authoring.solve import Solver
from workshop.course.lesson import parse_lesson
from workshop.course.library import Library
from workshop.facts import Evidence
from workshop.judging.attempt import attempt
from workshop.judging.verdict import Passed
from workshop.learning.experiments import ExperimentError, Point, Points, Surroundings
from workshop.learning.experiments.run import EXPERIMENTS, Experiment
from workshop.learning.session import Session
from workshop.pictures import charts_of
from workshop.progress.events import passed_of
from workshop.progress.progress import Progress

TOML = """
[[step]]
id = "weigh"
kind = "measure"
check = "weighed"
experiment = "density"

[[step]]
id = "read_it"
kind = "answer"
check = "read"
answer = "median"
"""
PROSE = """# Weights

## weigh: Weigh it

The workshop weighs.

### verdicts
- not_measured: Nothing is weighed yet.
- passed: It weighs {bytes} bytes.

### debrief
Now you know.

## read_it: Read it

How much?

### verdicts
- wrong: No.
- passed: Yes.
"""
CHECKS = '''"""Checks of the test lesson."""
from workshop.facts import Evidence, Facts
from workshop.judging.verdict import NotYet, Passed, Verdict


def weighed(seen: Evidence) -> Verdict:
    found = seen.measured("density")
    return Passed(bytes=round(found.series[0].median)) if found else NotYet("not_measured")


def read(seen: Evidence) -> Verdict:
    return Passed() if seen.answer == median(seen.now) else NotYet("wrong")


def median(facts: Facts) -> str:
    found = facts.result("density")
    return str(round(found.series[0].median)) if found else ""
'''


class Scales:
    """An experiment that a test holds up: it yields three points, and before the third waits for `go`."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.cleaned = 0
        self.trouble: Exception | None = None

    def weigh(self, _: Surroundings) -> Points:
        """Points of 100, 200 and 300 bytes."""
        try:
            for weight in (100, 200):
                yield Point("container", "bytes", weight)
            while not self.go.wait(0.02):
                yield None
            if self.trouble:
                raise self.trouble
            yield Point("container", "bytes", 300)
        finally:
            self.cleaned += 1


@pytest.fixture
def scales(monkeypatch: pytest.MonkeyPatch) -> Scales:
    found = Scales()
    monkeypatch.setitem(EXPERIMENTS, "density", Experiment(found.weigh, lambda _: 3))
    return found


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "weights.py").write_text(CHECKS)
    lesson = parse_lesson("10_weights", TOML, {"en": PROSE, "zh": PROSE})
    library = Library((lesson,), tmp_path, tmp_path)
    progress = Progress(tmp_path / "progress.sqlite")
    yield Session(library, progress, Kernel().observe, "en")
    progress.close()


def weigh(session: Session) -> None:
    """Run the step's experiment to its end."""
    run = session.experiment()
    assert run is not None
    result = run.complete()
    assert result is not None
    session.judge.keep(result)


def test_a_result_passes_the_step_and_travels_with_its_evidence(session: Session, scales: Scales) -> None:
    """The pure check judges what was measured since the step began, and anybody can judge the record again."""
    scales.go.set()
    session.go("weights/weigh")
    assert session.check().slug == "not_measured"
    weigh(session)
    verdict = session.check()
    assert (verdict.kind, verdict.values) == ("passed", {"bytes": 200})
    event = session.progress.last("weights/weigh", "verdict")
    assert event is not None and event.evidence is not None
    assert attempt(session.library, session.step, event.evidence) == verdict
    now = event.evidence.now
    assert not isinstance(attempt(session.library, session.step, Evidence(now, now)), Passed)


def test_a_later_step_and_a_later_day_know_the_result(session: Session, scales: Scales) -> None:
    """An answer is compared with what the learner's own run came to, also after the workshop was closed."""
    scales.go.set()
    session.go("weights/weigh")
    weigh(session)
    session.check()
    again = Session(session.library, session.progress, Kernel().observe, "en")
    again.go("weights/read_it")
    assert again.check("200").kind == "passed"
    again.go("weights/weigh")
    assert any("200 B" in line.plain for line in charts_of("density", again.snapshot().results, "en", 60))


def test_measuring_anew_is_judged_anew(session: Session, scales: Scales) -> None:
    """A step that passed can be measured again, and tells the new result."""
    scales.go.set()
    session.go("weights/weigh")
    weigh(session)
    session.check()
    weigh(session)
    assert session.check().kind == "passed"
    assert scales.cleaned == 2


def test_its_solution_is_the_key(session: Session) -> None:
    """A step that leaves nothing to type still has a solution to show."""
    session.go("weights/weigh")
    now = session.snapshot()
    assert "Press `c`" in now.text.solution and now.lines == ()


def test_nothing_is_run_where_nothing_can_be(session: Session, scales: Scales) -> None:
    """A step without an experiment has nothing to run, nor has one that waits for another."""
    session.go("weights/read_it")
    assert session.experiment() is None


async def test_c_measures_draws_and_passes(session: Session, scales: Scales) -> None:
    """One key begins it; progress and chart are seen while it works, the verdict and the debrief after it."""
    async with opened(session) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "c measure" in screen_text(pilot.app))
        await pilot.press("c")
        await until(pilot, lambda: "Measuring: 2 of 3" in screen_text(pilot.app))
        await until(pilot, lambda: "150 B" in screen_text(pilot.app))
        assert "c stop" in screen_text(pilot.app)
        scales.go.set()
        await until(pilot, lambda: "It weighs 200 bytes." in screen_text(pilot.app))
        await until(pilot, lambda: "Now you know." in screen_text(pilot.app))
        assert "c measure" in screen_text(pilot.app)
    assert scales.cleaned == 1


async def test_c_again_stops_and_nothing_is_passed(session: Session, scales: Scales) -> None:
    """What was begun can be stopped; it cleans up, and the step is as before."""
    async with opened(session) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "c measure" in screen_text(pilot.app))
        await pilot.press("c")
        await until(pilot, lambda: "Measuring: 2 of 3" in screen_text(pilot.app))
        await pilot.press("c")
        await until(pilot, lambda: "c measure" in screen_text(pilot.app))
        assert scales.cleaned == 1
        assert "not passed yet" in screen_text(pilot.app)


@pytest.mark.parametrize("keys", ["n", "q"])
async def test_leaving_the_step_or_the_workshop_stops_it(session: Session, scales: Scales, keys: str) -> None:
    """Nothing goes on in the background for a step that is not in view any more."""
    async with opened(session) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "c measure" in screen_text(pilot.app))
        await pilot.press("c")
        await until(pilot, lambda: "Measuring: 2 of 3" in screen_text(pilot.app))
        await pilot.press(keys)
        for _ in range(500):
            if scales.cleaned:
                break
            await pilot.pause(0.01)
    assert scales.cleaned == 1
    assert "weights/weigh" not in passed_of(session.progress.past())


async def test_an_experiment_that_fails_says_why(session: Session, scales: Scales) -> None:
    """The command and its complaint are told, and the learner can try again."""
    scales.trouble = ExperimentError("failed", command="box run", reason="no image")
    scales.go.set()
    async with opened(session, size=(120, 40)) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "c measure" in screen_text(pilot.app))
        await pilot.press("c")
        await until(pilot, lambda: "this failed: box run" in screen_text(pilot.app))
        await settled(pilot)
        assert "c measure" in screen_text(pilot.app)


def test_enter_measures_in_lines(session: Session, scales: Scales) -> None:
    """Plain mode tells progress, draws the chart and says the verdict."""
    scales.go.set()
    written = dialogue(session, "")
    assert "Press Enter here: the workshop measures" in written
    assert "Measuring: 3 of 3" in written and "200 B" in written
    assert "Passed: It weighs 200 bytes." in written


def test_ctrl_c_stops_it_in_lines(session: Session, scales: Scales) -> None:
    """It cleans up, and the dialogue goes on."""
    scales.trouble = KeyboardInterrupt()  # type: ignore[assignment]  # as the signal raises it
    scales.go.set()
    written = dialogue(session, "", "help")
    assert "Stopped." in written and "Type help" in written
    assert "Not yet: Nothing is weighed yet." in written
    assert scales.cleaned == 1


def test_solve_runs_it_and_reads_the_result(session: Session, scales: Scales) -> None:
    """The acceptance test measures, and answers the question with its own result."""
    scales.go.set()
    outcomes = [one.verdict for one in Solver(session, ()).lesson(session.position.lesson)]
    assert outcomes == ["passed", "passed"]
