"""Lines of a solution: as a terminal takes them, and as a learner reads them. Pure."""

from __future__ import annotations


def is_key(line: str) -> bool:
    """True for a line that is one control character: a key to press, with no Enter behind it."""
    return len(line) == 1 and not line.isprintable()


def keystrokes(line: str) -> str:
    """What to send to a terminal for a line of a solution."""
    return line if is_key(line) else f"{line}\r"


def readable(line: str) -> str:
    """A line of a solution as one reads it: Ctrl-D for the character 4 (ascii(7))."""
    return f"Ctrl-{chr(ord(line) + 64)}" if is_key(line) else line
