"""What an operation gives its caller, and what it knows of one."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ...protocol import Done, ProtocolError, Refusal, Request, encode
from ..engine.sandbox import Execution, Sandbox
from ..engine.transfers import Transfer
from ..kernel.troubles import tell_error
from ..watcher.looks import Looks

LONGEST_VALUE = 256
"""Characters of a value that a refusal repeats: whatever is refused, the reason fits in a packet."""


Reply = TypeVar("Reply")
Reply_co = TypeVar("Reply_co", covariant=True)


@dataclass(frozen=True)
class Answer(Generic[Reply_co]):
    """The reply for the caller, and descriptors that are closed once they are sent."""

    reply: Reply_co
    descriptors: tuple[int, ...] = ()


DONE = Answer(Done())


class Caller(Protocol):
    """A connection, as an operation sees it: who it is, what it started and reads, who looks for it, how to answer later."""

    uid: int
    pid: int
    sandboxes: dict[str, Sandbox]
    executions: dict[int, Execution]
    transfer: Transfer | None
    followed: tuple[str, Sandbox] | None
    looks: Looks

    def answer_later(self, request: Request[Reply]) -> Callable[[Answer[Reply] | Exception], None]:
        """What to call with the answer to this request, or the refusal, that the caller waits for."""

    def is_open(self) -> bool:
        """False once it has gone away."""


def refusal(error: Exception) -> bytes:
    """The packet that tells why something was not done; where the fault is our own, it tells nothing of our insides."""
    if _for_want_of_descriptors(error):
        why = ProtocolError("no_descriptors")
    elif isinstance(error, ProtocolError):
        why = error
    else:
        tell_error(error)
        why = ProtocolError("broken", reason=type(error).__name__)
    values = {key: value[:LONGEST_VALUE] if isinstance(value, str) else value for key, value in why.values.items()}
    return encode(Refusal(why.slug, values)._asdict())


def _for_want_of_descriptors(error: Exception) -> bool:
    """True where this, or what it comes from, is that no descriptor is left."""
    both = (error, error.__cause__)
    return any(isinstance(one, OSError) and one.errno in (errno.EMFILE, errno.ENFILE) for one in both)
