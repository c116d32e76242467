"""A step's words as Markdown documents. Pure: what the lesson pane shows, from the lesson's text and what was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ...course import StepText, Typed
from ...learning import readable
from ...words import say
from ...words.line_breaks import joined


def body(text: StepText, introduction: str) -> str:
    """The step itself: on a lesson's first step its introduction, then the prose, then the choices, numbered."""
    choices = "\n".join(f"{number}. {choice}" for number, choice in enumerate(text.choices.values(), 1))
    return "\n\n".join(part for part in (introduction, text.body, choices) if part)


def hints(text: StepText, given: int, language: str) -> str:
    """The hints given so far, each under its number."""
    count, shown = len(text.hints), enumerate(text.hints[:given], 1)
    return "\n\n".join(_led(say(language, "tui.hint", number=number, count=count), hint) for number, hint in shown)


def _led(label: str, text: str) -> str:
    """A text behind its label in bold; the colon stands outside, as Markdown ends no bold between it and a Chinese word."""
    return joined(f"**{label[:-1]}**{label[-1]}", text)


def solution(text: StepText, lines: tuple[Typed, ...], language: str) -> str:
    """The solution's prose, and its lines under the terminal that each belongs to."""
    parts = [_led(say(language, "tui.solution"), text.solution)]
    for place, line in enumerate(lines):
        if place == 0 or line.terminal != lines[place - 1].terminal:
            parts.append(f"{say(language, 'tui.in_terminal', number=line.terminal)}\n```sh")
        parts.append(readable(line.line))
        if place == len(lines) - 1 or lines[place + 1].terminal != line.terminal:
            parts.append("```")
    return "\n".join(_spaced(parts))


def _spaced(parts: list[str]) -> list[str]:
    """An empty line before each paragraph, so that Markdown does not join them."""
    return [f"\n{part}" if part.endswith("```sh") and part != "```sh" else part for part in parts]


def chart(lines: Sequence[Text]) -> str:
    """A figure, in a fence so that its columns stay straight; '' where there is none."""
    return "\n".join(["```", *(line.plain for line in lines), "```"]) if lines else ""


def debrief(text: StepText, settled: tuple[str, str] | None, language: str) -> str:
    """What is said after a step passed: how the prediction fared, the debrief, and how to go on."""
    parts = []
    if settled:
        predicted, shown = settled
        key = "tui.settled_right" if predicted == shown else "tui.settled"
        parts.append(say(language, key, predicted=predicted, shown=shown))
    return "\n\n".join(part for part in (*parts, text.debrief, say(language, "tui.go_on")) if part)
