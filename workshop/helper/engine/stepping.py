"""A start that waits before each of its steps until its client says go, so that a learner can look around in between.

It is the same code that starts every sandbox, and its stops are the steps that `describe` tells, in their order: one that is
not the next one there ends the start. Nothing but a look can be asked of a half-made sandbox, and the child that becomes it
looks itself: until pivot_root it has the host's files, until its restrictions more rights than a sandbox's programs.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from ...protocol import InsideView, ProtocolError, read, safe_bytes
from .look import look
from .loop import Loop
from .steps import START

IDLE_SECONDS = 30 * 60.0
"""How long a half-made sandbox waits at one stop before it is removed."""
PACKET = 16 * 1024
_CREDENTIALS = struct.Struct("iII")


@dataclass(frozen=True)
class Stop:
    """Before which step of how many a start waits, and the process that becomes the sandbox (0: there is none yet)."""

    number: int
    total: int
    call: str
    why: str
    pid: int


Stepped = Callable[[Stop | tuple[int, ...] | Exception], None]
"""What is called with the next stop or, at the end, the descriptors for the client or the error."""
Looked = Callable[[InsideView | Exception], None]
"""What is called with what was seen, or with the error that the start ended with meanwhile."""


class Straight:
    """A start that waits for nobody, as most do."""

    descriptors: tuple[int, ...] = ()
    """What a child keeps open so that it can wait."""
    at: Stop | None = None
    """Where it waits, or waited last; None where it never does, or is over."""
    steps: Sequence[tuple[str, str]] = ()
    """What it waits before: calls, and the keys of why."""

    def stop(self, why: str) -> None:
        """Wait, in the child that makes the next step, until it may be made."""

    def stop_helper(self, why: str) -> Generator[int, None, None]:
        """As `stop`, where the helper makes the next step: it may not block."""
        yield from ()

    def end(self, outcome: tuple[int, ...] | Exception) -> None:
        """The start is over, in this way."""


class Walk(Straight):
    """A start that waits before each step. The helper has one end of a socket pair, and whoever makes the next step the other."""

    def __init__(self, loop: Loop, left_out: Collection[str], give_up: Callable[[], None]) -> None:
        """Make all steps but those `left_out`; `give_up` is called when the client lets it wait for too long."""
        self._loop, self._left_out, self._give_up = loop, left_out, give_up
        self.steps = [step for step in START if step[1] not in left_out]
        self._made = 0
        self._tell: Callable[[Any], None] = _nobody
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # the kernel adds who speaks, by the host's number
        self.descriptors = (self._theirs.fileno(),)
        loop.watch(self._ours.fileno(), self._hear)

    def go_on(self, tell: Stepped) -> None:
        """Let the next step be made; `tell` gets the stop after it, or what the start ended with."""
        self._ask(b"go", tell)

    def look(self, tell: Looked) -> None:
        """Let the child look around; raises ProtocolError `nothing_to_see` where there is none yet."""
        if self.at and not self.at.pid:
            raise ProtocolError("nothing_to_see")
        self._ask(b"look", tell)

    def stop(self, why: str) -> None:
        """See Straight. The child ends where the helper has gone or gave up: nobody else hears of it."""
        if why in self._left_out:
            return
        self._theirs.send(f"at {self._next(why)}".encode())
        while (word := self._theirs.recv(PACKET)) != b"go":
            if word != b"look":
                os._exit(1)
            self._theirs.send(b"seen " + safe_bytes(json.dumps(look()._asdict(), ensure_ascii=False)))

    def stop_helper(self, why: str) -> Generator[int, None, None]:
        """See Straight."""
        if why not in self._left_out:
            self._arrive(self._next(why), 0)
            yield self._theirs.fileno()
            self._theirs.recv(PACKET)

    def end(self, outcome: tuple[int, ...] | Exception) -> None:
        """See Straight. Whoever waits is told."""
        self.at = None
        self._loop.forget(self._ours.fileno())
        self._ours.close()
        self._theirs.close()
        self._tell(outcome)

    def _next(self, why: str) -> int:
        """The number of the next step; a child goes on counting where its parent was. It must be the one that is told."""
        self._made += 1
        if self.steps[self._made - 1][1] != why:
            raise AssertionError(f"step {self._made} is {why}, and describe says {self.steps[self._made - 1][1]}")
        return self._made

    def _ask(self, word: bytes, tell: Callable[[Any], None]) -> None:
        self._tell = tell
        self._ours.send(word)

    def _hear(self) -> None:
        """Take what the child says: where it stands, or what it saw."""
        said, beside, _, _ = self._ours.recvmsg(PACKET, socket.CMSG_SPACE(_CREDENTIALS.size))
        word, _, rest = said.decode().partition(" ")
        if word == "at":
            self._arrive(int(rest), _CREDENTIALS.unpack(beside[0][2])[0])
        else:
            self._tell_once(read(InsideView, json.loads(rest)))

    def _arrive(self, number: int, pid: int) -> None:
        self.at = Stop(number, len(self.steps), *self.steps[number - 1], pid)
        self._loop.later(IDLE_SECONDS, lambda: self._expire(number))
        self._tell_once(self.at)

    def _tell_once(self, outcome: object) -> None:
        tell, self._tell = self._tell, _nobody
        tell(outcome)

    def _expire(self, number: int) -> None:
        if self.at and self.at.number == number:
            self._give_up()


def _nobody(_: object) -> None:
    """Nobody waits: the reply to Run tells the first stop, and an end that nobody asked for is told at the next question."""
