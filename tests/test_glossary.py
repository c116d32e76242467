"""The glossary: what a reader without Linux finds in it, on the screens and in plain mode."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from textual.app import App

from tests.screens import Kernel, container, facts, opened, passed, screen_text, session, settled, until
from tests.test_plain import dialogue
from workshop.course import Term, load_glossary, load_library, matching, parse_glossary, used_first
from workshop.learning import Session
from workshop.progress.progress import Progress
from workshop.words import LANGUAGES, say

GLOSSARY = load_glossary()
SIZES = [(80, 24), (160, 48)]


def ids(terms: list[Term]) -> list[str]:
    """The terms by their ids."""
    return [term.id for term in terms]


def in_text(text: str, language: str = "en") -> list[str]:
    """What of the glossary a text uses."""
    return ids(used_first(GLOSSARY, text, language)[0])


def course(folder: Path, language: str = "en") -> Session:
    """A session on our own lessons, at their first step."""
    return Session(load_library(), Progress(folder / "progress.sqlite"), Kernel().observe, language)


def test_every_term_leads_to_a_step_of_the_course() -> None:
    """Who wants to see it finds it there."""
    steps = {step.where for step in load_library().steps}
    assert {term.id: term.shown for term in GLOSSARY if term.shown not in steps} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_is_one_things_name(language: str) -> None:
    """No two terms are called the same."""
    assert Counter(term.words[language].term for term in GLOSSARY).most_common(1)[0][1] == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_meaning_is_a_sentence_or_two(language: str) -> None:
    """Plain text that ends as a sentence does."""
    meanings = {term.id: term.words[language].meaning for term in GLOSSARY}
    assert [one for one, text in meanings.items() if not text.endswith((".", "。")) or "`" in text or "*" in text] == []


def test_words_are_found_whole_and_in_the_plural() -> None:
    """`shim` is in no `shimmer`, a file called cgroup.procs counts as one, and an option is not another one's end."""
    assert in_text("Capabilities and registries") == ["registry", "capability"]
    assert in_text("The layers' digests") == ["layer", "digest"]
    assert in_text("shimmering, runcible, stage") == []
    assert in_text("run -it --rm") == ["it", "rm"]
    assert in_text("ls --item x--rm -ite") == []


def test_case_counts_only_where_a_name_has_capitals() -> None:
    """PID is a number; pid may be a kind of namespace."""
    assert in_text("Namespaces: pid, mnt") == ["namespace"]
    assert in_text("Its PID") == ["pid"]


def test_chinese_words_are_found_without_spaces() -> None:
    """Between any two characters."""
    assert in_text("每个容器都有自己的控制组。", "zh") == ["control_group", "container"]


def test_a_word_is_sought_by_its_name_in_either_language() -> None:
    """And where no name has it, by what is said of it."""
    assert ids(matching(GLOSSARY, " Whiteout ", "zh")) == ["whiteout"]
    assert ids(matching(GLOSSARY, "摘要", "en")) == ["digest"]
    assert ids(matching(GLOSSARY, "cgroup", "en")) == ["control_group", "cgroup_namespace"]
    assert ids(matching(GLOSSARY, "Docker Hub", "en")) == ["registry"]
    assert matching(GLOSSARY, "flatpak", "en") == []


async def test_g_shows_the_words_of_the_step_first_and_esc_goes_back(tmp_path: Path) -> None:
    """The first is explained at once; an arrow explains the next."""
    async with opened(session(tmp_path, Kernel()), step="guess") as pilot:
        await pilot.press("g")
        await until(pilot, lambda: "kernel: The core of Linux." in screen_text(pilot.app))
        lines = [line.strip() for line in screen_text(pilot.app).splitlines()]
        here = lines[lines.index("In this step") + 1 : lines.index("All others")]
        assert here == ["kernel", "namespace", "ipc namespace", "container"]
        await pilot.press("down")
        await until(pilot, lambda: "namespace: What a process sees" in screen_text(pilot.app))
        await pilot.press("escape")
        await until(pilot, lambda: "1/4. Predict" in screen_text(pilot.app))


