"""The pane as its user sees it: colours and wide characters, floods, resize, scrolling, endings and restarts."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult

from workshop.faces.terminal import pane as terminal
from workshop.faces.terminal.pane import TerminalPane

from .screen import Screen, still_running
from .test_terminal_driver import pane


class PaneApp(App[None]):
    """A pane alone, without a terminal outside."""

    def __init__(self, *program: str) -> None:
        """Run the program in it."""
        super().__init__()
        self.pane = TerminalPane(program, {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color"}, language="en")
        self.ended = asyncio.Event()
        self.keys: list[str] = []

    def compose(self) -> ComposeResult:
        """The pane."""
        yield self.pane

    def on_mount(self) -> None:
        """Start."""
        self.pane.focus()
        self.pane.start()

    def on_key(self, event: Any) -> None:
        """A key the pane did not take."""
        self.keys.append(event.key)

    def on_terminal_pane_exited(self) -> None:
        """The program ended."""
        self.ended.set()

    async def seen(self, pilot: Any) -> list[list[Segment]]:
        """The rows once the program has ended and the last frame is drawn."""
        await asyncio.wait_for(self.ended.wait(), 10)
        while not any("has ended" in row for row in self.pane._rows):
            await pilot.pause(0.01)
        return [list(self.pane.render_line(y)) for y in range(self.pane.size.height)]


def text(row: list[Segment]) -> str:
    """A row's text, right margin trimmed."""
    return "".join(segment.text for segment in row).rstrip()


async def test_colours_and_wide_characters_are_drawn() -> None:
    """What the program writes stands on its row, in its colours, each row exactly as wide as the pane."""
    app = PaneApp("printf", r"\033[1;31mred\033[m and plain\n中文 mixed\n")
    async with app.run_test(size=(60, 10)) as pilot:
        rows = await app.seen(pilot)
        assert [text(row) for row in rows[:2]] == ["red and plain", "中文 mixed"]
        red = next(segment for segment in rows[0] if segment.text == "red")
        assert red.style is not None
        assert red.style.bold
        assert red.style.color is not None
        assert red.style.color.number == 1
        assert {sum(segment.cell_length for segment in row) for row in rows} == {60}


async def test_the_end_of_the_shell_is_said_in_the_pane() -> None:
    """The learner reads that the shell ended and how, below what it wrote last."""
    app = PaneApp("sh", "-c", "echo last words; exit 3")
    async with app.run_test(size=(60, 10)) as pilot:
        rows = [text(row) for row in await app.seen(pilot)]
        assert rows[0] == "last words"
        assert "The shell has ended (exit code 3)." in rows


async def test_keys_are_the_apps_again_once_the_shell_has_ended() -> None:
    """A pane without a shell swallows no key."""
    app = PaneApp("true")
    async with app.run_test(size=(60, 10)) as pilot:
        await app.seen(pilot)
        await pilot.press("x")
        assert app.keys == ["x"]


async def test_without_an_emulator_the_pane_points_to_any_other_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without pyghostty the pane says why, and that other terminals serve; keys stay the app's."""
    monkeypatch.setattr(terminal, "available", lambda: "no wheel for this machine")
    app = PaneApp("cat")
    async with app.run_test(size=(60, 10)) as pilot:
        while not app.pane.render().plain:
            await pilot.pause(0.01)
        shown = " ".join(text(list(app.pane.render_line(y))) for y in range(10))
        assert "no wheel for this machine" in shown
        assert "any other terminal" in shown
        app.pane.start()
        await pilot.press("x")
        assert app.keys == ["x"]


def test_an_emulator_that_cannot_be_loaded_is_said_in_the_learners_language() -> None:
    """The same with a library that really is not there, in Chinese."""
    with pane("cat", PYGHOSTTY_LIB="/nonexistent/library.so", LANG="zh_CN.UTF-8", LC_ALL="zh_CN.UTF-8") as screen:
        screen.wait("任意其他终端")
        screen.send(b"x")
        screen.wait("key x")


def test_the_screen_answers_keys_during_a_flood() -> None:
    """While a program writes without end, keys of the app and Ctrl-C to the program work at once."""
    with pane(
        "bash", "--norc", "-c", "trap 'echo; echo stopped; exec sleep 1000' INT; while :; do cat /proc/kallsyms; done"
    ) as screen:
        screen.wait("[" if Path("/proc/kallsyms").stat().st_size else " t ")
        for key in "abc":
            screen.send(b"\x1d")
            screen.wait("outside", 2)
            began = time.perf_counter()
            screen.send(key.encode())
            assert screen.wait(f"key {key}", 2) - began < 1
            screen.send(b"\x1d")
            screen.wait("in the pane", 2)
        began = time.perf_counter()
        screen.send(b"\x03")
        assert screen.wait("stopped", 5) - began < 2


