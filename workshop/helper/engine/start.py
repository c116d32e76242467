"""A start in progress, and how its operations are gone through: a stop before each, where somebody walks, and then the act."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field

from ...protocol import Exec, Limits, Run
from .channel import Channel, close
from .children import Place
from .networks import Network, Plug
from .operation import Operation
from .stepping import Straight


@dataclass(frozen=True)
class Program:
    """What to run: what its sandbox was asked to be, what was asked of this program of it, and its streams.

    `asked` is the same for the sandbox's own program. `streams` are stdin, stdout and stderr; () where it opens a terminal.
    """

    sandbox: Run
    asked: Run | Exec
    streams: tuple[int, ...] = ()


@dataclass
class Start:
    """What was asked for, which no operation changes, and then what operations leave for those after them.

    The helper has one, and from the fork on the child a copy: what one of them writes then, the other does not see.
    `layers` are the directories that make the image, topmost first, by the names under which the sandbox shows them; none
    for a program that joins a sandbox.
    """

    place: Place
    program: Program
    children: set[int]
    """Pids of all the children of the helper's that somebody will reap."""
    layers: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    network: Network | None = None
    walk: Straight = field(default_factory=Straight)

    plug: Plug | None = field(default=None, init=False)
    channel: Channel = field(init=False)
    outer: int = field(default=0, init=False)
    """The pid of the child that was forked first."""
    copies: list[int] = field(default_factory=list, init=False)
    """Descriptors of the layers' mounts, of which root inside owns the files; none where there is one identity only."""
    root: str = field(default="", init=False)
    """Where the root to be is mounted, empty for a program that joins one."""
    hosts: int = field(default=-1, init=False)
    """A copy of the mount of the network's file of names."""
    upper: int = field(default=-1, init=False)
    """The directory of the sandbox's own layer."""
    master: int = field(default=-1, init=False)
    slave: int = field(default=-1, init=False)

    @property
    def told(self) -> list[int]:
        """Descriptors of the child's that the helper gets: the terminal's master and the sandbox's own layer, if there are."""
        return [one for one in (self.master, self.upper) if one >= 0]


def applying(operations: Iterable[Operation[Start]], start: Start) -> list[Operation[Start]]:
    """Those that this start makes."""
    return [one for one in operations if one.applies(start)]


def perform(operations: Iterable[Operation[Start]], start: Start) -> None:
    """Make those that apply, in the child."""
    for operation in applying(operations, start):
        start.walk.stop(operation)
        operation.perform(start)


def perform_in_helper(operations: Iterable[Operation[Start]], start: Start) -> Generator[int, None, None]:
    """As `perform`, in the helper, which may not block."""
    for operation in applying(operations, start):
        yield from start.walk.stop_helper(operation)
        operation.perform(start)


def ask(start: Start) -> list[int]:
    """Have the helper do its part of the operation that the child is at; returns the descriptors that come of it."""
    start.channel.send("asked")
    return start.channel.expect("answered")[1]


def answer(operations: Iterable[Operation[Start]], start: Start) -> Generator[int, None, None]:
    """The helper's part of those that the child makes, each when it asks."""
    for operation in applying(operations, start):
        if operation.answer:
            yield from start.channel.await_word("asked")
            descriptors = operation.answer(start)
            try:
                start.channel.send("answered", *descriptors)
            finally:
                close(descriptors)
