"""The screens, driven by keys, on facts made by hand: what a learner does and then sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.screens import (
    Kernel,
    TerminalPane,
    container,
    facts,
    opened,
    passed,
    screen_text,
    session,
    settled,
    until,
)
from workshop.client.connection import HelperError
from workshop.faces.screen.app import WorkshopApp, theme_of
from workshop.faces.screen.widgets.terminals import Slot
from workshop.facts import Queue
from workshop.learning.session import Session

NAMES = ("guess", "start", "queue", "number")


def at(folder: Path, kernel: Kernel, step: str, language: str = "en") -> Session:
    """A session whose steps before this one are passed."""
    running = session(folder, kernel, language)
    passed(running, *NAMES[: NAMES.index(step)])
    return running


def panes(app: object) -> list[TerminalPane]:
    """The terminals that were started."""
    assert isinstance(app, WorkshopApp)
    return list(app.screen.query(TerminalPane))


async def test_someone_new_begins_at_the_map_and_enter_opens(tmp_path: Path) -> None:
    """The map shows the lessons, Space each step and its state in words; Enter opens the step with its text and a terminal."""
    async with opened(session(tmp_path, Kernel())) as pilot:
        assert "0 of 4 steps passed" in screen_text(pilot.app)
        await pilot.press("space")
        await until(pilot, lambda: "you are here" in screen_text(pilot.app))
        await pilot.press("space", "enter")
        await until(pilot, lambda: "How many does the container's" in screen_text(pilot.app))
        assert panes(pilot.app)[0].started


async def test_choosing_a_prediction_ticks_the_step_and_n_goes_on(tmp_path: Path) -> None:
    """A number chooses, the tick appears with its word, and n shows the next step."""
    async with opened(session(tmp_path, Kernel()), step="guess") as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "✓ Passed:" in screen_text(pilot.app))
        await pilot.press("n")
        await until(pilot, lambda: "2/4. Do: Start a container" in screen_text(pilot.app))
        assert "not passed yet" in screen_text(pilot.app)


async def test_the_tick_appears_by_itself_when_the_kernel_shows_it(tmp_path: Path) -> None:
    """No key is needed: the screen looks by itself, and shows verdict and debrief."""
    kernel = Kernel()
    async with opened(at(tmp_path, kernel, "start"), step="start") as pilot:
        kernel.now = facts(container())
        await until(pilot, lambda: "✓ Passed: The container quiet_hopper is running." in screen_text(pilot.app))
        await until(pilot, lambda: "A container is a process that sees other namespaces." in screen_text(pilot.app))


async def test_a_terminal_that_moves_is_followed_by_a_look_at_once(tmp_path: Path) -> None:
    """The verdict does not wait for the slow look when the terminal showed something new."""
    kernel = Kernel()
    async with opened(at(tmp_path, kernel, "start"), step="start") as pilot:
        looks = kernel.looks
        kernel.now = facts(container())
        panes(pilot.app)[0].post_message(TerminalPane.Moved())
        await pilot.pause(0.3)
        assert kernel.looks > looks
        assert "✓ Passed:" in screen_text(pilot.app)


async def test_what_is_not_there_yet_is_told_only_after_a_deed(tmp_path: Path) -> None:
    """At first the line says that the workshop watches; once the learner asks, it says what it sees."""
    async with opened(at(tmp_path, Kernel(), "start"), step="start") as pilot:
        assert "The workshop watches the kernel" in screen_text(pilot.app)
        await pilot.press("c")
        await until(pilot, lambda: "- Not yet: There is no container yet." in screen_text(pilot.app))


async def test_a_wrong_turn_is_named(tmp_path: Path) -> None:
    """A queue made inside the container has its own text, with the numbers of both namespaces."""
    kernel = Kernel(facts(container()))
    async with opened(at(tmp_path, kernel, "queue"), step="queue") as pilot:
        kernel.now = facts(container(queues=(Queue(0, 0),)))
        await until(pilot, lambda: "You made the queue inside the container: its IPC namespace" in screen_text(pilot.app))


async def test_hints_climb_and_end(tmp_path: Path) -> None:
    """Each h shows one more hint; after the last it says so."""
    async with opened(at(tmp_path, Kernel(), "start"), (160, 48), step="start") as pilot:
        await pilot.press("h")
        await until(pilot, lambda: "Hint 1 of 2:" in screen_text(pilot.app))
        assert "Hint 2 of 2:" not in screen_text(pilot.app)
        await pilot.press("h", "h")
        await until(pilot, lambda: "There are no more hints" in screen_text(pilot.app))
        assert "Hint 2 of 2: box run starts one." in screen_text(pilot.app)


async def test_the_solution_is_typed_into_the_terminals_that_it_names(tmp_path: Path) -> None:
    """After s, t types each line into its terminal, which comes into view."""
    kernel = Kernel(facts(container()))
    async with opened(at(tmp_path, kernel, "queue"), step="queue") as pilot:
        await pilot.press("t")
        await until(pilot, lambda: "First look at the solution" in screen_text(pilot.app))
        await pilot.press("s")
        await until(pilot, lambda: "Terminal 2 is the host's." in screen_text(pilot.app))
        await pilot.press("t")
        await until(pilot, lambda: [pane.typed for pane in panes(pilot.app)] == [["ipcs\r"], ["ipcmk -Q\r"]])


async def test_an_answer_is_typed_and_judged(tmp_path: Path) -> None:
    """A digit begins the answer; a wrong one is named and can be mended, a right one passes and gives the keys back."""
    kernel = Kernel(facts(container(), queues=(Queue(17, 0),)))
    async with opened(at(tmp_path, kernel, "number"), step="number") as pilot:
        await pilot.press(*"16", "enter")
        await until(pilot, lambda: "There is no queue 16 on the host." in screen_text(pilot.app))
        await pilot.press("backspace", "7", "enter")
        await until(pilot, lambda: "✓ Passed: Right: 17." in screen_text(pilot.app))
        await pilot.press("n")
        await until(pilot, lambda: "That was the last step" in screen_text(pilot.app))


async def test_the_prediction_is_settled_by_the_step_that_shows_it(tmp_path: Path) -> None:
    """The debrief sets what was predicted beside what the kernel showed."""
    kernel = Kernel(facts(container()))
    running = session(tmp_path, kernel)
    async with opened(running, (160, 48), step="guess") as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "✓ Passed:" in screen_text(pilot.app))
        passed(running, "start")
        await pilot.press("n", "n")
        await until(pilot, lambda: "3/4." in screen_text(pilot.app))
        await settled(pilot)
        kernel.now = facts(container(), queues=(Queue(0, 0),))
        await until(pilot, lambda: "You predicted: one: both share the kernel." in screen_text(pilot.app))


async def test_coming_back_types_what_the_step_needs(tmp_path: Path) -> None:
    """On return to a step whose container is gone, the workshop starts it again in terminal 1 and says so."""
    kernel = Kernel(facts(container()))
    at(tmp_path, kernel, "queue").go("message_queues/queue")
    kernel.now = facts()
    async with opened(at(tmp_path, kernel, "queue")) as pilot:
        await until(pilot, lambda: any(pane.typed == ["box run -it --rm busybox\r"] for pane in panes(pilot.app)))
        assert "3/4. Do: Make a queue on the host" in screen_text(pilot.app)
        await until(pilot, lambda: "What this step needs is gone" in screen_text(pilot.app))


async def test_what_is_needed_comes_back_one_thing_after_the_other(tmp_path: Path) -> None:
    """The queue is made only once the container is there, each line is typed once, and the step begins from there."""
    kernel = Kernel()
    at(tmp_path, kernel, "number").go("message_queues/number")
    async with opened(at(tmp_path, kernel, "number")) as pilot:
        await until(pilot, lambda: [pane.typed for pane in panes(pilot.app)] == [["box run -it --rm busybox\r"]])
        await until(pilot, lambda: kernel.looks > 5)
        kernel.now = facts(container())
        typed = [["box run -it --rm busybox\r", "ipcs\r"], ["ipcmk -Q\r"]]
        await until(pilot, lambda: [pane.typed for pane in panes(pilot.app)] == typed)
        kernel.now = facts(container(), queues=(Queue(17, 0),))
        await until(pilot, lambda: "r rebuild" not in screen_text(pilot.app))
        assert [pane.typed for pane in panes(pilot.app)] == typed


async def test_what_does_not_come_back_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that bring nothing back are typed once; then the workshop says where to look."""
    monkeypatch.setattr("workshop.faces.screen.rebuild.REBUILD_SECONDS", 0.2)
    async with opened(at(tmp_path, Kernel(), "queue"), step="queue") as pilot:
        await until(pilot, lambda: "r rebuild" in screen_text(pilot.app))
        await pilot.press("r")
        await until(pilot, lambda: "see what terminal 1 says" in screen_text(pilot.app))
        assert [pane.typed for pane in panes(pilot.app)] == [["box run -it --rm busybox\r"]]