async def test_words_of_the_debrief_are_the_steps_once_it_is_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, they could answer it."""
    told_after = parse_glossary(
        '[x]\nshown = ""\nen = {term = "other namespaces", meaning = "Others."}\nzh = {term = "另一组", meaning = "另一组。"}'
    )
    monkeypatch.setattr("workshop.faces.explained.load_glossary", lambda: told_after)
    kernel = Kernel()
    running = session(tmp_path, kernel)
    passed(running, "guess")
    async with opened(running, step="start") as pilot:
        await pilot.press("g")
        await until(pilot, lambda: "All others" in screen_text(pilot.app))
        assert "In this step" not in screen_text(pilot.app)
        await pilot.press("escape")
        kernel.now = facts(container())
        await until(pilot, lambda: "✓ Passed:" in screen_text(pilot.app))
        await pilot.press("g")
        await until(pilot, lambda: "In this step" in screen_text(pilot.app))


@pytest.mark.parametrize("size", SIZES)
async def test_typing_searches_and_finds_where_the_course_shows_it(tmp_path: Path, size: tuple[int, int]) -> None:
    """From the map as well; the place is told by the title of its lesson."""
    async with opened(course(tmp_path), size, at_map=True) as pilot:
        await pilot.press("g")
        await until(pilot, lambda: "All words" in screen_text(pilot.app))
        await pilot.press(*"veth")
        await until(pilot, lambda: "In the course: A network between two containers, step" in screen_text(pilot.app))
        assert "Found: 1" in screen_text(pilot.app)
        await pilot.press("backspace", "backspace", "backspace", "backspace")
        await until(pilot, lambda: "All words" in screen_text(pilot.app))
        await pilot.press("escape")
        await until(pilot, lambda: "Enter open" in screen_text(pilot.app))


async def test_what_is_not_found_is_shown_as_it_was_typed(tmp_path: Path) -> None:
    """Markup in it is only text, and the next letters search again."""
    async with opened(session(tmp_path, Kernel()), step="guess") as pilot:
        await pilot.press("g", *"[b]q?")
        await until(pilot, lambda: 'No word of the course has "[b]q?" in it.' in screen_text(pilot.app))
        await pilot.press("ctrl+u", *"inode")
        await until(pilot, lambda: "inode: What a file system keeps" in screen_text(pilot.app))


async def test_markup_in_a_meaning_is_only_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever brackets an author writes."""
    hostile = parse_glossary(
        '[x]\nshown = ""\nen = {term = "[b]kernel[/]", meaning = "[red]A[/]."}\nzh = {term = "内核", meaning = "一。"}'
    )
    monkeypatch.setattr("workshop.faces.explained.load_glossary", lambda: hostile)
    async with opened(session(tmp_path, Kernel()), step="guess") as pilot:
        await pilot.press("g")
        await until(pilot, lambda: "[b]kernel[/]: [red]A[/]." in screen_text(pilot.app))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_meaning_is_shown_whole_on_a_small_screen(tmp_path: Path, language: str) -> None:
    """On 80x24, down the whole list, with its place."""
    place = say(language, "glossary.shown", lesson="", number=1, step="")[:4]
    async with opened(course(tmp_path, language), at_map=True) as pilot:
        await pilot.press("g")
        for term in GLOSSARY:
            whole = partial(_tells, pilot.app, term.words[language].meaning, place)
            await until(pilot, whole)
            await pilot.press("down")


def _shown(app: App[None]) -> str:
    """What stands in the place for the meaning."""
    region = app.screen.query_one("#meaning").region
    return "\n".join(screen_text(app).splitlines()[region.y : region.bottom])


def _tells(app: App[None], meaning: str, place: str) -> bool:
    """Whether the meaning stands there whole, however its lines are broken, and the place."""
    return "".join(meaning.split()) in "".join(_shown(app).split()) and place in _shown(app)


async def test_in_a_terminal_and_in_an_answer_g_is_a_letter(tmp_path: Path) -> None:
    """It is the shell's, and the answer's."""
    running = session(tmp_path, Kernel(facts(container())))
    passed(running, "guess", "start", "queue")
    async with opened(running, step="number") as pilot:
        await pilot.press("a", *"eg")
        await settled(pilot)
        assert "eg" in screen_text(pilot.app)
        await pilot.press("escape", "tab", "g")
        await settled(pilot)
        assert "4/4. Find out" in screen_text(pilot.app)


def test_in_plain_mode_the_words_of_the_step_are_told_and_the_others_named(tmp_path: Path) -> None:
    """By `glossary`, and by its letter."""
    for command in ("glossary", "g"):
        told, _, rest = dialogue(session(tmp_path, Kernel()), command).partition("All others, each")
        assert "kernel: The core of Linux." in told and "ipc namespace: The kind" in told
        assert "whiteout" in rest and "A mark in an upper layer" not in rest


def test_in_plain_mode_a_word_is_looked_up(tmp_path: Path) -> None:
    """With the place in the course; what is no word of it is said to be none, free of control characters."""
    written = " ".join(dialogue(course(tmp_path), "glossary whiteout", "glossary fl\x1b[2Jatpak").split())
    assert "whiteout: A mark in an upper layer that says" in written
    assert "In the course: Portability: the file system, step" in written
    assert 'No word of the course has "fl[2Jatpak" in it.' in written


def test_in_plain_mode_in_chinese(tmp_path: Path) -> None:
    """The command has a Chinese name, and explains in Chinese what is asked for in either language."""
    written = dialogue(course(tmp_path, "zh"), "词汇表 能力", "词汇表 socket")
    assert "能力（capability）：root 的权力" in written
    assert "课程中：" in written and "套接字（socket）：" in written
