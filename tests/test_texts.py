"""The interface's words: complete, in both languages, with the same values, and every one that the code names."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from workshop.authoring.lint_terms import other_terms
from workshop.course import load_glossary
from workshop.words import LANGUAGES
from workshop.words.language import language_of

ROOT = Path(__file__).parents[1]
TEXTS = ROOT / "workshop" / "words" / "texts"
AREAS = sorted(path.stem for path in (TEXTS / "en").glob("*.toml"))
COMMANDS = ("sudo ", "export ", "workshop ", "box ")
"""A text that begins so is a command to type, the same in every language."""


def texts(language: str, area: str) -> dict[str, object]:
    """All texts of one area."""
    return tomllib.loads((TEXTS / language / f"{area}.toml").read_text("utf-8"))


def values(text: object) -> Counter[str]:
    """The values that a text names, and how often."""
    return Counter(name for _, name, _, _ in string.Formatter().parse(str(text)) if name is not None)


def test_both_languages_have_the_same_areas() -> None:
    """There is a file of words for each area in each language."""
    assert {language: sorted(path.stem for path in (TEXTS / language).glob("*.toml")) for language in LANGUAGES} == dict.fromkeys(
        LANGUAGES, AREAS
    )


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_say_the_same_things(area: str) -> None:
    """Each text is there in English and Chinese, in the same order, and is a text."""
    english, chinese = texts("en", area), texts("zh", area)
    assert list(english) == list(chinese)
    assert [key for key, text in [*english.items(), *chinese.items()] if not isinstance(text, str)] == []


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_show_the_same_values(area: str) -> None:
    """A value shown in one language is shown in the other: `{name}`, without formatting that only one of them has."""
    english, chinese = texts("en", area), texts("zh", area)
    assert {key: values(text) for key, text in english.items()} == {key: values(text) for key, text in chinese.items()}


@pytest.mark.parametrize("area", AREAS)
def test_chinese_is_chinese_and_english_is_english(area: str) -> None:
    """No text is left in the other language; commands, and the names that languages give themselves, are the same in both."""
    chinese = re.compile(r"[\u3400-\u9fff]")
    english = {key: str(text) for key, text in texts("en", area).items() if "language" not in key}
    assert [key for key, text in english.items() if chinese.search(text)] == []
    other = {key: str(text) for key, text in texts("zh", area).items() if not str(text).startswith(COMMANDS)}
    left = [key for key, text in other.items() if not chinese.search(text) and re.search(r"[a-z]{2,} [a-z]{2,}", text)]
    assert left == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_term_for_one_thing(language: str) -> None:
    """The interface and the glossary call things what the table of terms says."""
    said = {f"{area}.{key}": str(text) for area in AREAS for key, text in texts(language, area).items()}
    said |= {f"glossary of {one.id}": f"{one.words[language].term}: {one.words[language].meaning}" for one in load_glossary()}
    assert {place: found for place, text in said.items() if (found := other_terms(text, language))} == {}


def spoken() -> list[tuple[str, str]]:
    """Each text that the code names by a literal, `say(language, "area.key")`, and where."""
    found = []
    for path in sorted((ROOT / "workshop").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say" and len(node.args) > 1:
                for name in literals(node.args[1]):
                    found.append((name, f"{path.relative_to(ROOT)}:{node.lineno}"))
    return found


def literals(node: ast.expr) -> list[str]:
    """The literal names in an expression: one, or one of each branch of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return literals(node.body) + literals(node.orelse)
    return []


def test_every_text_that_the_code_names_exists() -> None:
    """No sentence that a learner could meet is missing."""
    known = {f"{area}.{key}" for area in AREAS for key in texts("en", area)}
    assert [(name, where) for name, where in spoken() if name not in known] == []


def test_every_text_that_the_code_names_gets_its_values() -> None:
    """A call that names a text by a literal passes every value which the text shows."""
    short = []
    for path in sorted((ROOT / "workshop").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say" and len(node.args) > 1
            ):
                continue
            given = {keyword.arg for keyword in node.keywords}
            for name in literals(node.args[1]):
                area, _, key = name.partition(".")
                wanted = set(values(texts("en", area).get(key, "")))
                if None not in given and not wanted <= given:  # None stands for **values
                    short.append(
                        (name, sorted(wanted - {one for one in given if one}), f"{path.relative_to(ROOT)}:{node.lineno}")
                    )
    assert short == []


def areas() -> dict[str, str]:
    """The classes of errors that a sentence tells, each with the area of its texts; ProtocolError is the helper's own."""
    found = {"ProtocolError": "helper"}
    for path in (ROOT / "workshop").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "WordedError" for base in node.bases):
                found[node.name] = next(ast.literal_eval(one.value) for one in node.body if isinstance(one, ast.Assign))
    return found


def test_every_error_that_the_code_raises_has_its_sentence() -> None:
    """A slug that is raised by a literal is a key of its class's texts."""
    of, silent = areas(), []
    assert len(of) > 6
    for path in sorted((ROOT / "workshop").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and (name := ast.unparse(node.func).rpartition(".")[2]) in of:
                known = texts("en", of[name])
                silent += [f"{path.name}:{node.lineno} {slug}" for slug in literals(node.args[0]) if slug not in known]
    assert silent == []


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_ALL": "C.UTF-8", "WORKSHOP_LANGUAGE": "zh"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "WORKSHOP_LANGUAGE": "en"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "WORKSHOP_LANGUAGE": "fr"}, "zh"),
    ],
)
def test_the_language_is_the_workshops_then_the_locales(environment: dict[str, str], language: str) -> None:
    """What the workshop told its shells comes before the locale, and counts only if it is a language that there is."""
    assert language_of(environment) == language
