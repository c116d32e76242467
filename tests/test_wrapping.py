"""Where lines end, in English and Chinese: by the rule itself, on the screens, and in plain mode."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from tests.screens import Kernel, container, facts, opened, passed, screen_text, session, settled, until
from tests.test_plain import dialogue
from workshop.course.lesson import Typed
from workshop.course.library import load_library
from workshop.faces.screen import app as _screens  # noqa: F401  # importing it gives Textual our rule
from workshop.facts import Queue
from workshop.learning.wording import Wording
from workshop.words.line_breaks import CLOSING, CLOSING_WORD, OPENING, breaks, joined, lines, prose

CHINESE = st.text(st.sampled_from("容器进程命名空间"), min_size=1, max_size=2)
QUOTED = st.builds(
    lambda first, opening, inside, closing: first + opening + inside[:1] + closing,
    CHINESE, st.sampled_from(sorted(OPENING)), CHINESE, st.text(st.sampled_from(sorted(CLOSING)), min_size=1, max_size=2),
)  # fmt: skip
WORDS = st.sampled_from([" PID ", " cpu.max ", " namespace ", " é ", " runc", "pid ", " (a) "])
TEXTS = st.lists(CHINESE | QUOTED | WORDS, max_size=30).map("".join)
WIDTHS = st.integers(14, 60)
"""Wide enough for whatever belongs together in TEXTS."""


@given(st.text(max_size=60), st.integers(2, 40))
def test_no_line_is_wider_than_its_room(text: str, width: int) -> None:
    """Whatever is written, a word longer than the line included."""
    assert all(cell_len(line) <= width for line in lines(text, width))


@given(st.text(max_size=60) | TEXTS, WIDTHS)
def test_nothing_is_lost_but_spaces_at_an_end(text: str, width: int) -> None:
    """The lines hold every character of the text, in order."""
    assert re.sub(r"\s", "", "".join(lines(text, width))) == re.sub(r"\s", "", text)


@given(TEXTS, WIDTHS)
def test_no_line_begins_with_what_closes_or_ends_with_what_opens(text: str, width: int) -> None:
    """A full stop is never the first of a line, an opening quotation mark never the last."""
    for place in breaks(text, width):
        assert text[place] not in CLOSING
        assert text[place - 1] not in OPENING


@given(TEXTS, WIDTHS)
def test_latin_words_stay_whole(text: str, width: int) -> None:
    """A line ends beside a space or a Chinese character, never inside a word."""
    for place in breaks(text, width):
        assert not (text[place - 1].isascii() and text[place].isascii()) or text[place - 1] == " "


@given(st.lists(st.sampled_from(["chroot", "is", "one", "mount-namespace", "--rm", "a,", "(b)"]), max_size=30), WIDTHS)
def test_english_breaks_as_it_did(words: list[str], width: int) -> None:
    """With nothing Chinese in it a text breaks after spaces, as full as can be."""
    broken = lines(" ".join(words), width + 4)
    assert " ".join(broken).split() == words
    for line, following in itertools.pairwise(broken):
        assert cell_len(f"{line} {following.split()[0]}") > width + 4


def test_a_full_stop_takes_its_character_along() -> None:
    """What would begin with a full stop begins one character earlier."""
    assert lines("容器就是进程。", 12) == ["容器就是进", "程。"]
    assert lines("它说：“容器”", 7) == ["它说：", "“容器”"]
    assert lines("/sys/fs/cgroup，", 14) == ["/sys/fs/cgrou", "p，"]
    assert lines("看一看（PID 1）", 9) == ["看一看", "（PID 1）"]


def test_sentences_are_joined_as_their_language_does() -> None:
    """A space behind a plain stop, none behind a full-width one."""
    assert joined("It is not there.", "Install it.") == "It is not there. Install it."
    assert joined("没有。", "请安装。") == "没有。请安装。"
    assert joined("提示：", "") == "提示："


def test_commands_keep_their_lines() -> None:
    """Prose is wrapped, what stands between fences is not."""
    assert prose("容器就是进程\n```sh\nbox run -it --rm busybox\n```\n进程就是容器", 6) == (
        "容器就\n是进程\n```sh\nbox run -it --rm busybox\n```\n进程就\n是容器"
    )


def test_the_screen_breaks_lines_by_our_rule() -> None:
    """Textual asks our function, whose place in it has no public name: styles stay where they were."""
    content = Content("在终端里启动容器。").stylize("bold", 4, 9)
    wrapped = content.wrap(16)
    assert [line.plain for line in wrapped] == ["在终端里启动容", "器。"]
    assert [(span.start, span.end) for span in wrapped[1].spans] == [(0, 2)]


def all_texts() -> list[str]:
    """Every Chinese paragraph of every lesson."""
    steps = [step.text["zh"] for lesson in load_library().lessons for step in lesson.steps]
    return [
        line for text in steps for part in (text.body, text.debrief, text.solution, *text.hints) for line in part.splitlines()
    ]


@pytest.mark.parametrize("width", [44, 76])
def test_no_line_of_any_lesson_begins_with_a_full_stop(width: int) -> None:
    """In the lesson pane of a wide screen and of a narrow one."""
    starts = [line[0] for text in all_texts() for line in lines(text, width)[1:] if line]
    assert not CLOSING.intersection(starts)


@pytest.mark.parametrize("size", [(80, 24), (63, 24), (160, 48)])
async def test_the_lesson_pane_and_the_verdict_in_chinese(tmp_path: Path, size: tuple[int, int]) -> None:
    """Lines fill the pane and none begins with a full stop, in the lesson and in the verdict, at any width."""
    running = session(tmp_path, kernel := Kernel(facts(container())), "zh")
    passed(running, "guess", "start")
    async with opened(running, (80, 24), "queue") as pilot:
        kernel.now = facts(container("名字很长的容器" * 2, queues=(Queue(0, 0),)))
        await until(pilot, lambda: running.verdict is not None and running.verdict.slug == "inside")
        await pilot.resize_terminal(*size)
        await settled(pilot)
        shown = [line.strip() for line in screen_text(pilot.app).splitlines()]
    assert any("队列创建在容器里面了" in line for line in shown)
    assert not [line for line in shown if line and line[0] in CLOSING - {"…"} | CLOSING_WORD]


async def test_a_long_command_can_be_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is folded between words where the pane is narrower, not cut."""
    running = session(tmp_path, Kernel())
    long = "find /sys/fs/cgroup -type d -name the_name_of_the_group -exec cat {}/cpu.stat +"
    monkeypatch.setattr(Wording, "lines", lambda _self, _step: (Typed(2, long),))
    async with opened(running, (80, 24), "queue") as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "cpu.stat +" in screen_text(pilot.app))


def test_plain_mode_wraps_chinese(tmp_path: Path) -> None:
    """No line of prose is wider than the 78 cells that plain mode keeps to."""
    written = dialogue(session(tmp_path, Kernel(), "zh"), "帮助", "map", "1", "n")
    assert max(map(cell_len, written.splitlines())) <= 78