async def test_a_step_whose_container_was_left_offers_to_start_it(tmp_path: Path) -> None:
    """On the way from step to step nothing is typed unasked: a notice and the key line offer it, and r does it."""
    running = at(tmp_path, Kernel(), "queue")
    async with opened(running, step="start") as pilot:
        await pilot.press("n")
        await until(pilot, lambda: "What this step needs is not there now." in screen_text(pilot.app))
        assert [pane.typed for pane in panes(pilot.app)] == [[]]
        await pilot.press("r")
        await until(pilot, lambda: [pane.typed for pane in panes(pilot.app)] == [["box run -it --rm busybox\r"]])


async def test_a_failure_of_ours_does_not_end_the_workshop(tmp_path: Path) -> None:
    """It is told as ours, with its log, and once it is over the work goes on with the same shell."""
    kernel = Kernel()
    async with opened(at(tmp_path, kernel, "start"), (160, 48), step="start") as pilot:
        shells = panes(pilot.app)
        kernel.trouble = RuntimeError("a\u200b bug\u202e")
        await until(pilot, lambda: "(RuntimeError: a bug). It is not you." in screen_text(pilot.app))
        assert "RuntimeError: a\u200b bug" in (tmp_path / "workshop-fault.log").read_text()
        kernel.trouble = None
        await until(pilot, lambda: "It is not you." not in screen_text(pilot.app))
        assert panes(pilot.app) == shells


