"""Titles and key lines: short words about where one is and what the keys do. Pure."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ...course import Lesson, Step
from ...learning import Snapshot
from ...words import clean, say
from .visit import Visit

Keys = list[tuple[str, str]]
TICK = "\u2713"
"""A narrow character everywhere (Unicode calls its width neutral)."""


def title(now: Snapshot, width: int) -> Text:
    """Lesson, step and whether it is passed, just `width` cells wide."""
    language, step, lesson = now.language, now.step, now.position.lesson
    place = say(
        language, "tui.place",
        lesson=now.wording.lesson(lesson).title, number=lesson.steps.index(step) + 1, count=len(lesson.steps),
        kind=say(language, f"tui.kind_{step.kind}"), step=now.text.title,
    )  # fmt: skip
    passed = now.position.state(step) == "passed"
    state = say(language, "tui.passed" if passed else "tui.not_passed")
    tick = f"{TICK} {state}" if passed else state
    room = max(0, width - cell_len(tick) - 3)
    return Text.assemble(" ", (set_cell_size(clean(place), room), "bold"), " ", (tick, "bold"), no_wrap=True)


def lesson_row(now: Snapshot, lesson: Lesson, unfolded: bool, due: int, width: int) -> Text:
    """A lesson on the map: a tick or none, whether its steps are shown, title, what is due, minutes, and how far one is."""
    language, count = now.language, now.position.count(lesson.steps)
    right = say(language, "tui.lesson_size", minutes=lesson.minutes, passed=count.passed, count=count.possible)
    right = say(language, "tui.lesson_impossible", count=count.impossible) + right if count.impossible else right
    right = say(language, "tui.lesson_due", count=due) + right if due else right
    mark = TICK if count.is_complete else " "
    sign = "-" if unfolded else "+"
    room = max(0, width - cell_len(right) - 5)
    return Text.assemble(f"{mark} {sign} ", (set_cell_size(clean(now.wording.lesson(lesson).title), room), "bold"), " ", right)


def step_row(now: Snapshot, step: Step, number: int, width: int) -> Text:
    """A step on the map: its number, title and state, the state in words."""
    language, state = now.language, now.position.state(step)
    text = step.text.get(language)
    name = f"    {number:2}  {clean(text.title if text else step.id)}"
    word = f"{TICK if state == 'passed' else ' '} {say(language, f'tui.state_{state}')}"
    room = max(0, width - cell_len(word) - 1)
    return Text.assemble(set_cell_size(name, room), " ", (word, "dim" if state in ("open", "blocked") else "bold"))


def keys_in_lesson(now: Snapshot, visit: Visit, measuring: bool) -> Keys:
    """What the letters do while the lesson has the keys; where something is lacking there is nothing to undo or check."""
    step, choices = now.step, now.text.choices
    hint = [("h", "hint")] if now.text.hints else []
    keys: Keys = [("n", "next"), ("b", "back"), *hint]
    if choices:
        solution = [("s", "solution")] if now.text.solution else []
        keys = [(f"1-{len(choices)}", "choose"), *keys, *solution]
    elif step.experiment:
        keys = [("c", "stop" if measuring else "measure"), *keys[:2]]
    else:
        shut = now.verdict is not None and now.verdict.kind in ("blocked", "impossible")
        answer = [("a", "answer")] if step.takes_answer and not shut else []
        solution = [("t", "type_solution") if visit.solution_shown and step.solution else ("s", "solution")]
        keys = [*answer, *keys, *solution, *([("r", "rebuild")] if visit.lacking else [("u", "undo"), ("c", "check")])]
    return _said(now.language, [*keys, ("v", "view"), ("m", "map"), ("?", "help"), ("q", "quit")])


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
