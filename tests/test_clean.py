"""Text from outside is shown in every face without what moves the cursor, turns a line around or is not to be seen."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.learners import Learner, written
from tests.screens import container, facts
from tests.test_box_print import BOX, NOW
from tests.test_doctor import HEALTHY, STEPS
from workshop.box.tables import container_table
from workshop.classroom import tables
from workshop.classroom.report import report
from workshop.engines import Choice
from workshop.faces.screen.widgets.verdict_line import sentence
from workshop.judging import typed
from workshop.pictures import picture
from workshop.setup.doctor import judge, render
from workshop.setup.readings import Engine
from workshop.words import clean

UNFIT = {
    "escape": "\x1b", "next line": "\x85", "right to left": "\u202e", "zero width": "\u200b", "soft hyphen": "\u00ad",
    "tag": "\U000e0041", "private use": "\ue000", "unassigned": "\u0378", "line": "\u2028", "paragraph": "\u2029",
    "isolate": "\u2066", "joiner": "\u200d", "byte order": "\ufeff",
}  # fmt: skip
"""A character of each kind that is not to be shown."""
NAME = f"a{''.join(UNFIT.values())}z"


def in_picture(_: Path) -> str:
    """A container of that name in the picture."""
    return "\n".join(line.plain for line in picture(facts(container(NAME)), "en", 80))


def in_class_table(folder: Path) -> str:
    """A learner of that name in the instructor's table."""
    out = io.StringIO()
    library = written(folder)
    handed = Learner(folder, library, "ann", "boot-a").guesses().hands_in(name=NAME)
    tables.show(report([handed], library), "en", Console(file=out, width=200, markup=False, emoji=False, highlight=False))
    return out.getvalue()


def in_box_table(_: Path) -> str:
    """A box that was started with that word."""
    return container_table([BOX._replace(command=(NAME,))], NOW, truncate=False)


def in_doctor(_: Path) -> str:
    """An engine that calls its version so, and Docker the same."""
    docker = Choice("answers", {"version": NAME, "address": "/run/docker.sock"})
    return render(judge(replace(HEALTHY, engines=(Engine("podman", NAME, ""),), chosen=docker), STEPS), "en")


def in_verdict(_: Path) -> str:
    """A verdict that names it."""
    return sentence("not_yet", NAME, "en").plain


@pytest.mark.parametrize("kind", UNFIT)
@pytest.mark.parametrize("shown", [in_picture, in_class_table, in_box_table, in_doctor, in_verdict])
def test_no_face_lets_it_through(shown: object, kind: str, tmp_path: Path) -> None:
    """The picture, the class's table, `box ps`, the doctor and verdicts agree."""
    assert callable(shown)
    assert UNFIT[kind] not in shown(tmp_path)


def test_box_shows_that_two_names_differ() -> None:
    """Where a name is typed again, what would not be seen is an escape, as Docker writes it."""
    assert r"a\u200bz" in container_table([BOX._replace(command=("a\u200bz",))], NOW, truncate=False)


@given(st.text(max_size=20))
def test_what_is_clean_stays_so(text: str) -> None:
    """Nothing is left to clean, and what was fit is there in its order."""
    found = clean(text)
    assert clean(found) == found
    assert not set(found) & {*UNFIT.values(), "\n", "\t", "\ud800"}
    assert [one for one in found if one != " "] == [one for one in text if one in found and one != " "]


@pytest.mark.parametrize("text", ["容器，就是进程。", "第 2 步　动手", "naïve", "e\u0301", "❤\ufe0f", "𠮷野"])
def test_letters_of_all_languages_stay(text: str) -> None:
    """Chinese with its wide space, accents that stand alone, and an emoji with its variation are shown as they are."""
    assert clean(text) == text


def test_an_emoji_that_is_joined_stays_readable() -> None:
    """U+200D is gone, what it joined is there; lines and columns end in a space."""
    assert clean("\U0001f469\u200d\U0001f4bb said\tone\nthing\u2028more") == "\U0001f469\U0001f4bb said one thing more"


def test_an_answer_is_meant_without_them() -> None:
    """What an answer holds unseen makes no other answer of it, and a line separator no longer stays in it."""
    assert typed("\u202ecgroup\u2028\ue000v2\u200b") == "cgroup v2"