async def test_a_failure_in_drawing_does_not_end_the_workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails on our side of the screen stands in the verdict's place."""

    def fail(*_: object) -> None:
        raise ValueError("no room")

    async with opened(at(tmp_path, Kernel(), "start"), (160, 48), step="start") as pilot:
        monkeypatch.setattr("workshop.faces.screen.widgets.picture.Picture.draw", fail)
        await until(pilot, lambda: "(ValueError: no room)" in screen_text(pilot.app))
        assert pilot.app.is_running


async def test_undo_says_what_it_removed(tmp_path: Path) -> None:
    """Where nothing appeared, undo says that there is nothing to undo."""
    async with opened(at(tmp_path, Kernel(), "start"), step="start") as pilot:
        await pilot.press("u")
        await until(pilot, lambda: "Nothing to undo" in screen_text(pilot.app))


async def test_keys_go_to_the_shell_until_the_way_out(tmp_path: Path) -> None:
    """In a terminal letters are the shell's; Ctrl+] gives them back to the lesson, and the key line says which."""
    async with opened(at(tmp_path, Kernel(), "start"), step="start") as pilot:
        await pilot.press("tab")
        await until(pilot, lambda: "^] lesson" in screen_text(pilot.app).splitlines()[-1])
        await pilot.press("n", "q", "tab")
        assert "2/4. Do" in screen_text(pilot.app)
        await pilot.press("ctrl+right_square_bracket")
        await until(pilot, lambda: "n next" in screen_text(pilot.app).splitlines()[-1])
        await pilot.press("2")
        await until(pilot, lambda: "[Terminal 2]" in screen_text(pilot.app))


