"""Text from outside, made fit to be shown: it moves no cursor, turns no line around, and has nothing in it unseen. Pure."""

from __future__ import annotations

import unicodedata

UNFIT = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
"""Unicode's general categories (UAX #44, 5.7.1) of control, format, private-use, surrogate and unassigned characters, and of
line and paragraph separators."""


def clean(text: str) -> str:
    """The text without what is not fit, but with a space for what ends lines and columns there.

    U+200D goes, too: terminals differ in how wide what it joins is, and the emoji are as readable side by side.
    """
    return "".join(one if unicodedata.category(one) not in UNFIT else " " if one.isspace() else "" for one in text)


def escaped(text: str) -> str:
    """The same with an escape for each, and for spaces but U+0020, as Docker's `%q` has it (Go's strconv.IsPrint).

    It is for `box`, whose users type a name again: two that differ must look different.
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
