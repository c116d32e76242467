"""The review: which questions come, when, and that each asks about the machine as it is."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.screens import Kernel, TerminalPane, screen_text, settled, until
from tests.test_plain import dialogue
from workshop.course.cases import read_case
from workshop.course.lesson import Step
from workshop.course.library import load_library
from workshop.faces.screen.app import WorkshopApp
from workshop.facts import Asked, Container, Evidence, Facts
from workshop.judging.answers import means
from workshop.judging.attempt import attempt, judge_question
from workshop.learning import Desk, Session
from workshop.learning.review import DAY, DISTANCES, MINUTE, due, standing
from workshop.progress.events import AnswerOnly, Event, Past, uuid7
from workshop.progress.progress import Progress
from workshop.words import LANGUAGES

LIBRARY = load_library()
LESSON = LIBRARY.lesson("review")
QUESTIONS = pytest.mark.parametrize("question", LESSON.questions, ids=lambda one: one.id)
NOW = 1_800_000_000.0
A, B = (Step("review", name, "review", ask=name, about=f"chapter_{name}") for name in "ab")


def recorded(question: Step) -> Facts:
    """The facts that the question's right answer was recorded with."""
    seen = read_case(LIBRARY.folder(LESSON) / "facts" / f"{question.id}__passed.json").evidence.now
    return replace(seen, containers=tuple(replace(one, owners=(seen.caller,)) for one in seen.containers))


def asked(question: Step, facts: Facts) -> Asked:
    """What the question asks of facts that hold something to ask about."""
    found = LIBRARY.asked(question, facts)
    assert found is not None
    return found


# When a question comes


def visit(days: float, *what: str) -> list[Past]:
    """A visit to question A so many days ago: `right`, `wrong`, `hint` or `solution` in order."""
    answered = AnswerOnly("7")
    verdicts = {"right": Past("review", "a", "verdict", "passed", NOW - days * DAY, answered),
                "wrong": Past("review", "a", "verdict", "not_yet", NOW - days * DAY, answered)}  # fmt: skip
    began = Past("review", "a", "began", "", NOW - days * DAY)
    return [began, *(verdicts.get(one, Past("review", "a", one, "", NOW - days * DAY)) for one in what)]


VISITS = st.lists(st.lists(st.sampled_from(["right", "wrong", "hint", "solution"]), max_size=4), max_size=8)


@given(VISITS)
def test_each_right_answer_makes_the_distance_longer(visits: list[list[str]]) -> None:
    """Whatever happened before, until it is as long as it gets."""
    before = standing([event for one in visits for event in visit(9, *one)])
    after = standing([*(event for one in visits for event in visit(9, *one)), *visit(0, "right")])
    assert after.distance > before.distance or after.distance == DISTANCES[-1]


@given(VISITS, st.sampled_from([("wrong",), ("wrong", "right"), ("hint", "right"), ("solution", "right")]))
def test_what_was_wrong_or_needed_help_comes_back_soon(visits: list[list[str]], last: tuple[str, ...]) -> None:
    """Within minutes, however often it was right before."""
    assert standing([*(event for one in visits for event in visit(9, *one)), *visit(0, *last)]).distance == 10 * MINUTE


@given(VISITS, st.floats(0, 100), st.floats(0, 100))
def test_what_is_due_stays_due(visits: list[list[str]], first: float, more: float) -> None:
    """Until it is answered: no question is lost by waiting."""
    events = [event for one in visits for event in visit(9, *one)]
    if due([A], events, NOW + first * DAY):
        assert due([A], events, NOW + (first + more) * DAY)


def test_a_right_answer_comes_back_after_a_day_then_three() -> None:
    """The first distances, to the minute."""
    once = visit(0, "right")
    assert not due([A], once, NOW + DAY - MINUTE)
    assert due([A], once, NOW + DAY + MINUTE) == [A]
    twice = [*visit(2, "right"), *visit(0, "right", "right")]
    assert not due([A], twice, NOW + 3 * DAY - MINUTE)
    assert due([A], twice, NOW + 3 * DAY + MINUTE) == [A]


def test_a_new_question_waits_for_its_chapter() -> None:
    """And comes the sooner, the more went wrong there."""
    begun = [Past("chapter_a", "x", "began"), Past("chapter_b", "y", "began")]
    assert due([A, B], [], NOW) == []
    assert due([A, B], begun[1:], NOW) == [B]
    assert due([A, B], [*begun, Past("chapter_b", "y", "hint")], NOW) == [B, A]
    assert due([A, B], [*begun, Past("chapter_a", "x", "verdict", "not_yet", evidence=AnswerOnly("1"))], NOW) == [A, B]


def test_a_clock_turned_back_does_no_harm() -> None:
    """A question that was answered in the future is not due, and nothing fails."""
    assert due([A], visit(-5, "wrong"), NOW) == []


# What a question asks


def test_every_chapter_has_at_least_two_questions() -> None:
    """And no question is about a chapter that is not there."""
    about = Counter(question.about for question in LESSON.questions)
    chapters = {lesson.id for lesson in LIBRARY.lessons} - {"review"}
    assert {name: about[name] for name in chapters if about[name] < 2} == {}