async def test_a_step_is_shown_whatever_is_pressed_right_after_n(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typing again what is needed breaks off no step that begins: text and keys are of the same one."""
    monkeypatch.setattr("workshop.faces.screen.rebuild.REBUILD_SECONDS", 0.2)
    async with opened(at(tmp_path, Kernel(), "queue"), step="start") as pilot:
        await pilot.press("n", "r")
        await until(pilot, lambda: "3/4. Do" in screen_text(pilot.app))
        await settled(pilot)
        assert "Make a queue on the host" in screen_text(pilot.app).splitlines()[0]
        assert "box run" not in screen_text(pilot.app).splitlines()[3]


@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+q"])
async def test_no_control_key_leaves(tmp_path: Path, key: str) -> None:
    """In the lesson it says how to leave."""
    async with opened(at(tmp_path, Kernel(), "start"), step="start") as pilot:
        await pilot.press(key)
        await until(pilot, lambda: "q leaves the workshop" in screen_text(pilot.app))
        assert pilot.app.is_running


async def test_the_language_changes_everywhere_at_once(tmp_path: Path) -> None:
    """l turns title, text, verdict, tab line and keys into Chinese, and back."""
    async with opened(at(tmp_path, Kernel(), "start"), step="start") as pilot:
        await pilot.press("c")
        await pilot.press("l")
        await until(pilot, lambda: "还没有：现在还没有容器。" in screen_text(pilot.app))
        for expected in ("第 2/4 步　动手：启动容器", "尚未通过", "[终端 1]", "n 下一步"):
            assert expected in screen_text(pilot.app)
        await pilot.press("l")
        await until(pilot, lambda: "There is no container yet." in screen_text(pilot.app))


async def test_the_language_changed_on_the_map_is_the_steps_too(tmp_path: Path) -> None:
    """Back from the map, the step is in the language that was chosen there."""
    async with opened(at(tmp_path, Kernel(), "start"), step="start") as pilot:
        await pilot.press("m")
        await until(pilot, lambda: "1 of 4 steps passed" in screen_text(pilot.app))
        await pilot.press("l")
        await until(pilot, lambda: "已通过 1 步" in screen_text(pilot.app))
        await pilot.press("m")
        await until(pilot, lambda: "在终端 1 里启动一个容器" in screen_text(pilot.app))


async def test_a_hostile_name_is_shown_as_it_is(tmp_path: Path) -> None:
    """Markup in a container's name is neither read nor run, and control characters are taken out."""
    kernel = Kernel()
    async with opened(at(tmp_path, kernel, "start"), (160, 48), step="start") as pilot:
        kernel.now = facts(container("[@click=app.quit]A[/]\x1b[2J\u202e"))
        await until(pilot, lambda: "Passed: The container [@click=app.quit]A[/][2J is" in screen_text(pilot.app))
        await settled(pilot)
        assert "[@click=app.quit]A[/]" in screen_text(pilot.app).split("Processes, from both sides")[1]
        assert "\u202e" not in screen_text(pilot.app)


async def test_a_hostile_answer_is_shown_as_it_is(tmp_path: Path) -> None:
    """Markup in what the learner typed is only text."""
    async with opened(at(tmp_path, Kernel(), "number"), step="number") as pilot:
        await pilot.press("a", *"[b]x[", "enter")
        await until(pilot, lambda: "There is no queue [b]x[ on the host." in screen_text(pilot.app))


async def test_without_the_helper_the_lesson_goes_on(tmp_path: Path) -> None:
    """The reason stands in a banner, the text can be read, and when the helper is back the banner goes."""
    kernel = Kernel(trouble=HelperError("no_helper", instance="workshop"))
    running = session(tmp_path, kernel)
    async with opened(running) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "How many does the container's" in screen_text(pilot.app))
        await until(pilot, lambda: pilot.app.screen.has_class("-helpless"))
        kernel.trouble = None
        await until(pilot, lambda: not pilot.app.screen.has_class("-helpless"))


async def test_a_broken_check_is_our_fault_and_its_log_is_kept(tmp_path: Path) -> None:
    """The verdict says that it is not the learner, and where the log is."""
    running = at(tmp_path, Kernel(), "start")
    (tmp_path / "message_queues.py").write_text("def started(seen):\n    return 1 / 0\n")
    async with opened(running, (160, 48), step="start") as pilot:
        await until(pilot, lambda: "! Our fault: the check of this step failed" in screen_text(pilot.app))
        assert "ZeroDivisionError" in (tmp_path / "broken-check.log").read_text()


async def test_a_blocked_step_says_which_comes_first(tmp_path: Path) -> None:
    """A step opened from the map before its turn names the step to do."""
    async with opened(session(tmp_path, Kernel()), step="queue") as pilot:
        await until(pilot, lambda: "! Later:" in screen_text(pilot.app))
        assert "Whose queue is it?" in screen_text(pilot.app)