def test_twenty_megabytes_come_through_whole() -> None:
    """A flood with an end ends with its last line on the screen."""
    with pane("sh", "-c", "yes 0123456789012345678901234567890 | head -c 20000000; echo; echo end of flood; cat") as screen:
        screen.wait("end of flood", 30)


def test_a_resize_reaches_the_program() -> None:
    """The program in the pane learns its new size, and the frame around it follows."""
    with pane("sh", "-c", "trap 'stty size' WINCH; stty size; while :; do sleep 0.02; done") as screen:
        screen.wait("21 78")
        screen.resize(120, 40)
        screen.wait("37 118")
        screen.wait(lambda text: len(text.split("\n")[1].rstrip()) == 120)


def test_less_scrolls_with_the_arrow_keys_and_the_wheel(tmp_path: Path) -> None:
    """A pager works: arrow keys in its mode, the wheel as arrow keys, `q` gives the old screen back."""
    if shutil.which("less") is None:
        pytest.skip("less is not installed")
    (tmp_path / "lines").write_text("".join(f"line {number} end\n" for number in range(200)))
    with pane("sh", "-c", f"echo before; less {tmp_path / 'lines'}; cat") as screen:
        screen.wait("line 0 end")
        screen.send(b"\x1b[B\x1b[B")
        screen.wait(lambda text: "line 2 end" in text and "line 1 end" not in text)
        screen.send(b"\x1b[<65;10;10M")
        screen.wait(lambda text: "line 5 end" in text and "line 4 end" not in text)
        screen.send(b"q")
        screen.wait("before")


def test_the_wheel_shows_older_lines_and_typing_the_newest() -> None:
    """The scroll-back is reached with the wheel and Shift+PageUp; a key returns to the prompt."""
    with pane("sh", "-c", "seq -f 'line %g end' 200; echo bottom; cat") as screen:
        screen.wait("bottom")
        for _ in range(10):
            screen.send(b"\x1b[<64;10;10M")
        screen.wait(lambda text: "line 160 end" in text and "bottom" not in text)
        screen.send(b"\x1b[5;2~")
        screen.wait("line 140 end")
        screen.send(b"hello")
        screen.wait("hello")
        assert "bottom" in screen.text()


def test_the_outer_cursor_stands_where_the_pane_has_its_own() -> None:
    """Input methods open their window at the outer terminal's cursor: it follows the pane's, inside the border."""
    with pane("sh", "-c", "printf '中文 prompt'; cat") as screen:
        screen.wait("prompt")
        screen.wait(lambda _: screen.terminal.cursor == (12, 2))


def test_a_shell_that_ended_can_be_started_again() -> None:
    """After the end, `start` gives a fresh screen and a new shell; `stop` ends it without a word."""
    with pane("sh", "-c", "echo ready for input; read line; echo $line; exit 4") as screen:
        for word in ("first", "second"):
            screen.wait(lambda text: "ready for input" in text and "has ended" not in text)
            screen.send(word.encode() + b"\r")
            screen.wait("exited 4")
            assert word in screen.text()
            screen.send(b"r")
        screen.wait(lambda text: "ready for input" in text and "has ended" not in text)
        screen.send(b"\x1d")
        screen.wait("outside")
        screen.send(b"h")
        screen.wait("stopped")
        assert not psutil.Process(screen.pid).children()


def test_leaving_the_app_leaves_no_process() -> None:
    """When the workshop ends, the shell and its jobs end."""
    with pane("bash", "--norc", "-i") as screen:
        screen.send(b"sleep 1000 & sleep 1001 | sleep 1002\r")
        app = psutil.Process(screen.pid)
        screen.wait(lambda _: len(app.children(recursive=True)) == 4)
        family = app.children(recursive=True)
        screen.send(b"\x1dq")
        assert screen.wait_for_end() == 0
        assert not still_running(family, 3)


def test_a_missing_shell_is_said(tmp_path: Path) -> None:
    """A shell that can't be run is an ordinary end with its reason on the screen, not a broken app."""
    with pane(str(tmp_path / "no-such-shell")) as screen:
        screen.wait("exited 127")
        screen.wait("no-such-shell")


@pytest.mark.parametrize("size", [(20, 6), (80, 24), (200, 60)])
def test_any_size_of_window_will_do(size: tuple[int, int]) -> None:
    """Small and large windows alike show what is typed."""
    with Screen([sys.executable, str(Path(__file__).parent / "terminal_app.py"), "cat"], *size) as screen:
        screen.wait("ready")
        screen.send(b"hello")
        screen.wait("hello")
