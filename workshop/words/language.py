"""The interface's words: one TOML file an area and language in workshop/words/texts/, looked up as `area.key`."""

from __future__ import annotations

import os
import string
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh")

VARIABLE = "WORKSHOP_LANGUAGE"
"""What the workshop tells its shells of the language that the learner has chosen in it, so that `box` speaks it as well."""


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """The learner's language: the workshop's own variable, else the locale's by POSIX's order; English where it is neither."""
    if environment.get(VARIABLE) in LANGUAGES:
        return environment[VARIABLE]
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "zh" if environment[name].lower().startswith("zh") else "en"
    return "en"


@cache
def words(language: str, area: str) -> dict[str, str]:
    """All texts of one area, by key."""
    import tomllib  # noqa: PLC0415  # slow to load, and most of what `box` prints needs no text

    path = Path(__file__).parent / "texts" / language / f"{area}.toml"
    return {key: str(value) for key, value in tomllib.loads(path.read_text("utf-8")).items()}


class _Lenient(dict[str, object]):
    """A value that a text names and nobody gave shows as its name, so that a slip never hides the sentence."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def fill(text: str, values: Mapping[str, object]) -> str:
    """The text with `{name}` replaced by its value."""
    return string.Formatter().vformat(text, (), _Lenient(values))


def say(language: str, name: str, /, **values: object) -> str:
    """The text `area.key` in this language; raises KeyError for a name that is not there (a test holds both complete)."""
    if language not in LANGUAGES:
        raise KeyError(language)
    area, key = name.split(".", 1)
    return fill(words(language, area)[key], values)
