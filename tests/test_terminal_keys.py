"""Keys, pastes and mouse reports as bytes, and the cutting of raw input into what is the shell's and what is the app's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.faces.terminal import keys
from workshop.faces.terminal.driver import Piece, Splitter

PARTS = {
    "keys": [b"a", b"\x1bb", b"\x1b[A", "中".encode(), b"\r", b"\x03", b"\x1bOP", b"\x1b[1;5C"],
    "report": [b"\x1b[<0;12;7M", b"\x1b[<35;1;1m", b"\x1b[I", b"\x1b[?2026;2$y", b"\x1b[48;24;80;384;640t"],
    "paste": [b"\x1b[200~one\ntwo\x1b[A\x1d\x1b[201~", b"\x1b[200~\x1b[201~"],
}
PIECES = st.lists(st.sampled_from([(kind, data) for kind, choices in PARTS.items() for data in choices]), max_size=12)


def joined(pieces: list[Piece]) -> list[tuple[str, bytes]]:
    """Neighbouring keys as one piece."""
    result: list[tuple[str, bytes]] = []
    for piece in pieces:
        if result and piece.kind == result[-1][0] == "keys":
            result[-1] = ("keys", result[-1][1] + piece.data)
        else:
            result.append((piece.kind, piece.data))
    return result


def bare(data: bytes) -> bytes:
    """A paste without its brackets."""
    return data.removeprefix(b"\x1b[200~").removesuffix(b"\x1b[201~")


@given(PIECES, st.data())
def test_input_is_cut_the_same_however_it_arrives(parts: list[tuple[str, bytes]], data: st.DataObject) -> None:
    """Reads may end anywhere but right after an Esc (a lone Esc is a key): the pieces are the same."""
    whole = b"".join(part for _, part in parts)
    places = [place for place in range(1, len(whole)) if whole[place - 1] != 0x1B]
    cuts = sorted(data.draw(st.sets(st.sampled_from(places)))) if places else []
    splitter, pieces = Splitter(), []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        pieces += list(splitter.split(whole[start:end]))
    expected = joined([Piece(kind, bare(part) if kind == "paste" else part) for kind, part in parts])
    assert joined(pieces) == expected
    assert splitter.held == b""


@given(st.binary(max_size=200))
def test_no_byte_of_any_input_is_lost_or_held_for_ever(data: bytes) -> None:
    """Whatever comes, what is not delivered at once is held, and what is held can be released."""
    splitter = Splitter()
    pieces = list(splitter.split(data))
    kept = sum(len(piece.data) for piece in pieces) + len(splitter.release())
    dropped = sum(data.count(mark) for mark in (b"\x1b[200~", b"\x1b[201~")) * 6 + data.count(b"\x1b[M") * 6
    assert len(data) - dropped <= kept <= len(data)


def test_all_after_the_leader_is_the_apps() -> None:
    """The leader and everything behind it goes to the app, held or not."""
    assert list(Splitter().split(b"a\x1dbc\x1b[1")) == [Piece("keys", b"a"), Piece("app", b"\x1dbc\x1b[1")]


def test_an_unfinished_paste_is_waited_for_longer() -> None:
    """A paste in many reads is not cut short by a moment of silence."""
    splitter = Splitter()
    assert list(splitter.split(b"\x1b[200~begin")) == []
    assert splitter.patience > 1
    splitter.release()
    assert list(splitter.split(b"\x1b[")) == []
    assert splitter.patience <= 0.1


@pytest.mark.parametrize(
    ("key", "character", "expected"),
    [
        ("a", "a", b"a"),
        ("enter", "\r", b"\r"),
        ("escape", "\x1b", b"\x1b"),
        ("ctrl+c", "\x03", b"\x03"),
        ("ctrl+z", "\x1a", b"\x1a"),
        ("alt+b", None, b"\x1bb"),
        ("alt+enter", "\r", b"\x1b\r"),
        ("up", None, b"\x1b[A"),
        ("shift+tab", None, b"\x1b[Z"),
        ("f5", None, b"\x1b[15~"),
        ("中", "中", "中".encode()),
        ("ctrl+underscore", "\x1f", b"\x1f"),
        ("unknown", None, b""),
    ],
)
def test_a_key_that_textual_parsed_becomes_the_bytes_it_was(key: str, character: str | None, expected: bytes) -> None:
    """Keys that come through another driver reach the shell too."""
    assert keys.of_key(key, character, False) == expected


def test_a_paste_cannot_end_its_own_brackets() -> None:
    """Pasted text that holds the end mark does not run what follows."""
    assert keys.of_paste(b"a\x1b[201~rm\r", True) == b"\x1b[200~arm\r\x1b[201~"


def test_the_mouse_in_the_old_form_has_its_limits() -> None:
    """Positions that the old form cannot say are not said wrongly."""
    assert keys.of_mouse(0, 10, 5, released=False, sgr=False) == b"\x1b[M +&"
    assert keys.of_mouse(0, 300, 5, released=False, sgr=False) == b""
    assert keys.of_mouse(2, 0, 0, released=True, sgr=True) == b"\x1b[<2;1;1m"
