"""A program's standard streams: pipes to its client, a terminal, or, where it is detached, pipes that its log reads."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ...protocol import Exec, Run
from .channel import close
from .logs import Log
from .start import Program


@dataclass
class Streams:
    """A program with its streams: the child's ends in `program`, the other ends in `ours`."""

    program: Program
    ours: tuple[int, ...]
    detached: bool

    def discard(self) -> None:
        """Close both ends."""
        for descriptor in {*self.program.streams, *self.ours}:
            os.close(descriptor)

    def hand_over(self, master: int | None, log: Log) -> tuple[int, ...]:
        """What the client gets. The helper keeps nothing, but what a detached program prints to, for its log to read."""
        for descriptor in set(self.program.streams):
            os.close(descriptor)
        ends = self.ours if master is None else (master,)
        if not self.detached:
            return ends
        for number, descriptor in enumerate(ends, 1):
            log.read(descriptor, number)
        return ()


def make_streams(sandbox: Run, wanted: Run | Exec) -> Streams:
    """The program that was asked for, with pipes, or a terminal to be opened, or nothing: what exec detaches has no log."""
    theirs, ours = _ends(wanted)
    return Streams(Program(sandbox, wanted, theirs), ours, wanted.detach)


def _ends(wanted: Run | Exec) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The child's three streams, none where it opens a terminal, and the other ends of those that are pipes."""
    if wanted.terminal:
        return (), ()
    if wanted.detach and isinstance(wanted, Exec):
        return _nothing() * 3, ()
    return _pipes(wanted.interactive and not wanted.detach)


def _nothing() -> tuple[int]:
    """A descriptor that takes everything and gives nothing."""
    return (os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC),)


def _pipes(with_input: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The child's three streams and the other ends of those that are pipes; raises OSError, and then nothing stays open."""
    opened: list[int] = []
    try:
        for opening in (os.pipe, os.pipe, os.pipe if with_input else _nothing):
            opened += opening()
    except OSError:
        close(opened)
        raise
    output, printing, error, complaining, *given = opened
    return (given[0], printing, complaining), (*given[1:], output, error)
