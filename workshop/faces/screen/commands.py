"""What each key does at a step, as a table from keys to functions."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from ...learning import Trouble
from ...words import say
from .rebuild import typed_again
from .widgets.terminals import NUMBERS

if TYPE_CHECKING:
    from .step import StepScreen


async def move(by: int, step: StepScreen) -> None:
    """So many steps on, or back."""
    position = step.now.position
    if where := position.beside(step.where, by, time.time()):
        step.open(where)
    else:
        step.note(position.end(by))


async def show_map(step: StepScreen) -> None:
    """The lesson map; the shells live on."""
    step.workshop.show_map()


# Help


async def hint(step: StepScreen) -> None:
    """One more hint."""
    step.work.do(partial(_hint, step), "help")


async def _hint(step: StepScreen) -> None:
    if await step.ask(step.workshop.desk.hint) is None:
        step.note("no_more_hints" if step.now.text.hints else "no_hints")
    await step.side.show_help(step.now, step.visit)
    step.side.pane.reach("hints")


async def solution(step: StepScreen) -> None:
    """The solution with its reason."""
    if not step.now.text.solution:
        step.note("no_solution")
        return
    step.visit.solution_shown = True
    step.work.do(partial(_solution, step), "help")


async def _solution(step: StepScreen) -> None:
    await step.side.show_help(step.now, step.visit)
    step.side.pane.reach("solution")
    step.call_after_refresh(step.label)  # once it is laid out: whether there is more to read shows then
    await step.ask(step.workshop.desk.solution)


async def type_solution(step: StepScreen) -> None:
    """Type the solution's lines into the terminals, once it was read."""
    lines = step.now.lines
    if not step.visit.solution_shown:
        step.note("solution_first" if step.now.text.solution else "no_solution")
    elif lines:
        step.visit.deeds = True
        step.work.do(partial(step.terminals.type_lines, lines), "type", exclusive=True)


async def rebuild(step: StepScreen) -> None:
    """Type again what the step needs and what is gone."""
    step.work.do(partial(_rebuild, step), "rebuild", exclusive=True)


async def _rebuild(step: StepScreen) -> None:
    lines = await step.ask(step.workshop.desk.rebuild)
    step.note("rebuilding" if lines else "nothing_lacking")
    if left := await typed_again(lines, step.workshop.thread, step.workshop.desk, step.terminals, step.looks):
        step.note("not_rebuilt", number=left[-1].terminal)
    elif lines:
        step.visit.first, step.visit.lacking = None, False
    step.call_after_refresh(step.label)
    step.looks.want()


async def undo(step: StepScreen) -> None:
    """Remove what appeared since the step began, and say what went."""
    step.work.do(partial(_undo, step), "undo")


async def _undo(step: StepScreen) -> None:
    done = await step.ask(step.workshop.desk.undo)
    step.notify("\n".join(done), markup=False)
    step.visit.passed = False
    await step.side.show_debrief(step.now, step.visit)
    step.looks.want()


# Looking, measuring, answering


async def check(step: StepScreen) -> None:
    """Look now; where the workshop measures, begin that, or stop it."""
    step.visit.deeds = True
    if step.measuring.run:
        step.measuring.stop()
    elif step.now.step.experiment:
        step.work.do(partial(_measure, step), "measure", exclusive=True)
    else:
        step.notify(say(step.now.language, "tui.looked"), timeout=1, markup=False)
        step.looks.want()


async def _measure(step: StepScreen) -> None:
    """Run the step's experiment, and keep what it comes to."""
    asked, desk = step.now.step, step.workshop.desk
    run = await step.ask(desk.experiment)
    if run is None:  # not to be done now: the look has said why
        return
    step.call_after_refresh(step.label)
    try:
        if result := await step.measuring.result(run, step.workshop.thread):
            await step.ask(desk.keep, asked, result)
    except Trouble as trouble:
        step.notify(str(trouble), severity="error", timeout=20, markup=False)
    await step.side.show_chart(step.now)
    step.label()
    step.looks.want()


async def answer(step: StepScreen) -> None:
    """Put the cursor into the field for an answer."""
    if step.side.field.display:
        step.side.field.begin("")
    else:
        step.note("no_answer_asked")


async def digit(number: int, step: StepScreen) -> None:
    """Choose by number; begin an answer that is a number; where nothing is asked, go to that terminal."""
    choices = list(step.now.text.choices)
    if 0 < number <= len(choices):
        step.work.do(partial(step.judge, choices[number - 1]), "answer")
    elif step.side.field.display:
        step.side.field.begin(str(number))
    elif not choices and number in NUMBERS:
        await step.terminals.enter(number)


# Where keys go


async def view(step: StepScreen) -> None:
    """The picture in the lesson's place, and back."""
    step.toggle_class("-picture")
    step.to_lesson()


async def terminal(step: StepScreen) -> None:
    """Into the terminal in view."""
    await step.terminals.enter()


async def other_terminal(step: StepScreen) -> None:
    """Into the terminal that is not in view."""
    await step.terminals.enter(sum(NUMBERS) - step.terminals.shown)


async def cross(step: StepScreen) -> None:
    """From the terminal to the lesson, and back."""
    if step.terminals.active:
        step.to_lesson()
    else:
        await step.terminals.enter()


async def leave_field(step: StepScreen) -> None:
    """From the field for an answer back to the lesson."""
    step.to_lesson()


CROSS = "ctrl+right_square_bracket"
"""The one key that works in a terminal as well."""
WAYS_OUT_OF_FIELD = frozenset({"tab", "escape"})
"""Keys that are not text while an answer is typed."""
KEYS: dict[str, Callable[[StepScreen], Awaitable[None]]] = {
    "n": partial(move, 1), "b": partial(move, -1), "m": show_map,
    "h": hint, "s": solution, "t": type_solution, "r": rebuild, "u": undo,
    "c": check, "a": answer, **{str(number): partial(digit, number) for number in range(10)},
    "v": view, "tab": terminal, "o": other_terminal, CROSS: cross, "escape": leave_field,
}  # fmt: skip
