"""A start that waits before each of its steps until its client says go, so that a learner can look around in between.

It is the same code that starts every sandbox, and it stops before each of the operations that are gone through, which are
those that are told. Nothing but a look can be asked of a half-made sandbox, and the child that becomes it
looks itself: until pivot_root it has the host's files, until its restrictions more rights than a sandbox's programs.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from ...protocol import InsideView, ProtocolError, read, safe_bytes
from .look import look
from .loop import Loop
from .operation import Operation

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
    steps: Sequence[Operation[Any]] = ()
    """What it waits before."""

    def stop(self, step: Operation[Any]) -> None:
        """Wait, in the child that makes this step, until it may be made."""

    def stop_helper(self, step: Operation[Any]) -> Generator[int, None, None]:
        """As `stop`, where the helper makes the step: it may not block."""
        yield from ()

    def end(self, outcome: tuple[int, ...] | Exception) -> None:
        """The start is over, in this way."""


class Walk(Straight):
    """A start that waits before each step. The helper has one end of a socket pair, and whoever makes the next step the other."""

    def __init__(self, loop: Loop, steps: Sequence[Operation[Any]], give_up: Callable[[], None]) -> None:
        """Wait before these steps; `give_up` is called when the client lets it wait for too long."""
        self._loop, self.steps, self._give_up = loop, steps, give_up
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

    def stop(self, step: Operation[Any]) -> None:
        """See Straight. The child ends where the helper has gone or gave up: nobody else hears of it."""
        self._theirs.send(f"at {self._number(step)}".encode())
        while (word := self._theirs.recv(PACKET)) != b"go":
            if word != b"look":
                os._exit(1)
            self._theirs.send(b"seen " + safe_bytes(json.dumps(look()._asdict(), ensure_ascii=False)))

    def stop_helper(self, step: Operation[Any]) -> Generator[int, None, None]:
        """See Straight."""
        self._arrive(self._number(step), 0)
        yield self._theirs.fileno()
        self._theirs.recv(PACKET)

    def end(self, outcome: tuple[int, ...] | Exception) -> None:
        """See Straight. Whoever waits is told."""
        self.at = None
        self._loop.forget(self._ours.fileno())
        self._ours.close()
        self._theirs.close()
        self._tell(outcome)

    def _number(self, step: Operation[Any]) -> int:
        return self.steps.index(step) + 1

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
        step = self.steps[number - 1]
        self.at = Stop(number, len(self.steps), step.call, step.why, pid)
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
