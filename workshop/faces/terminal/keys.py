"""What the learner does at the keyboard and mouse, as the bytes that xterm sends to a program (pure).

Source of the byte sequences: xterm's ctlseqs.ms, which `terminfo xterm-256color` describes as well.
"""

from __future__ import annotations

import re

LEADER = b"\x1d"
"""Ctrl+], the one key that the pane does not hand to the shell: it leaves the pane."""

LEADER_KEY = "ctrl+right_square_bracket"
"""The same key as Textual names it."""

ARROW_KEYS = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}

NAMED_KEYS = {
    "enter": "\r",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "backspace": "\x7f",
    "escape": "\x1b",
    "insert": "\x1b[2~",
    "delete": "\x1b[3~",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    **{f"f{number}": f"\x1bO{letter}" for number, letter in enumerate("PQRS", 1)},
    **{f"f{number}": f"\x1b[{code}~" for number, code in enumerate((15, 17, 18, 19, 20, 21, 23, 24), 5)},
}

_ARROW = re.compile(rb"\x1b([\[O])([A-DHF])")


def of_key(key: str, character: str | None, application_cursor: bool) -> bytes:
    """The bytes of a key that Textual has parsed already; empty for one that no program can receive."""
    if key in ARROW_KEYS:
        return (("\x1bO" if application_cursor else "\x1b[") + ARROW_KEYS[key]).encode()
    if key in NAMED_KEYS:
        return NAMED_KEYS[key].encode()
    if key.startswith("alt+") and (rest := of_key(key[4:], key[4:] if len(key) == 5 else character, False)):
        return b"\x1b" + rest
    if key.startswith("ctrl+") and len(key) == 6:
        return bytes([ord(key[-1]) & 0x1F])
    return (character or "").encode()


def in_cursor_mode(data: bytes, application_cursor: bool) -> bytes:
    """Arrow, Home and End keys in the form that the program asked for (DECCKM); all else untouched.

    The outer terminal stays in normal mode, whereas `less` and its like expect the keys of application mode.
    """
    introducer = b"\x1bO" if application_cursor else b"\x1b["
    return _ARROW.sub(lambda match: introducer + match[2], data)


def of_paste(data: bytes, bracketed: bool) -> bytes:
    """A paste as the program expects it: in brackets if it asked for them, else with Enter at each line's end."""
    if bracketed:
        return b"\x1b[200~" + data.replace(b"\x1b[201~", b"") + b"\x1b[201~"
    return data.replace(b"\r\n", b"\r").replace(b"\n", b"\r")


def of_mouse(code: int, column: int, row: int, *, released: bool, sgr: bool) -> bytes:
    """A mouse report; column and row count from 0. Positions past 222 cannot be said in the old form and give nothing."""
    if sgr:
        return f"\x1b[<{code};{column + 1};{row + 1}{'m' if released else 'M'}".encode()
    if column > 222 or row > 222:
        return b""
    return b"\x1b[M" + bytes([32 + (3 | code & ~3 if released else code), 33 + column, 33 + row])


def mouse_code(button: int, *, moved: bool, shift: bool, meta: bool, ctrl: bool) -> int:
    """xterm's button code: the button (0 to 2, 3 for none, 64 and 65 for the wheel) with modifiers and motion added."""
    return button + 4 * shift + 8 * meta + 16 * ctrl + 32 * moved
