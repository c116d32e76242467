"""`box run --step`: the making of a box one step at a time, and what each changed as the half-made box itself sees it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

import click

from ..client import HelperError
from ..client.connection import Client
from ..protocol import InsideView, Look, NextStep, Remove, Started, Step
from ..words import escaped
from ..words.line_breaks import lines
from .attach import window
from .options import say

Seen = InsideView | None
"""What Look tells; None where there is no process yet."""


def walk_through(client: Client, begun: Started) -> tuple[int, ...]:
    """Go from stop to stop at the user's pace: the descriptor of the terminal; `begun` is what a Run with `step` began.

    Raises click.Abort, with nothing left of the box, where the user gives up, and HelperError where it can't be made.
    """
    _print([say("box.step_begin", box=escaped(begun.name), total=len(begun.calls))], "")
    try:
        return _walk(client, begun)
    except (KeyboardInterrupt, EOFError) as end:
        _remove(begun.id)
        click.echo(f"\n{say('box.step_given_up')}")
        raise click.Abort from end


def _walk(client: Client, begun: Started) -> tuple[int, ...]:
    stop, descriptors, goal = begun.stop, tuple[int, ...](), 0
    seen: Seen = None
    while stop:
        before, seen = seen, client.ask(Look(begun.id)).value.seen if stop.pid else None
        if stop.number > 1:
            _print(_changes(before, seen), "  -> ")
        click.echo()
        _print([f"{stop.number}/{stop.total}  {stop.call}"], "")
        _print([say(f"helper.{stop.why}")])
        if stop.number > goal:
            goal = _goal(stop, begun.calls, seen)
        reply = client.ask(Step(begun.id))
        stop, descriptors = reply.value.stop, reply.descriptors
    _print([say("box.step_end")], "  -> ")
    return descriptors


def _goal(stop: NextStep, calls: Sequence[str], seen: Seen) -> int:
    """The number of the last step to make now: this one, or the next one whose call the user named.

    Raises EOFError where the user gives up.
    """
    while True:
        click.echo(say("box.step_prompt", pid=stop.pid) if seen else say("box.step_prompt_before"), nl=False)
        match _line():
            case "":
                return stop.number
            case "q":
                raise EOFError
            case "l":
                _print([_view(seen)])
            case name:
                numbers = range(stop.number, len(calls) + 1)
                goal = next((number for number in numbers if name.lower() in calls[number - 1].lower()), 0)
                if goal:
                    return goal
                _print([say("box.step_keys")])


def _view(seen: Seen) -> str:
    """All that was seen, one after the other: a terminal in the workshop's screen has ten lines."""
    if not seen:
        return say("helper.nothing_to_see")
    return " | ".join(say("box.step_seen", what=_label(name), value=_value(value)) for name, value in seen._asdict().items())


def _line() -> str:
    """One line of the terminal's, and not a byte more: what is typed ahead may be meant for the program."""
    text = os.read(0, 4096)
    if not text:
        raise EOFError
    return text.decode("utf-8", "replace").strip()


def _changes(before: Seen, now: Seen) -> list[str]:
    """What is other than before, a line each; one that says so where nothing is."""
    if not before or not now:
        return [say("box.step_born" if now else "box.step_before_birth")]
    both = zip(InsideView._fields, before, now, strict=True)
    return [_change(name, old, new) for name, old, new in both if old != new] or [say("box.step_unchanged")]


def _change(name: str, before: object, now: object) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        return say("box.step_namespaces", kinds=", ".join(kind for kind in now if now[kind] != before[kind]))
    return say("box.step_changed", what=_label(name), before=_value(before), now=_value(now))


def _label(name: str) -> str:
    return say(f"box.step_seen_{name}")


def _value(value: object) -> str:
    """A value of Look's as text."""
    if isinstance(value, dict):
        return ", ".join(f"{kind} {inode}" for kind, inode in value.items())
    if isinstance(value, tuple):
        return escaped(" ".join(value))
    return say(f"box.step_{str(value).lower()}") if isinstance(value, bool) else escaped(str(value))


def _print(texts: list[str], mark: str = "  ") -> None:
    """Each text, wrapped, with a mark before its first line and as much space before the others."""
    width = window()[1] - len(mark)
    for text in texts:
        first, *others = lines(text, width)
        click.echo("\n".join([mark + first, *(" " * len(mark) + line for line in others)]))


def _remove(container: str) -> None:
    """Remove what is half made, and return when nothing is left; the connection that made it may still wait for an answer."""
    with contextlib.suppress(HelperError), Client.connect() as client:
        client.ask(Remove(container, force=True))
