"""Answers as people write them: what a check reads of one. Pure."""

from __future__ import annotations

import math
import re
import unicodedata

from ..facts import KINDS
from ..words import clean

_KIND_WORDS = {kind: kind for kind in KINDS} | {"mount": "mnt", "network": "net"}
_YES = ("y", "true", "是", "是的", "有", "会", "能", "可以", "对")
_NO = ("n", "false", "不是", "否", "没有", "无", "不会", "不能", "不可以", "不", "不对")
_SAME = {
    **_KIND_WORDS, **dict.fromkeys(_YES, "yes"), **dict.fromkeys(_NO, "no"),
    "/run/docker.sock": "/var/run/docker.sock", "upper": "upperdir",
}  # fmt: skip
"""Words that mean the same, each as one of them."""
_NOTHING = frozenset({"none", "nothing", "no", "nil", "0", "无", "没有", "都不同"})


LONGEST = 4000
"""Characters of an answer that are read: more than any path has (PATH_MAX), and fewer digits than Python makes a number of."""


def typed(answer: str | None) -> str:
    """The answer as it was meant: full-width characters as plain ones, no surrounding space, none that is unseen, and bounded."""
    return clean(unicodedata.normalize("NFKC", (answer or "")[:LONGEST]).replace("\u2212", "-")).strip()[:LONGEST]


def number(answer: str | None) -> int | None:
    """The only whole number in an answer (`7`, `pid:[7]`, `0x1f`); None where there is none or more than one."""
    found = re.findall(r"(?<![a-z0-9_.])(?:0x[0-9a-f]+|-?\d+)(?![a-z0-9_]|\.\d)", typed(answer).lower())
    return int(found[0], 0 if "x" in found[0] else 10) if len(found) == 1 else None


def mask(answer: str | None) -> int | None:
    """The only number of hexadecimal digits in an answer, as /proc shows capabilities; None where there is none or more."""
    found = re.findall(r"(?<![0-9a-z])(?:0x)?([0-9a-f]+)(?![0-9a-z])", typed(answer).lower())
    return int(found[0], 16) if len(found) == 1 else None


def kinds_named(answer: str | None) -> frozenset[str] | None:
    """The kinds of namespace that an answer names, none of them for "none"; None where it names nothing we know."""
    words = set(re.findall(r"[a-z_]+|\d+|[^\W\da-z_]+", typed(answer).lower().replace("_for_children", "")))
    named = frozenset(_KIND_WORDS[word] for word in words if word in _KIND_WORDS)
    return named if named or words & _NOTHING else None


def means(answer: str, wanted: str | float) -> bool:
    """True where an answer says what is wanted: the same number however it is written, or the same word in either language."""
    if isinstance(wanted, int):
        return number(answer) == wanted
    plain = typed(answer).casefold()
    if isinstance(wanted, float):
        found = re.findall(r"\d*\.?\d+", plain)
        return len(found) == 1 and math.isclose(float(found[0]), wanted, abs_tol=0.005)
    return _word(plain) == _word(wanted.casefold())


def _word(text: str) -> str:
    """One spelling for each word that people spell in several ways."""
    bare = re.sub(r"\(\d?\)$", "", text.strip(" `'\"。.-")).rstrip("/")
    return _SAME.get(bare, bare)
