"""The glossary: what the words of the course mean, and where it shows them. Pure but for reading the one file once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..words import LANGUAGES


@dataclass(frozen=True)
class Worded:
    """A term in one language: its name, a sentence or two for a beginner, and the words by which texts use it."""

    term: str
    meaning: str
    forms: tuple[str, ...]


@dataclass(frozen=True)
class Term:
    """A thing that has a name. `shown` is the step that explains it, as `lesson/step`; `words` are by language."""

    id: str
    shown: str
    words: dict[str, Worded]

    @property
    def names(self) -> list[str]:
        """What it is called, in every language, in small letters."""
        return [name.casefold() for one in self.words.values() for name in (one.term, *one.forms)]

    def is_in(self, text: str, language: str) -> bool:
        """Whether a text in this language uses the term."""
        return bool(_pattern(self.words[language].forms).search(text))


@cache
def load_glossary() -> tuple[Term, ...]:
    """Every term, in the order in which they build on each other."""
    return parse_glossary(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def parse_glossary(toml: str) -> tuple[Term, ...]:
    """The terms of a TOML text with a table for each; raises KeyError for a part that is missing."""
    return tuple(
        Term(name, entry["shown"], {language: _worded(entry[language]) for language in LANGUAGES})
        for name, entry in tomllib.loads(toml).items()
    )


def _worded(entry: dict[str, Any]) -> Worded:
    return Worded(entry["term"], entry["meaning"], tuple(entry.get("forms", [entry["term"]])))


def used_first(terms: Sequence[Term], text: str, language: str) -> tuple[list[Term], list[Term]]:
    """The terms that a text uses, and the others, each in their order."""
    used = [term for term in terms if term.is_in(text, language)]
    return used, [term for term in terms if term not in used]


def matching(terms: Sequence[Term], wanted: str, language: str) -> list[Term]:
    """Terms whose name holds what is wanted, in any language, first who is called just so; where there is none, by meaning."""
    sought = wanted.strip().casefold()
    named = [term for term in terms if any(sought in name for name in term.names)]
    return sorted(named, key=lambda term: sought not in term.names) or [
        term for term in terms if sought in term.words[language].meaning.casefold()
    ]


@cache
def _pattern(forms: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these words, or its English plural, but not as a part of a longer one; case counts where it has capitals."""
    return re.compile("|".join(_whole(form) for form in forms))


def _whole(form: str) -> str:
    """A pattern for one word. Chinese is written without spaces: only Latin letters and digits end a word."""
    begins, ends = re.match("[A-Za-z0-9-]", form), re.search("[A-Za-z0-9]$", form)
    before = r"(?<![A-Za-z0-9_-])" if begins else ""
    after = r"(?:e?s)?(?![A-Za-z0-9_-])" if ends else ""
    return f"(?i:{before}{re.escape(form)}{after})" if form == form.lower() else f"{before}{re.escape(form)}{after}"