@QUESTIONS
def test_the_right_answer_passes_and_no_other(question: Step) -> None:
    """The slip has its own verdict, any other answer another, and every text has its values."""
    facts = recorded(question)
    known = asked(question, facts)
    expected = {str(known.right): "passed", "nonsense 12345 67": "wrong", " ": "no_answer"}
    if known.slip is not None and not means(str(known.slip), known.right):
        expected[str(known.slip)] = "slip"
    session_text = {language: question.text[language].verdicts for language in LANGUAGES}
    for answer, slug in expected.items():
        verdict = attempt(LIBRARY, question, Evidence(facts, facts, answer))
        assert verdict.slug == slug
        for texts in session_text.values():
            assert slug not in texts or texts[slug].format(**verdict.values, engine="box")


@QUESTIONS
def test_nothing_to_ask_about_is_said(question: Step) -> None:
    """On a machine without a container of the learner's, whatever is answered."""
    facts = replace(recorded(question), containers=())
    assert attempt(LIBRARY, question, Evidence(facts, facts, "1")).slug == "nothing_to_ask"


@QUESTIONS
@given(answer=st.text(max_size=30))
def test_no_answer_breaks_a_question(question: Step, answer: str) -> None:
    """Whatever is typed, there is a verdict."""
    facts = recorded(question)
    assert attempt(LIBRARY, question, Evidence(facts, facts, answer)).kind in ("passed", "not_yet")


@QUESTIONS
def test_a_question_is_complete_in_both_languages(question: Step, tmp_path: Path) -> None:
    """No value is left open in any of its words."""
    facts = recorded(question)
    for language in LANGUAGES:
        running = Session(LIBRARY, Progress(tmp_path / f"{language}.sqlite"), lambda _subjects: facts, language)
        running.go(question.where)
        text = running.snapshot().text
        words = "".join((text.body, *text.hints, text.solution, text.debrief))
        assert not [name for name in (*asked(question, facts).values, "right", "engine") if f"{{{name}}}" in words]
        running.progress.close()


@QUESTIONS
def test_a_question_that_asks_about_nothing_shows_no_open_value(question: Step, tmp_path: Path) -> None:
    """Its body, hints and solution say what is missing."""
    facts = replace(recorded(question), containers=())
    running = Session(LIBRARY, Progress(tmp_path / "progress.sqlite"), lambda _subjects: facts, "en")
    running.go(question.where)
    text = running.snapshot().text
    assert "{" not in "".join((text.body, *text.hints, text.solution, text.debrief))
    running.progress.close()


def other(container: Container, by: int) -> Container:
    """The container as another learner has it."""
    return replace(
        container, id=f"{by:064x}", name=f"other_{by}", init=replace(container.init, started=container.init.started + by)
    )


def test_no_two_are_the_same() -> None:
    """Another container is asked about by other values, and where a question can be put in several ways, in another."""
    for question in LESSON.questions:
        facts = recorded(question)
        drawn = {
            repr(sorted(asked(question, replace(facts, containers=(other(facts.containers[0], by),))).values.items()))
            for by in range(1, 25)
        }
        assert len(drawn) == 6 if question.id == "release_year" else len(drawn) == 24


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [("４７１１", 4711), ("PID 4711.", 4711), ("是", "yes"), ("没有", "no"), ("N", "no"), (" mount ", "mnt"), ("-n", "n"),
     ("/run/docker.sock", "/var/run/docker.sock"), ("`overlay`", "overlay"),
     ("0.30 CPUs", 0.3), (".3", 0.3), ("/etc/hosts/", "/etc/hosts"),
     ("pivot_root(2)", "pivot_root"), ("pivot_root()", "pivot_root")],
)  # fmt: skip
def test_an_answer_may_be_written_in_many_ways(answer: str, wanted: str | float) -> None:
    """What it says counts."""
    assert means(answer, wanted)
    assert judge_question(Asked(wanted), answer).kind == "passed"


def test_an_endless_answer_is_wrong_and_nothing_else() -> None:
    """However many digits it has."""
    assert judge_question(Asked(7), "7" * 10_000).slug == "wrong"
    assert not means("7" * 10_000, 7)


# The review on the screens


def begun(folder: Path, facts: Facts, language: str = "en") -> tuple[Session, Kernel]:
    """A session in which the chapter of question pid_inside was begun, and the kernel that it looks at."""
    kernel = Kernel(facts)
    running = Session(LIBRARY, Progress(folder / "progress.sqlite"), kernel.observe, language)
    running.recorder.add(Event(uuid7(), 0, PID_INSIDE.about, "any", "began"))
    running.go(PID_INSIDE.where)
    return running, kernel


PID_INSIDE = LESSON.step("pid_inside")


