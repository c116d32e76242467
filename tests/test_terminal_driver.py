"""Keys, pastes and the mouse reach the pane's program exactly: in a real pseudo-terminal, through the real driver."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .screen import Screen

HERE = Path(__file__).parent
APP = [sys.executable, str(HERE / "terminal_app.py")]


@contextmanager
def pane(*program: str, columns: int = 80, rows: int = 24, **environment: str) -> Iterator[Screen]:
    """The test app on a screen, running the program in its pane."""
    with Screen([*APP, *program], columns, rows, environment) as screen:
        screen.wait("ready")
        yield screen


@contextmanager
def recorder(record: Path, first: str = "") -> Iterator[Screen]:
    """A pane whose program records the bytes it gets, once it is ready for them."""
    with pane(sys.executable, str(HERE / "byte_recorder.py"), str(record), first) as screen:
        screen.wait("<0>")
        yield screen


def received(screen: Screen, record: Path, count: int) -> bytes:
    """What the program got, once it got so many bytes."""
    screen.wait(f"<{count}>")
    return record.read_bytes()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Screen, Path]]:
    """One recorder for all keys."""
    record = tmp_path_factory.mktemp("keys") / "record"
    with recorder(record) as screen:
        yield screen, record


@pytest.mark.parametrize(
    "keys",
    [
        b"\x1b",
        b"\x1bb",
        b"\x1b\x1b",
        b"\x1b[",
        b"\x03",
        b"\x1a",
        b"\x00",
        b"\x11",
        b"\x13",
        b"\t",
        b"\x1b[Z",
        b"\x7f",
        b"\x1b[A",
        b"\x1b[1;5C",
        b"\x1b[1;2R",
        b"\x1bOP",
        b"\x1b[15~",
        b"\x1b\x7f",
        b"\x1b[3~",
        "中文输入é".encode(),
        b"\xff\xfe",
    ],
    ids=repr,
)
def test_a_key_reaches_the_program_byte_for_byte(recording: tuple[Screen, Path], keys: bytes) -> None:
    """Whatever a key sends, the program in the pane receives exactly that."""
    screen, record = recording
    before = record.read_bytes()
    screen.send(keys)
    assert received(screen, record, len(before + keys)) == before + keys


def test_escape_does_not_wait_for_what_follows(tmp_path: Path) -> None:
    """A lone Esc is delivered at once: the quickest of a few is far below the tenth of a second of Textual's parser."""
    with recorder(tmp_path / "record") as screen:
        quickest = 1.0
        for count in range(1, 6):
            began = time.perf_counter()
            screen.send(b"\x1b")
            quickest = min(quickest, screen.wait(f"<{count}>") - began)
        assert quickest < 0.09


def test_escape_and_a_command_typed_fast_save_the_file_in_vim(tmp_path: Path) -> None:
    """`Esc :wq Enter`, 5 ms apart after an insert, saves exactly what was typed and changes nothing else."""
    if shutil.which("vim") is None:
        pytest.skip("vim is not installed")
    file = tmp_path / "notes"
    file.write_text("first\nlast\n")
    with pane("sh", "-c", f"cd {tmp_path} && exec vim -N -u NONE -i NONE -n notes") as screen:
        screen.wait("last")
        screen.send(b"o")
        screen.wait("INSERT")
        for key in [*"middle 中", "\x1b", ":", "w", "q", "\r"]:
            screen.send(key.encode())
            time.sleep(0.005)
        screen.wait("exited 0")
    assert file.read_text() == "first\nmiddle 中\nlast\n"


def test_a_paste_is_bracketed_for_a_program_that_asked(tmp_path: Path) -> None:
    """A bracketed paste arrives whole, in its brackets and with its control characters."""
    paste = b"\x1b[200~one\ntwo\x1b[A\x1d\x03\x1b[201~"
    with recorder(tmp_path / "record", r"\x1b[?2004h") as screen:
        screen.send(paste)
        assert received(screen, tmp_path / "record", len(paste)) == paste


def test_a_paste_is_typed_for_a_program_that_did_not_ask(tmp_path: Path) -> None:
    """Without bracketed paste the lines end as Enter ends them."""
    with recorder(tmp_path / "record") as screen:
        screen.send(b"\x1b[200~one\ntwo\x1b[201~")
        assert received(screen, tmp_path / "record", 7) == b"one\rtwo"


def test_a_large_paste_arrives_whole(tmp_path: Path) -> None:
    """A paste larger than every buffer on the way arrives complete and in order."""
    text = b"".join(b"%07d " % number for number in range(25_000))
    with recorder(tmp_path / "record") as screen:
        screen.send(b"\x1b[200~" + text + b"\x1b[201~")
        assert received(screen, tmp_path / "record", len(text)) == text


def test_the_arrow_keys_follow_the_programs_cursor_mode(tmp_path: Path) -> None:
    """A program that asked for application cursor keys (less does) gets them in that form."""
    with recorder(tmp_path / "record", r"\x1b[?1h") as screen:
        screen.send(b"\x1b[A\x1b[H")
        assert received(screen, tmp_path / "record", 6) == b"\x1bOA\x1bOH"


def test_the_mouse_is_told_to_a_program_that_asked(tmp_path: Path) -> None:
    """A click and the wheel arrive in the pane's own coordinates."""
    with recorder(tmp_path / "record", r"\x1b[?1000h\x1b[?1006h") as screen:
        screen.send(b"\x1b[<0;12;8M\x1b[<0;12;8m\x1b[<64;12;8M")
        expected = b"\x1b[<0;11;6M\x1b[<0;11;6m\x1b[<64;11;6M"
        assert received(screen, tmp_path / "record", len(expected)) == expected


def test_the_mouse_is_not_told_to_a_program_that_did_not_ask(tmp_path: Path) -> None:
    """Reports of the outer terminal (mouse, focus, modes) never show up as typed text, even when cut in two."""
    with recorder(tmp_path / "record") as screen:
        screen.send(b"\x1b[<0;12;8M\x1b[<0;12;8m\x1b[?2026;2$y\x1b[<35;1")
        screen.send(b"3;8M\x1b[MaX!x")
        assert received(screen, tmp_path / "record", 1) == b"x"


def test_the_leader_leaves_the_pane_and_comes_back(tmp_path: Path) -> None:
    """After Ctrl+] keys are the app's, even those typed in the same instant; the program gets none of them."""
    with recorder(tmp_path / "record") as screen:
        screen.send(b"a\x1dz")
        screen.wait("key z")
        screen.send(b"y")
        screen.wait("key y")
        screen.send(b"\x1d")
        screen.wait("in the pane")
        screen.send(b"b")
        assert received(screen, tmp_path / "record", 2) == b"ab"


def test_keys_typed_before_the_pane_is_ready_are_delivered(tmp_path: Path) -> None:
    """What is typed while the emulator still loads reaches the shell once it runs."""
    with pane(sys.executable, str(HERE / "byte_recorder.py"), str(tmp_path / "record")) as screen:
        screen.send(b"early")
        assert received(screen, tmp_path / "record", 5) == b"early"


def test_the_outer_terminal_is_not_asked_for_kitty_keys() -> None:
    """The kitty keyboard protocol stays off: with it, the outer terminal would send keys that shells don't know."""
    with pane("cat") as screen:
        assert b"\x1b[>25u" not in screen.output
        assert b"\x1b[?1006h" in screen.output


def test_a_terminal_that_goes_away_ends_the_app_and_its_shell() -> None:
    """Closing the window leaves neither the app nor the shell behind."""
    with pane("sleep", "1000") as screen:
        screen.close_window()
        screen.process.wait(5)
