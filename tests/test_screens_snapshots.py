"""The screens as text, in both languages, at 80x24 and wide: snapshots to be read, rewritten with UPDATE_SNAPSHOTS=1."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.screens import Kernel, container, facts, matches_snapshot, opened, passed, screen_text, session, settled, until
from workshop.facts import Queue
from workshop.words import say

SIZES = [(80, 24), (160, 48)]
pytestmark = [
    pytest.mark.parametrize("language", ["en", "zh"]),
    pytest.mark.parametrize("size", SIZES, ids=lambda one: f"{one[0]}x{one[1]}"),
]


def name(screen: str, size: tuple[int, int], language: str) -> str:
    """A snapshot's file name."""
    return f"{screen}-{size[0]}x{size[1]}-{language}"


async def test_map(tmp_path: Path, size: tuple[int, int], language: str) -> None:
    """The lesson map, one step passed."""
    running = session(tmp_path, Kernel(), language)
    passed(running, "guess")
    async with opened(running, size, at_map=True) as pilot:
        matches_snapshot(pilot.app, name("map", size, language))


async def test_prediction(tmp_path: Path, size: tuple[int, int], language: str) -> None:
    """A step with choices, as it begins."""
    async with opened(session(tmp_path, Kernel(), language), size, "guess") as pilot:
        matches_snapshot(pilot.app, name("prediction", size, language))


async def test_solution(tmp_path: Path, size: tuple[int, int], language: str) -> None:
    """A step with a hint and the solution shown."""
    running = session(tmp_path, Kernel(facts(container())), language)
    passed(running, "guess", "start")
    async with opened(running, size, "queue") as pilot:
        await pilot.press("s")
        await settled(pilot)
        if size == SIZES[0]:  # too much for the small one, which says so with the next look at the latest
            await until(pilot, lambda: say(language, "tui.read_on") in screen_text(pilot.app))
        matches_snapshot(pilot.app, name("solution", size, language))


async def test_wrong_turn(tmp_path: Path, size: tuple[int, int], language: str) -> None:
    """A verdict that says what was seen instead."""
    kernel = Kernel(facts(container()))
    running = session(tmp_path, kernel, language)
    passed(running, "guess", "start")
    async with opened(running, size, "queue") as pilot:
        kernel.now = facts(container(queues=(Queue(0, 0),)))
        await until(pilot, lambda: running.verdict is not None and running.verdict.slug == "inside")
        await settled(pilot)
        matches_snapshot(pilot.app, name("wrong_turn", size, language))


async def test_passed(tmp_path: Path, size: tuple[int, int], language: str) -> None:
    """A step just passed: tick, verdict and debrief."""
    kernel = Kernel()
    running = session(tmp_path, kernel, language)
    passed(running, "guess")
    async with opened(running, size, "start") as pilot:
        kernel.now = facts(container())
        await until(pilot, lambda: running.verdict is not None and running.verdict.kind == "passed")
        await settled(pilot)
        matches_snapshot(pilot.app, name("passed", size, language))


async def test_picture(tmp_path: Path, size: tuple[int, int], language: str) -> None:
    """The picture in the lesson's place."""
    running = session(tmp_path, Kernel(facts(container("网页"))), language)
    passed(running, "guess")
    async with opened(running, size, "start") as pilot:
        await pilot.press("v")
        await settled(pilot)
        matches_snapshot(pilot.app, name("picture", size, language))


async def test_help(tmp_path: Path, size: tuple[int, int], language: str) -> None:
    """Every key, with a sentence."""
    async with opened(session(tmp_path, Kernel(), language), size) as pilot:
        await pilot.press("question_mark")
        await settled(pilot)
        matches_snapshot(pilot.app, name("help", size, language))
