"""One step of a start, which can say what it does, and do it: so nothing else can be told than what is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State")


def always(_: object) -> bool:
    """Every start makes this step."""
    return True


@dataclass(frozen=True, eq=False)
class Operation(Generic[State]):
    """One step: its system calls, as they are shown, and the key of the sentence in helper.toml that says why it is made.

    `applies` is whether a start makes it at all, by what was asked for. `answer` is what the helper does when the child asks
    for it in the midst of `perform`, and returns the descriptors that the child gets.
    """

    call: str
    why: str
    perform: Callable[[State], object]
    applies: Callable[[State], bool] = always
    answer: Callable[[State], list[int]] | None = None
