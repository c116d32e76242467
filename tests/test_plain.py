"""Plain mode: lines in, lines out, on facts made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.screens import Kernel, container, facts, library, passed, session
from workshop.client.connection import HelperError
from workshop.faces import plain
from workshop.facts import Queue
from workshop.learning import Desk, Session
from workshop.progress.progress import Progress
from workshop.words.language import words

Line = str | Callable[[], None]


def dialogue(running: Session, *lines: Line) -> str:
    """All that plain mode writes when these lines are typed; a function among them changes the kernel."""
    waiting, written = list(lines), [""]

    def read(prompt: str) -> str:
        while waiting:
            line = waiting.pop(0)
            if isinstance(line, str):
                return line
            line()
        raise EOFError

    plain.run(Desk(running), read, written.append)
    return "\n".join(written)


def test_a_step_passes_on_enter_when_the_kernel_shows_it(tmp_path: Path) -> None:
    """Enter looks; when the container is there the step passes, and Enter goes on."""
    kernel = Kernel()
    written = dialogue(session(tmp_path, kernel), "1", "", "", lambda: setattr(kernel, "now", facts(container())), "", "")
    assert "Passed: Right." in written
    assert "Not yet: There is no container yet." in written
    assert "Passed: The container quiet_hopper is running." in written
    assert "A container is a process that sees other namespaces." in written
    assert "Step 3 of 4. Do: Make a queue on the host" in written


def test_the_prediction_is_settled(tmp_path: Path) -> None:
    """After the step that shows it, what was predicted stands beside what the kernel showed."""
    kernel = Kernel()
    container_runs = facts(container())
    written = dialogue(
        session(tmp_path, kernel),
        "2",
        "next",
        lambda: setattr(kernel, "now", container_runs),
        "",
        "next",
        lambda: setattr(kernel, "now", facts(container(), queues=(Queue(7, 0),))),
        "check",
    )
    assert "You predicted: one: both share the kernel. The kernel showed: none: the container has" in " ".join(written.split())


def test_answers_are_judged_against_the_kernel(tmp_path: Path) -> None:
    """A wrong number is named, a right one passes; a bare `answer` says how to answer."""
    kernel = Kernel(facts(container(), queues=(Queue(7, 0),)))
    running = session(tmp_path, kernel)
    passed(running, "guess", "start", "queue")
    running.step = running.library.step("message_queues/number")
    written = dialogue(running, "answer", "answer 9", "answer 7")
    assert "Type answer, a space, and your answer." in written
    assert "There is no queue 9 on the host." in written
    assert "Passed: Right: 7." in written


def test_hints_solution_picture_map_and_help(tmp_path: Path) -> None:
    """Everything that the screens have is there as a command."""
    running = session(tmp_path, Kernel(facts(container())))
    written = dialogue(running, "next", "hint", "hint", "hint", "solution", "picture", "map", "map 1", "undo", "help", "back")
    for expected in (
        "Hint 1 of 2: Look at the command above.",
        "There are no more hints.",
        "Solution: The image is called busybox.",
        "In terminal 1: box run -it --rm busybox",
        "pid     4026531836  4026532281 different",
        "2. Start a container (you are here)",
        "picture (v): namespaces, processes and limits, as they are now",
        "Nothing to undo",
        "Step 1 of 4. Predict",
    ):
        assert expected in written


def test_the_map_leads_to_any_step(tmp_path: Path) -> None:
    """A number lists a lesson's steps, two go to a step; what is not there is said to be none, and nothing else happens."""
    written = dialogue(session(tmp_path, Kernel()), "map", "map 1", "map 1 3", "map 2", "map 1 9", "map one")
    assert "1. Whose queue is it?" in written and "  3. Make a queue on the host (later)" in written
    assert "Step 3 of 4. Do: Make a queue on the host" in written
    assert written.count("There is no such lesson or step: lessons have the numbers 1 to 1.") == 3


def test_commands_in_chinese(tmp_path: Path) -> None:
    """In Chinese the commands have Chinese names, and the English ones and letters work as well."""
    written = dialogue(session(tmp_path, Kernel(), "zh"), "下一步", "提示", "h", "退出")
    assert "第 2 步，共 4 步。动手：启动容器" in written
    assert "提示 2/2：" in written
    assert written.endswith("进度已经保存。下次见。")


def test_what_is_no_command_is_said_to_be_none(tmp_path: Path) -> None:
    """A slip is named, free of control characters, and nothing else happens."""
    assert "There is no command frob[2Jnicate." in dialogue(session(tmp_path, Kernel()), "frob\x1b[2Jnicate")


def test_without_the_helper_one_can_still_read(tmp_path: Path) -> None:
    """Where the helper is missing, the reason is given and the lesson shown."""
    kernel = Kernel(trouble=HelperError("no_helper", instance="workshop"))
    written = dialogue(session(tmp_path, kernel), "next", "hint", "map")
    assert "Whose queue is it?" in written and "Step 2 of 4. Do: Start a container" in written
    assert "Hint 1 of 2: Look at the command above." in written
    assert words("en", "helper")["no_helper"].split("{")[0] in written


def test_a_newer_helpers_refusal_is_a_sentence(tmp_path: Path) -> None:
    """A slug that has no text here is shown, free of control characters, with what to do."""
    kernel = Kernel(trouble=HelperError("from_the\x1b[2J_future"))
    assert "(from_the[2J_future): it is of another version" in dialogue(session(tmp_path, kernel), "next")


def test_coming_back_names_what_to_type_again(tmp_path: Path) -> None:
    """A step that needs a container says how to start it again, and judges from there once it runs."""
    kernel = Kernel(facts(container()))
    first = session(tmp_path, kernel)
    first.go("message_queues/queue")
    first.progress.close()
    kernel.now = facts()
    again = Session(library(tmp_path), Progress(tmp_path / "progress.sqlite"), kernel.observe, "en")
    passed(again, "guess", "start")
    written = dialogue(again, lambda: setattr(kernel, "now", facts(container())), "check")
    assert "In terminal 1: box run -it --rm busybox" in written


def test_what_is_needed_is_asked_for_one_thing_after_the_other(tmp_path: Path) -> None:
    """Once the container is there the queue is asked for, and only then the step goes on; nothing is asked for twice."""
    kernel = Kernel()
    running = session(tmp_path, kernel)
    passed(running, "guess", "start", "queue")
    running.step = running.library.step("message_queues/number")
    written = dialogue(
        running,
        "",
        lambda: setattr(kernel, "now", facts(container())),
        "",
        lambda: setattr(kernel, "now", facts(container(), queues=(Queue(7, 0),))),
        "",
        "answer 7",
    )
    assert written.count("box run -it --rm busybox") == 1 and written.count("ipcmk -Q") == 1
    assert "Passed: Right: 7." in written


def test_a_failure_of_ours_is_told_and_the_dialogue_goes_on(tmp_path: Path) -> None:
    """It is told as ours, with its log; the next command works."""
    kernel = Kernel(trouble=RuntimeError("a bug"))
    written = dialogue(session(tmp_path, kernel), lambda: setattr(kernel, "trouble", None), "next")
    assert "Our fault: something in the workshop itself failed (RuntimeError: a bug)" in written
    assert "Step 2 of 4. Do: Start a container" in written


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("area", ["tui", "figures", "plain"])
def test_both_languages_are_complete(language: str, area: str) -> None:
    """Every text of the screens is there in both languages."""
    assert words(language, area).keys() == words("en", area).keys()
    assert all(text.strip() for text in words(language, area).values())
