"""Start a program in a sandbox: what the helper does while its children go through their operations (`steps`).

    helper                     outer child                       inner child (PID 1)
    fork                  ->   join cgroups, unshare
    write identity maps   <-   "asked"
    plug it in            <-   "asked", where it joins a network
    map the image         <-   "asked", then
                          ->   take the sandbox's identity, fork ->
    hold a pidfd          <-   "born", exit                      mounts, terminal
    reap the outer child, "go"                                ->  die with the helper from here on
    hand over             <-                                     "exec", restrictions, exec

The inner child is the helper's own once the outer one is reaped (PR_SET_CHILD_SUBREAPER), so that only the helper can reap
it and its pid can't be another's while the pidfd is taken.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

from ...protocol import ProtocolError
from ..kernel import syscalls
from ..kernel.identities import take_identity
from .channel import Channel, close, refusal
from .children import fork, hold, let_go
from .operation import Operation
from .start import Start, answer, perform, perform_in_helper
from .steps import CHILD, HELPER, JOINING


@dataclass(frozen=True)
class Started:
    """A running program: its pid on the host, a pidfd, its terminal's master if it has a terminal.

    `upper` is the directory of a new sandbox's own layer, -1 for a program that joined one.
    """

    pid: int
    pidfd: int
    master: int | None
    upper: int = -1


Steps = Generator[int, None, Started]
"""A start in progress: it yields each descriptor that has to become readable before it can go on, since nothing may block
the helper: a child that has joined a sandbox's groups can be as slow as that sandbox's limits make it."""


def launch(start: Start) -> Steps:
    """Start a sandbox; raises ProtocolError, with nothing left running, where it does not come up."""
    with _refusing():
        yield from perform_in_helper(HELPER, start)
        return (yield from _attempt(start, CHILD))


def enter(start: Start, pidfd: int) -> Steps:
    """Start one more program in the sandbox whose PID 1 the pidfd holds; raises ProtocolError as `launch` does."""
    with _refusing():
        start.channel, start.outer = fork(
            start.place, lambda channel: _join(start, pidfd, channel), pidfd, *start.program.streams
        )
        return (yield from _attempt(start, JOINING))


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """What the machine does not do is a refusal."""
    try:
        yield
    except OSError as error:
        raise ProtocolError("start_failed", reason=str(error)) from error


def _join(start: Start, pidfd: int, channel: Channel) -> None:
    """The child that joins the namespaces of a sandbox.

    Safe: it is not dumpable, so that the sandbox's root can't trace it or open its descriptors, of which it has only its
    own streams; the cgroups are joined first, so that the sandbox's limits hold from the first moment inside.
    """
    start.channel = channel
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    start.place.cgroups.join(start.place.name)
    syscalls.setns(pidfd, syscalls.NAMESPACES)
    os.close(pidfd)
    take_identity(start.place.base)
    perform(JOINING, start)


def _attempt(start: Start, operations: Iterable[Operation[Start]]) -> Steps:
    """The helper's side from the fork on; whatever goes wrong, what had been started is killed and reaped."""
    held: dict[int, int] = {}
    try:
        held[start.outer] = hold(start.outer, start.children)
        yield from answer(operations, start)
        return (yield from _adopt(start, held))
    except (OSError, ProtocolError):
        for pid, pidfd in held.items():
            syscalls.kill(pidfd)
            yield pidfd
            let_go(pid, pidfd, start.children)
        raise
    finally:
        start.channel.end.close()


def _adopt(start: Start, held: dict[int, int]) -> Steps:
    """Become the inner child's parent, let it go on, and see it become its program; `held` has what to kill if not."""
    channel = start.channel
    yield from _word_or_end(channel, held[start.outer])
    born = int(channel.expect("born")[0])
    held[born] = hold(born, start.children)
    yield held[start.outer]
    let_go(start.outer, held.pop(start.outer), start.children)
    channel.send("go")
    _, descriptors = yield from channel.await_word("exec")
    try:
        yield channel.end.fileno()
        if packet := channel.receive()[0]:
            raise refusal(packet)
    except (OSError, ProtocolError):
        close(descriptors)
        raise
    upper = descriptors.pop() if start.layers else -1
    return Started(born, held[born], descriptors[0] if descriptors else None, upper)


def _word_or_end(channel: Channel, pidfd: int) -> Generator[int, None, None]:
    """Wait for a word; raises ProtocolError where the child ends without it, for its own child holds the channel open too."""
    with select.epoll() as either:
        either.register(channel.end.fileno(), select.EPOLLIN)
        either.register(pidfd, select.EPOLLIN)
        yield either.fileno()
        if channel.end.fileno() not in dict(either.poll(0)):
            raise refusal("")
