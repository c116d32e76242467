"""How a lesson's files become Lesson and Step, and what an author is told where they can't."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.small_lesson import CHINESE, ENGLISH, TOML
from workshop.course.lesson import ContentError, Typed, parse_lesson, parse_prose


def test_a_lesson_is_named_and_ordered_by_its_folder() -> None:
    """The number orders, the rest of the name identifies."""
    lesson = parse_lesson("40_pid_namespace", "", {})
    assert (lesson.id, lesson.order, lesson.steps) == ("pid_namespace", 40, ())


def test_steps_have_their_structure_and_their_words() -> None:
    """lesson.toml says what a step is, the prose says it to the learner."""
    lesson = parse_lesson("10_small", TOML, {"en": ENGLISH, "zh": CHINESE})
    assert [step.id for step in lesson.steps] == ["guess", "rename", "name_it", "think", "again"]
    assert lesson.step("think").where == "small/think"
    assert [step.id for step in lesson.questions] == ["again"]
    step = lesson.step("rename")
    assert step.solution == (Typed(2, "hostname other"),)
    assert step.text["en"].hints == ("Terminal 2 is the host's.", "The idea.", "Almost `hostname other`.")
    assert step.text["en"].verdicts == {"not_renamed": "Still {name}.", "passed": "Now {name}."}
    assert step.text["en"].body == "Do it:\n\n```\nhostname other\n```"
    assert lesson.step("guess").text["zh"].body == "猜一猜。"
    assert lesson.text["zh"].title == "小课"


def test_an_unknown_step_is_told_with_those_that_there_are() -> None:
    """A slip in a step's name is answered with the names."""
    with pytest.raises(ContentError, match="guess, rename, name_it, think"):
        parse_lesson("10_small", TOML, {}).step("renam")


def test_what_looks_like_a_heading_in_a_code_block_is_none() -> None:
    """A shell's comment in a ``` block begins no section."""
    _, _, steps = parse_prose("en.md", "# T\n\n## one: One\n\n```\n## two: Two\n### hints\n```\nmore\n")
    assert steps.keys() == {"one"}
    assert steps["one"].body == "```\n## two: Two\n### hints\n```\nmore"


def test_a_broken_line_joins_without_a_space_between_chinese_characters() -> None:
    """A verdict's text may go on over several lines, in either language."""
    text = "# T\n\n## one: One\n\nB\n\n### verdicts\n- a: 队列在\n  容器里。\n- b: in the\n  container\n"
    assert parse_prose("zh.md", text)[2]["one"].verdicts == {"a": "队列在容器里。", "b": "in the container"}


@pytest.mark.parametrize(
    ("folder", "toml", "prose", "told"),
    [
        ("small", "", "", "NUMBER_NAME"),
        ("10_small", "minutes =", "", "lesson.toml"),
        ("10_small", "minutes = 'ten'", "", "minutes"),
        ("10_small", "step = 3", "", "step"),
        ("10_small", "step = [3]", "", "step"),
        ("10_small", "[[step]]\nkind = 'do'", "", "id"),
        ("10_small", "[[step]]\nid = ['a']\nkind = 'do'", "", "id"),
        ("10_small", "[[step]]\nid = 'a'\nkind = 'dance'", "", "'dance'"),
        ("10_small", "[[step]]\nid = 'a'\nkind = 'do'\nchoises = []", "", "'choises'"),
        ("10_small", "[[step]]\nid = 'a'\nkind = 'do'\nneeds = 'b'", "", "needs"),
        ("10_small", "[[step]]\nid = 'a'\nkind = 'do'\nneeds = [1]", "", "needs"),
        ("10_small", "[[step]]\nid = 'a'\nkind = 'do'\ncheck = 1", "", "check"),
        ("10_small", "[[step]]\nid = 'a'\nkind = 'do'\nsolution = 5", "", "solution"),
        ("10_small", "[[step]]\nid = 'a'\nkind = 'do'\nsolution = [{ terminal = 3, line = 'x' }]", "", "terminal = 1"),
        ("10_small", "[[step]]\nid = 'a'\nkind = 'do'\n[[step]]\nid = 'a'\nkind = 'do'", "", "twice"),
        ("10_small", "", "Small", "first line"),
        ("10_small", "", "# S\n\n## b: B\n", "'b' is no step"),
        ("10_small", "", "# S\n\n## b\n", "step_id: title"),
        ("10_small", "", "# S\n\n## b: B\n\n### hint\n", "hints"),
        ("10_small", "", "# S\n\n## b: B\n\n### verdicts\n- no colon\n", "name: text"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(folder: str, toml: str, prose: str, told: str) -> None:
    """An author reads where the slip is and how it should be, never a traceback."""
    with pytest.raises(ContentError, match=told) as error:
        parse_lesson(folder, toml, {"en": prose} if prose else {})
    assert folder in str(error.value) or "small" in str(error.value)


@given(
    st.text() | st.lists(st.sampled_from(["# T", "## a: A", "### hints", "### verdicts", "- a: b", "```", "x"])).map("\n".join)
)
def test_no_prose_breaks_the_parser(text: str) -> None:
    """Whatever stands in a text, it is parsed or refused in words."""
    with suppress(ContentError):
        parse_prose("en.md", text)
