"""Titles and key lines: short words about where one is and what the keys do. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ...course import Lesson, Step
from ...learning import Session
from ...words import clean, say

Keys = list[tuple[str, str]]
TICK = "\u2713"
"""A narrow character everywhere (Unicode calls its width neutral)."""


def title(session: Session, width: int) -> Text:
    """Lesson, step and whether it is passed, just `width` cells wide."""
    language, step = session.language, session.step  # read once: another thread may be about to begin another step
    lesson = session.library.lesson(step.lesson)
    place = say(
        language, "tui.place",
        lesson=session.lesson_text(lesson).title, number=lesson.steps.index(step) + 1, count=len(lesson.steps),
        kind=say(language, f"tui.kind_{step.kind}"), step=session.text().title,
    )  # fmt: skip
    state = say(language, "tui.passed") if session.state(step) == "passed" else say(language, "tui.not_passed")
    tick = f"{TICK} {state}" if session.state(step) == "passed" else state
    room = max(0, width - cell_len(tick) - 3)
    return Text.assemble(" ", (set_cell_size(clean(place), room), "bold"), " ", (tick, "bold"), no_wrap=True)


def passed_of(session: Session, steps: Iterable[Step]) -> int:
    """How many of these steps are passed."""
    return sum(session.state(step) == "passed" for step in steps)


def lesson_row(session: Session, lesson: Lesson, unfolded: bool, width: int) -> Text:
    """A lesson on the map: a tick or none, whether its steps are shown, title, what is due, minutes, and how far one is."""
    language, done, waiting = session.language, passed_of(session, lesson.steps), len(session.due(lesson))
    right = say(language, "tui.lesson_size", minutes=lesson.minutes, passed=done, count=len(lesson.steps))
    right = say(language, "tui.lesson_due", count=waiting) + right if waiting else right
    mark = TICK if done == len(lesson.steps) else " "
    sign = "-" if unfolded else "+"
    room = max(0, width - cell_len(right) - 5)
    return Text.assemble(f"{mark} {sign} ", (set_cell_size(clean(session.lesson_text(lesson).title), room), "bold"), " ", right)


def step_row(session: Session, step: Step, number: int, width: int) -> Text:
    """A step on the map: its number, title and state, the state in words."""
    language, state = session.language, session.state(step)
    text = step.text.get(language)
    name = f"    {number:2}  {clean(text.title if text else step.id)}"
    word = f"{TICK if state == 'passed' else ' '} {say(language, f'tui.state_{state}')}"
    room = max(0, width - cell_len(word) - 1)
    return Text.assemble(set_cell_size(name, room), " ", (word, "dim" if state in ("open", "blocked") else "bold"))


def keys_in_lesson(session: Session, solution_shown: bool, lacking: bool, measuring: bool) -> Keys:
    """What the letters do while the lesson has the keys; where something is lacking there is nothing to undo or check."""
    step, choices = session.step, session.text().choices
    keys: Keys = [("n", "next"), ("b", "back"), ("h", "hint")]
    if choices:
        keys = [(f"1-{len(choices)}", "choose"), *keys, ("s", "solution")]
    elif step.experiment:
        keys = [("c", "stop" if measuring else "measure"), *keys[:2]]
    else:
        shut = session.verdict is not None and session.verdict.kind in ("blocked", "impossible")
        answer = [("a", "answer")] if step.takes_answer and not shut else []
        solution = ("t", "type_solution") if solution_shown and step.solution else ("s", "solution")
        keys = [*answer, *keys, solution, *([("r", "rebuild")] if lacking else [("u", "undo"), ("c", "check")])]
    return _said(session.language, [*keys, ("v", "view"), ("m", "map"), ("?", "help"), ("q", "quit")])


def keys_in_terminal(language: str) -> Keys:
    """The one key that the terminal leaves to the workshop."""
    return _said(language, [("^]", "lesson")])


def keys_in_field(language: str) -> Keys:
    """While an answer is typed."""
    return _said(language, [("Enter", "give_answer"), ("Esc", "lesson"), ("Tab", "terminal")])


def keys_on_map(language: str, back: bool) -> Keys:
    """On the lesson map; `back` where there is a step to go back to."""
    keys: Keys = [("Enter", "open"), ("Space", "fold"), *([("m", "step")] if back else [])]
    return _said(language, [*keys, ("l", "language"), ("d", "dark"), ("?", "help"), ("q", "quit")])


def _said(language: str, keys: Keys) -> Keys:
    return [(key, say(language, f"tui.key_{meaning}")) for key, meaning in keys]
