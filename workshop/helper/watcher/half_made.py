"""Boxes that are being made step by step: the process that becomes each, looked at as a container's PID 1 is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial

from ...facts import Container, HalfMade
from .cgroups import Tree
from .containers import Known, describe
from .engines import Identity
from .held import Held, read_or
from .processes import parse_status, read_process
from .survey import Group
from .visibility import Question


@contextmanager
def half_made(question: Question, trees: Sequence[Tree]) -> Iterator[list[tuple[HalfMade, Held | None]]]:
    """The caller's half-made boxes, each with the process that is held until the block ends."""
    with ExitStack() as stack:
        found = []
        for identity, box in question.sandboxes.items():
            if box.stop and question.caller == box.owner:
                held = _hold(box.stop.pid, stack)
                seen = read_or(partial(_look_at, held, identity, question, trees), None) if held else None
                step = box.stop.why.removeprefix("why_")
                found.append((HalfMade(identity, box.name, step, box.stop.number, box.stop.total, seen), held))
        yield found


def _hold(pid: int, stack: ExitStack) -> Held | None:
    """The process, held as long as the stack; None where there is none yet, or any more."""
    with suppress(OSError):
        return stack.enter_context(Held(pid))
    return None


def _look_at(held: Held, identity: str, question: Question, trees: Sequence[Tree]) -> Container:
    """The process as if it were a container's PID 1; raises OSError or UnreadableError where it has ended.

    Its arguments are the helper's own as yet, and nobody's business.
    """
    status = parse_status(held.read("status"))
    process = replace(read_process(held, status), arguments=())
    group = Group(held.namespace("pid"), [process], process, held, status)
    known = Known(group, held, process, Identity("box", identity), identity, (question.caller,), frozenset())
    return describe(known, question, trees)
