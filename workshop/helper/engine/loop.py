"""The helper's one thread: what is ready to read, and what is due. Nothing in it may block."""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections.abc import Callable, Generator
from typing import Any, Generic, NamedTuple, TypeVar

from ..kernel.descriptors import RESERVE
from ..kernel.troubles import contained
from .shares import Shares

PAUSE_SECONDS = 0.1
"""For so long a descriptor whose action failed is not listened to: one that stays ready would else take the whole thread."""
SLICE_SECONDS = 0.0005
"""After so long it is looked again who is ready: somebody who came meanwhile may be before the others."""
Action = Callable[[], None]
Result = TypeVar("Result")


class Work(NamedTuple):
    """What to do, and whose share of the thread it takes; None where it is the helper's own."""

    action: Action
    account: int | None


class Loop:
    """Watches descriptors and a clock until it is stopped. What an action raises is told, and ends nothing but that action.

    Of all that is ready, that of whoever took much of the thread lately is done last.
    """

    def __init__(self) -> None:
        """Watch nothing yet."""
        self.shares = Shares()
        self._selector = selectors.DefaultSelector()
        self._paused: dict[int, Work] = {}
        self._due: list[tuple[float, int, Work]] = []
        self._order = itertools.count()
        self._running = True

    def watch(self, descriptor: int, action: Action, account: int | None = None) -> None:
        """Call this whenever the descriptor can be read."""
        self._selector.register(descriptor, selectors.EVENT_READ, Work(action, account))

    def forget(self, descriptor: int) -> None:
        """Watch it no more; call this before closing it."""
        self._paused.pop(descriptor, None)
        if descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)

    def later(self, seconds: float, action: Action, account: int | None = None) -> None:
        """Call this once, after so many seconds."""
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), Work(action, account)))

    def stop(self) -> None:
        """Return from `run` after the present action."""
        self._running = False

    def run(self) -> None:
        """Act on what is ready and due until stopped."""
        self._running = True
        while self._running:
            self.step()

    def step(self) -> None:
        """Wait once, and act on what is ready and on what is due then: for a slice of time, but on one of each at least."""
        timeout = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
        ready = [key for key, _ in self._selector.select(timeout)]
        end = time.monotonic() + SLICE_SECONDS
        places = {account: self.shares.place(account) for account in {key.data.account for key in ready}}
        for key in sorted(ready, key=lambda one: places[one.data.account]):
            # An earlier action of this round may have closed it, and the number may be another's by now.
            if self._selector.get_map().get(key.fd) is key and not self._act(key.data):
                self._pause(key.fd)
            if time.monotonic() >= end:
                break
        while self._due and self._due[0][0] <= time.monotonic():
            self._act(heapq.heappop(self._due)[2])
            if time.monotonic() >= end:
                break

    def _act(self, work: Work) -> bool:
        """Do it, and count the time; False where it raised something."""
        began = time.monotonic()
        succeeded = contained(work.action)
        self.shares.take(work.account, time.monotonic() - began)
        return succeeded

    def _pause(self, descriptor: int) -> None:
        """Listen again in a moment to a descriptor whose action failed, unless that action has let go of it."""
        if descriptor in self._selector.get_map():
            work: Work = self._selector.get_key(descriptor).data
            self.forget(descriptor)
            self._paused[descriptor] = work
            self.later(PAUSE_SECONDS, lambda: self._resume(descriptor, work))

    def _resume(self, descriptor: int, work: Work) -> None:
        if self._paused.get(descriptor) is work:
            self.forget(descriptor)
            self.watch(descriptor, *work)


class Task(Generic[Result]):
    """Steps of which each yields a descriptor, and is gone on with when that can be read; `done` gets what came of them.

    What they make can't take the last descriptors. What `done` raises is told, and goes no further.
    """

    def __init__(
        self,
        loop: Loop,
        steps: Generator[int, None, Result],
        done: Callable[[Result | Exception], None],
        account: int | None = None,
    ) -> None:
        """Begin at once, for this account."""
        self._loop, self._steps, self._done, self._account = loop, steps, done, account
        self._waits_for = -1
        self._move(lambda: next(steps))

    def fail(self, error: Exception, after: float) -> None:
        """Raise this error where the steps are then, if they are not done after so many seconds."""
        self._loop.later(after, lambda: self.interrupt(error))

    def interrupt(self, error: Exception) -> None:
        """Raise an error in steps that still wait."""
        if self._waits_for >= 0:
            self._loop.forget(self._waits_for)
            self._move(lambda: self._steps.throw(error))

    def _go_on(self) -> None:
        """The next step, now that its descriptor can be read."""
        self._loop.forget(self._waits_for)
        self._move(lambda: next(self._steps))

    def _move(self, move: Callable[[], int]) -> None:
        """Make a step, and wait for what it yields or hand on what it ends with."""
        outcome: Any = None
        self._waits_for = -1
        try:
            with RESERVE:
                self._waits_for = move()
        except StopIteration as end:
            outcome = end.value
        except Exception as error:
            outcome = error
        if self._waits_for >= 0:
            self._loop.watch(self._waits_for, self._go_on, self._account)
        else:
            contained(self._done, outcome)
