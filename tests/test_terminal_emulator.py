"""The emulator and its colours: what a program writes is what the screen shows. Holds the private parts of pyghostty in use."""

from __future__ import annotations

import pytest
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from workshop.faces.terminal.colours import segments
from workshop.faces.terminal.emulator import CURSOR_KEYS, SCROLLBACK_LINES, Emulator


def emulator(output: bytes, columns: int = 20, rows: int = 4) -> Emulator:
    """An emulator that was fed the output."""
    made = Emulator(columns, rows, lambda reply: None)
    made.feed(output)
    return made


def plain(made: Emulator) -> list[str]:
    """The rows as text alone."""
    return ["".join(segment.text for segment in segments(row)) for row in made.rows()]


def test_text_and_wide_characters_are_shown_as_written() -> None:
    """Latin, Chinese and combining characters come out as they went in, row by row."""
    assert plain(emulator("ab\r\n中文输入\r\ne\u0301".encode())) == ["ab", "中文输入", "e\u0301", ""]


@pytest.mark.parametrize(
    ("sequence", "style"),
    [
        ("1", Style(bold=True)),
        ("3;4;9", Style(italic=True, underline=True, strike=True)),
        ("4:3", Style(underline=True)),
        ("7", Style(reverse=True)),
        ("31", Style(color=Color.from_ansi(1))),
        ("95", Style(color=Color.from_ansi(13))),
        ("38;5;208", Style(color=Color.from_ansi(208))),
        ("48;2;1;2;3", Style(bgcolor=Color.from_rgb(1, 2, 3))),
        ("1;31;44", Style(bold=True, color=Color.from_ansi(1), bgcolor=Color.from_ansi(4))),
    ],
)
def test_colours_and_attributes_are_kept(sequence: str, style: Style) -> None:
    """Each colour and attribute that a program sets is on the text that it wrote, and on nothing else."""
    row = emulator(f"a\x1b[{sequence}mb\x1b[mc".encode()).rows()[0]
    assert segments(row) == (Segment("a", Style.null()), Segment("b", style), Segment("c", Style.null()))


@pytest.mark.parametrize(("sequence", "colour"), [("44", Color.from_ansi(4)), ("48;2;9;8;7", Color.from_rgb(9, 8, 7))])
def test_an_empty_row_keeps_the_colour_it_was_erased_to(sequence: str, colour: Color) -> None:
    """A program that clears the screen to blue (mc, a dialog) has all of it blue."""
    rows = emulator(f"\x1b[{sequence}m\x1b[2J\x1b[2;3Hx".encode()).rows()
    assert segments(rows[0]) == segments(rows[3]) == (Segment(" " * 20, Style(bgcolor=colour)),)


def test_a_hyperlink_is_shown_as_its_text() -> None:
    """OSC 8 leaves no trace beside the text."""
    assert plain(emulator(b"\x1b]8;;http://example.org\x07link\x1b]8;;\x07!"))[0] == "link!"


def test_title_and_bell_are_ignored() -> None:
    """They change nothing on the screen."""
    assert plain(emulator(b"\x1b]0;title\x07\x07a"))[0] == "a"


def test_older_lines_can_be_scrolled_to_and_the_newest_come_back() -> None:
    """The scroll-back holds what left the screen; the cursor is hidden there."""
    made = emulator(b"\r\n".join(b"%d" % number for number in range(100)))
    made.scroll(-10)
    assert plain(made) == ["86", "87", "88", "89"]
    assert made.cursor is None
    made.scroll_to_bottom()
    assert plain(made) == ["96", "97", "98", "99"]
    assert made.cursor == (2, 3)


def test_the_scroll_back_is_five_thousand_lines() -> None:
    """At least so many lines of history are kept, and memory stays bounded."""
    made = emulator(b"".join(b"%d\r\n" % number for number in range(SCROLLBACK_LINES * 4)), columns=80)
    made.scroll(-SCROLLBACK_LINES)
    assert plain(made)[0] == str(SCROLLBACK_LINES * 3 - 3)
    made.scroll(-SCROLLBACK_LINES)
    assert int(plain(made)[0]) > SCROLLBACK_LINES * 2


def test_a_resize_wraps_long_lines_anew() -> None:
    """What was wrapped on a narrow screen is whole on a wide one."""
    made = emulator(b"0123456789", columns=5)
    assert plain(made)[:2] == ["01234", "56789"]
    made.resize(20, 4)
    assert plain(made)[0] == "0123456789"


def test_a_programs_questions_are_answered() -> None:
    """`Where is the cursor?` and `Which background have you?` get their replies."""
    replies: list[bytes] = []
    Emulator(20, 4, replies.append, ((255, 255, 255), (0, 0, 0))).feed(b"ab\x1b[6n\x1b]11;?\x07")
    assert replies == [b"\x1b[1;3R", b"\x1b]11;rgb:ffff/ffff/ffff\x07"]


def test_modes_are_known() -> None:
    """Cursor keys, the mouse, the full screen and the hidden cursor are as the program set them."""
    made = emulator(b"")
    assert not made.mode(CURSOR_KEYS)
    assert not made.alternate_screen
    assert made.mouse_mode == 0
    made.feed(b"\x1b[?1h\x1b[?1002h\x1b[?1049h\x1b[?25l")
    assert made.mode(CURSOR_KEYS)
    assert made.alternate_screen
    assert made.mouse_mode == 1002
    assert made.cursor is None


def test_accents_without_end_are_shown_too() -> None:
    """A screen whose text is larger than any usual one is read whole."""
    heap = "a" + "\u0301" * 200
    shown = plain(emulator((heap * 4000).encode(), columns=100, rows=40))
    assert len(shown) == 40
    assert shown[0].startswith("a\u0301")
    assert sum(row.count("a") for row in shown) == 4000


def test_broken_output_harms_nothing() -> None:
    """Bytes that are no text and sequences that are none leave a screen of the right size."""
    made = emulator(bytes(range(256)) * 20 + b"\x1b[999;999H\x1b[38;2;1m\x1b[4:mz\xff")
    assert len(made.rows()) == 4
    assert all(segments(row) is not None for row in made.rows())