def test_next_goes_to_what_is_due_and_ends_where_nothing_is(tmp_path: Path) -> None:
    """First what the questions are about, then each of the chapter's once, those passed over as well; then no more is due."""
    running, _ = begun(tmp_path, recorded(PID_INSIDE))
    waiting = [one.where for one in running.position.due(LESSON, time.time())]
    assert PID_INSIDE.where in waiting
    assert all(LIBRARY.step(where).about == PID_INSIDE.about for where in waiting)
    walked: list[str] = []
    while where := running.position.beside(walked[-1] if walked else "review/start", 1, time.time()):
        walked.append(where)
    assert walked == ["review/limit", *waiting]
    assert (running.position.end(1), running.position.end(-1)) == ("nothing_due", "first_step")


def test_a_right_answer_takes_the_question_away_and_a_wrong_one_too_for_a_while(tmp_path: Path) -> None:
    """Neither is due at once."""
    running, _ = begun(tmp_path, facts := recorded(PID_INSIDE))
    known = asked(PID_INSIDE, facts)
    running.check(str(known.slip) if known.slip else "99")
    assert PID_INSIDE not in running.position.due(LESSON, time.time())
    assert due(LESSON.questions, running.progress.past(), time.time() + 11 * MINUTE)[0] == PID_INSIDE
    assert running.check(str(known.right)).kind == "passed"
    assert standing(one for one in running.progress.past() if one.where == PID_INSIDE.where).row == 0


def test_the_instructor_judges_a_question_as_it_was_asked(tmp_path: Path) -> None:
    """The evidence holds what the question was drawn from."""
    running, _ = begun(tmp_path, facts := recorded(PID_INSIDE))
    running.check("99")
    running.check(str(asked(PID_INSIDE, facts).right))
    events = [one for one in running.progress.events() if one.verdict]
    assert [one.slug for one in events] == ["wrong", "passed"]
    for event in events:
        assert event.evidence is not None
        assert attempt(LIBRARY, PID_INSIDE, event.evidence).slug == event.slug


@pytest.mark.parametrize(("language", "words"), [("en", "to review, 10 min"), ("zh", "待复习")])
@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_map_says_how_many_are_due(tmp_path: Path, size: tuple[int, int], language: str, words: str) -> None:
    """Beside the review's title; other lessons say nothing of the kind."""
    running, _ = begun(tmp_path, recorded(PID_INSIDE), language)
    app = WorkshopApp(Desk(running), make_pane=TerminalPane)
    async with app.run_test(size=size) as pilot:
        app.show_map()
        await settled(pilot)
        rows = [line for line in screen_text(app).splitlines() if words in line]
    assert len(rows) == 1
    assert str(len(running.position.due(LESSON, time.time()))) in rows[0]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_small_map_holds_every_lesson(tmp_path: Path, language: str) -> None:
    """At 80x24 the whole course can be seen at once, each lesson on one line with its minutes and steps."""
    running = Session(LIBRARY, Progress(tmp_path / "progress.sqlite"), Kernel().observe, language)
    app = WorkshopApp(Desk(running), make_pane=TerminalPane)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        shown = screen_text(app).splitlines()
    for lesson in LIBRARY.lessons:
        (row,) = [line for line in shown if line.strip().startswith(f"+ {lesson.text[language].title}  ")]
        assert str(lesson.minutes) in row
        assert f"0/{len(lesson.steps)}" in row
        assert cell_len(row) <= 80


@pytest.mark.parametrize(("language", "words"), [("en", "Yes: "), ("zh", "是：")])
def test_a_solution_says_yes_in_the_learners_language(tmp_path: Path, language: str, words: str) -> None:
    """Not in the word that the check compares with."""
    question = LESSON.step("queue_seen")
    facts = recorded(question)
    shared = replace(facts.containers[0], namespaces=facts.host.namespaces)
    running, _ = begun(tmp_path, replace(facts, containers=(shared,)), language)
    running.go(question.where)
    assert running.snapshot().text.solution.startswith(words)


async def test_a_question_follows_the_machine(tmp_path: Path) -> None:
    """It names this container; when that is gone it says so, and the next container is asked about anew."""
    running, kernel = begun(tmp_path, facts := recorded(PID_INSIDE))
    app = WorkshopApp(Desk(running), make_pane=TerminalPane)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: f"A process of {facts.containers[0].name}" in screen_text(app))
        kernel.now = replace(facts, containers=())
        await until(pilot, lambda: "What this question asks" in screen_text(app))
        kernel.now = replace(facts, containers=(other(facts.containers[0], 1),))
        await until(pilot, lambda: "A process of other_1" in screen_text(app))
        right = str(asked(PID_INSIDE, kernel.now).right)
        await pilot.press("a", *right, "enter")
        await until(pilot, lambda: running.verdict is not None and running.verdict.kind == "passed")


def test_plain_mode_asks_as_well(tmp_path: Path) -> None:
    """The question with its values, the verdict, and the map's count."""
    running, _ = begun(tmp_path, facts := recorded(PID_INSIDE))
    written = dialogue(running, f"a {asked(PID_INSIDE, facts).right}", "map")
    assert f"A process of {facts.containers[0].name}" in written
    assert "Passed: Right." in written
    assert "to review now" in written
