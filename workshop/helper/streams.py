"""A program's standard streams: pipes to its client, a terminal, or nothing. The helper reads none of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

from ..protocol import Exec, Run
from . import launch
from .loop import Loop


class Holder(Protocol):
    """What keeps the master of a detached program's terminal."""

    master: int | None


@dataclass
class Streams:
    """A program with its streams: the child's ends in `program`, the client's ends in `ours`."""

    program: launch.Program
    ours: tuple[int, ...]
    detached: bool

    def discard(self) -> None:
        """Close both ends."""
        for descriptor in {*self.program.streams, *self.ours}:
            os.close(descriptor)

    def hand_over(self, master: int | None, holder: Holder, loop: Loop) -> tuple[int, ...]:
        """What the client gets. The helper keeps nothing, but the terminal of a detached program, which it empties."""
        for descriptor in set(self.program.streams):
            os.close(descriptor)
        if master is None:
            return self.ours
        if not self.detached:
            return (master,)
        holder.master = master
        os.set_blocking(master, False)
        loop.watch(master, lambda: _drain(holder, loop))
        return ()


def make_streams(command: list[str], hostname: str, wanted: Run | Exec) -> Streams:
    """The program that was asked for, with pipes, or nothing to talk to, or a terminal to be opened."""
    terminal = wanted.terminal
    theirs, ours = ((), ()) if terminal else _pipes(wanted.interactive and not wanted.detach, wanted.detach)
    program = launch.Program(command, hostname, terminal, wanted.rows, wanted.columns, theirs)
    return Streams(program, ours, wanted.detach)


def _pipes(with_input: bool, detached: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The child's three streams and the client's ends of those that are pipes."""
    if detached:
        nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        return (nothing, nothing, nothing), ()
    output, error = os.pipe(), os.pipe()
    if not with_input:
        return (os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC), output[1], error[1]), (output[0], error[0])
    given = os.pipe()
    return (given[0], output[1], error[1]), (given[1], output[0], error[0])


def _drain(holder: Holder, loop: Loop) -> None:
    """Read and drop what a detached program printed, so that it never waits for a reader."""
    try:
        if holder.master is not None and os.read(holder.master, 65536):
            return
    except BlockingIOError:
        return
    except OSError:  # EIO: nobody has the terminal open any more
        pass
    drop_terminal(holder, loop)


def drop_terminal(holder: Holder, loop: Loop) -> None:
    """Close the master of a detached program's terminal."""
    if holder.master is not None:
        loop.forget(holder.master)
        os.close(holder.master)
        holder.master = None