async def test_the_map_and_back_keeps_the_shells(tmp_path: Path) -> None:
    """m shows the map, m again the same step with the same terminals."""
    async with opened(at(tmp_path, Kernel(), "start"), step="start") as pilot:
        shells = panes(pilot.app)
        await pilot.press("m")
        await until(pilot, lambda: "1 of 4 steps passed" in screen_text(pilot.app))
        await pilot.press("m")
        await until(pilot, lambda: "2/4. Do" in screen_text(pilot.app))
        assert panes(pilot.app) == shells


async def test_another_layout_keeps_everything(tmp_path: Path) -> None:
    """Narrow to wide and back: the hint, the verdict and the shells stay."""
    async with opened(at(tmp_path, Kernel(), "start"), step="start") as pilot:
        shells = panes(pilot.app)
        await pilot.press("h", "c")
        await until(pilot, lambda: "Hint 1 of 2" in screen_text(pilot.app))
        for size in ((160, 48), (80, 24), (120, 30), (80, 24)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            assert "Hint 1 of 2" in screen_text(pilot.app)
            assert "There is no container yet." in screen_text(pilot.app)
        assert panes(pilot.app) == shells


async def test_a_small_window_is_said_to_be_small(tmp_path: Path) -> None:
    """Below 80x24 the banner names both sizes; the lesson is still there, and a larger window takes the banner away."""
    async with opened(at(tmp_path, Kernel(), "start"), (60, 20), step="start") as pilot:
        assert "This window is 60x20" in screen_text(pilot.app)
        assert "Start a container, in terminal 1" in screen_text(pilot.app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "This window is" not in screen_text(pilot.app))


async def test_a_shell_that_ends_is_followed_by_a_new_one(tmp_path: Path) -> None:
    """Ctrl-D in the host's shell is no dead end."""
    async with opened(at(tmp_path, Kernel(), "start"), step="start") as pilot:
        pilot.app.screen.query_one(Slot)._since -= 60
        ended = panes(pilot.app)[0]
        ended.post_message(TerminalPane.Exited(0))
        await until(pilot, lambda: "Here is a new one." in screen_text(pilot.app))
        assert panes(pilot.app) != [ended]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("step", NAMES)
async def test_every_key_fits_on_one_line_of_80(tmp_path: Path, language: str, step: str) -> None:
    """Nothing is cut off the key line, in either language, on any kind of step."""
    async with opened(at(tmp_path, Kernel(), step, language), step=step) as pilot:
        last = screen_text(pilot.app).splitlines()[-1]
        assert cell_len(last) <= 80
        assert last.endswith("quit" if language == "en" else "退出")


async def test_columns_stay_straight_beside_wide_characters(tmp_path: Path) -> None:
    """In the wide layout the terminal begins in the same column on every line, also beside Chinese text."""
    async with opened(at(tmp_path, Kernel(), "start", "zh"), (160, 48), step="start") as pilot:
        strips = screen_text(pilot.app).splitlines()
        prompt = next(line for line in strips if "$ " in line or line.endswith("$"))
        tabs = next(line for line in strips if "[终端 1]" in line)
        assert cell_len(prompt[: prompt.index("$")]) == cell_len(tabs[: tabs.index("[终端 1]")])


def test_the_theme_follows_the_terminals_background() -> None:
    """COLORFGBG says whether the background is light; where it is not set, dark."""
    assert theme_of({"COLORFGBG": "0;15"}) == "textual-light"
    assert theme_of({"COLORFGBG": "15;0"}) == "textual-dark"
    assert theme_of({}) == "textual-dark"


async def test_no_color_means_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR everything is grey, and mark and word still tell a passed step."""
    monkeypatch.setenv("NO_COLOR", "1")
    kernel = Kernel()
    async with opened(at(tmp_path, kernel, "start"), step="start") as pilot:
        kernel.now = facts(container())
        await until(pilot, lambda: "✓ Passed:" in screen_text(pilot.app))
        styles = [piece.style for line in pilot.app.screen._compositor.render_strips() for piece in line if piece.style]
        shades = {colour.triplet for style in styles for colour in (style.color, style.bgcolor) if colour and colour.triplet}
        assert shades and all(shade.red == shade.green == shade.blue for shade in shades)
