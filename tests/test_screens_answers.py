"""What a step's screen makes of its width, and of an answer that can't count yet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.widgets import Markdown

from tests.screens import Kernel, container, facts, opened, screen_text, session, settled, until
from workshop.course.lesson import StepText
from workshop.course.library import Library, load_library
from workshop.faces.screen.titles import title
from workshop.faces.screen.widgets.lesson_pane import LessonPane
from workshop.faces.screen.widgets.picture import Picture
from workshop.faces.screen.widgets.verdict_line import sentence
from workshop.learning import Desk, Session
from workshop.pictures import drawn
from workshop.pictures.drawing import timeline
from workshop.progress import Progress


async def test_where_no_answer_can_count_the_keys_work_at_once(tmp_path: Path) -> None:
    """A question whose turn has not come shows no field, and no key leads into it: the next key is a command."""
    async with opened(session(tmp_path, Kernel()), step="number") as pilot:
        await until(pilot, lambda: "! Later:" in screen_text(pilot.app))
        await until(pilot, lambda: not pilot.app.screen.query_one("#answer").display)
        await pilot.press("a", "7", "b")
        await until(pilot, lambda: "3/4. Do" in screen_text(pilot.app))


async def test_a_prediction_offers_neither_hint_nor_solution(tmp_path: Path) -> None:
    """What is not there is no key, and pressing it all the same says why."""
    async with opened(session(tmp_path, Kernel()), step="guess") as pilot:
        keys = screen_text(pilot.app).splitlines()[-1]
        assert "hint" not in keys and "solve" not in keys
        await pilot.press("s")
        await until(pilot, lambda: "There is no solution to show here" in screen_text(pilot.app))
        assert "Solution:" not in screen_text(pilot.app)


def test_a_title_is_of_one_step_also_while_another_begins(tmp_path: Path) -> None:
    """The screen writes the title while the session's thread goes on, back and forth, to a step of another lesson."""
    desk = Desk(Session(load_library(), Progress(tmp_path / "progress.sqlite"), Kernel().observe, "en"))
    steps = ("exercise_cgroups/start", "exercise_namespaces/start")

    def walk(times: int) -> set[str]:
        """Every title on the way."""
        titles = set()
        for where in steps * times:
            desk.go(where)
            titles.add(title(desk.now, 80).plain)
        return titles

    right = walk(1)
    with ThreadPoolExecutor(1) as thread:
        going = thread.submit(walk, 30)
        shown = set[str]()
        while not going.done():
            shown.add(title(desk.now, 80).plain)
    assert shown <= right == going.result()


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_figures_in_a_text_are_as_wide_as_the_pane(tmp_path: Path, language: str) -> None:
    """At each size, also after the window became another, every row of the timeline stands whole in one line."""
    running = session(tmp_path, Kernel(), language)
    step = replace(running.step, text={language: StepText("T", "```\n{timeline}\n```")})
    lesson = replace(running.position.lesson, steps=(step, *running.position.lesson.steps[1:]))
    running = Session(Library((lesson,), tmp_path, tmp_path), running.progress, Kernel().observe, language)
    async with opened(running, step="guess") as pilot:
        for size in ((120, 30), (80, 24), (160, 48), (120, 30)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            pane = pilot.app.screen.query_one(LessonPane)
            await settled(pilot)
            source = pane.query_one("#body", Markdown).source
            rows = [one.plain for one in timeline(language, pane.figure_width)]
            assert all(row in source.splitlines() for row in rows)
            assert all(cell_len(row) <= pane.figure_width for row in rows)
            fence = pane.query_one("MarkdownFence")
            assert fence.query_one("Label").content_size.height == len(rows)


async def test_a_picture_taller_than_its_pane_is_not_cut_and_reads_on(tmp_path: Path) -> None:
    """On a small screen no line of it lies below the scroll bar, and the space bar shows the rest."""
    async with opened(session(tmp_path, Kernel(facts(container()))), step="guess") as pilot:
        await pilot.press("v")
        await settled(pilot)
        pane = pilot.app.screen.query_one(Picture)
        assert pane.query_one("#figures").size.width == pane.scrollable_content_region.width
        await pilot.press("space")
        await until(pilot, lambda: pane.scroll_y > 0)


def test_a_figure_in_a_text_begins_with_the_learners_own_container(tmp_path: Path) -> None:
    """Where not all roots fit, the container that somebody sits at stands beside the host, as in the picture."""
    others = [container("one"), container("two")]
    ours = replace(container("ours"), init=replace(container().init, terminal=34816))
    kernel = Kernel(facts(*others, ours))
    running = session(tmp_path, kernel)
    step = replace(running.step, text={"en": StepText("T", "{bootfs}")})
    running = Session(
        Library((replace(running.position.lesson, steps=(step, *running.position.lesson.steps[1:])),), tmp_path, tmp_path),
        running.progress, kernel.observe, "en",
    )  # fmt: skip
    running.check()
    now = running.snapshot()
    body = drawn(now.text.body, now.facts, "en", 40)
    assert ("ours's /" in body, "one's /" in body) == (True, False)


def test_a_command_in_a_verdict_is_bold_and_shows_no_backticks() -> None:
    """What a text marks as a command stands out in the verdict as it does in the lesson; a lone backtick stays."""
    shown = sentence("not_yet", "look at `ls /`, not `", "en")
    assert shown.plain.endswith("look at ls /, not `")
    assert "bold" in {str(span.style) for span in shown.spans if shown.plain[span.start : span.end] == "ls /"}
