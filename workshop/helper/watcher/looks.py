"""The helper's side of looking: one look at a time, whose turn it is, and what is done when the watcher ends or takes too long.

The watcher is forked at the first look, and again at the first one after its end. Nothing here waits for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from ...protocol import ProtocolError
from ..engine.sandboxes import Sandboxes
from ..engine.shares import BURST_SECONDS
from ..kernel import memory_files, syscalls
from ..kernel.descriptors import RESERVE
from ..kernel.troubles import contained
from .asked import Asked
from .process import DONE, LONGEST, Process, start

SECONDS = 5.0
"""For one look, which takes some hundredths: after that the watcher is killed."""
PATIENCE_SECONDS = 20.0
"""For all who are before it."""
STRAYS_SECONDS = 0.1
"""After the watcher's end a child of its own, which dies of that, is the helper's to reap."""


@dataclass(eq=False)
class Look:
    """What an account asks, as it is to be asked when its turn comes; `answer` gets a sealed file of facts, or the error."""

    account: int
    question: Callable[[], Asked]
    answer: Callable[[int | Exception], None]
    wanted: Callable[[], bool]
    paper: int = -1
    began: float = 0.0


class Looks:
    """All who want to look, and the watcher that looks for them: whose account took least lately is next."""

    def __init__(self, sandboxes: Sandboxes) -> None:
        """Nobody wants to, and there is no watcher yet."""
        self._sandboxes = sandboxes
        self._loop = sandboxes.home.loop
        self._waiting: list[Look] = []
        self._now: Look | None = None
        self._watcher: Process | None = None
        self._ending = False

    def ask(self, look: Look) -> None:
        """Look as soon as it is this one's turn."""
        self._waiting.append(look)
        self._loop.later(PATIENCE_SECONDS, lambda: self._tired(look))
        self._next()

    def _next(self) -> None:
        """Begin the next look, if none is under way and no watcher is dying."""
        self._waiting = [one for one in self._waiting if one.wanted()]
        if self._waiting and not self._now and not self._ending:
            look = min(self._waiting, key=lambda one: self._loop.shares.place(one.account))
            self._waiting.remove(look)
            self._begin(look)

    def _begin(self, look: Look) -> None:
        """Have the watcher look, for so long as a look may take."""
        self._now, look.began = look, time.monotonic()
        try:
            with RESERVE:
                watcher = self._watcher = self._watcher or self._start()
                look.paper = memory_files.create()
                watcher.ask(look.question(), look.paper)
        except ConnectionError:  # it has just died, of which its pidfd is about to tell: the next one is asked
            os.close(look.paper)
            self._now, self._ending = None, True
            self._waiting.insert(0, look)
            return
        except Exception as error:
            self._finish(error)
            return
        self._loop.watch(watcher.channel.fileno(), lambda: self._heard(look, watcher))
        self._loop.later(SECONDS, lambda: self._give_up(look, watcher))

    def _start(self) -> Process:
        watcher = start(self._sandboxes.children)
        self._loop.watch(watcher.pidfd, lambda: self._ended(watcher))
        return watcher

    def _heard(self, look: Look, watcher: Process) -> None:
        """What the watcher says of a look; its end is told by its pidfd."""
        self._loop.forget(watcher.channel.fileno())
        try:
            packet = watcher.channel.recv(LONGEST)
        except ConnectionError:
            packet = b""
        if packet == DONE:
            memory_files.seal(look.paper)
            self._finish(None)
        elif packet:
            self._finish(ProtocolError("broken", reason=packet.decode("utf-8", "replace").partition(" ")[2]))

    def _finish(self, error: Exception | None) -> None:
        """Answer, and let the next one look when others have had their turn at the helper itself."""
        look, self._now = self._now, None
        assert look  # noqa: S101  # it is called for the look that is under way
        took = min(time.monotonic() - look.began, BURST_SECONDS)  # one that is stuck is no reason not to be listened to
        self._loop.shares.take(look.account, took)
        if error and look.paper >= 0:
            os.close(look.paper)
        contained(look.answer, error or look.paper)
        self._loop.later(0.0, self._next)

    def _give_up(self, look: Look, watcher: Process) -> None:
        """Kill a watcher that takes too long."""
        if self._now is look:
            self._loop.forget(watcher.channel.fileno())
            self._ending = True
            syscalls.kill(watcher.pidfd)
            self._finish(_broken_off(f"it took more than {SECONDS:.0f} seconds"))

    def _tired(self, look: Look) -> None:
        """Send away one whose turn does not come."""
        if look in self._waiting:
            self._waiting.remove(look)
            look.answer(_broken_off(f"others were looking for {PATIENCE_SECONDS:.0f} seconds"))

    def _ended(self, watcher: Process) -> None:
        """Reap the watcher; whoever it was looking for is told, and the next look has a new one."""
        self._loop.forget(watcher.pidfd)
        self._loop.forget(watcher.channel.fileno())
        syscalls.reap(watcher.pidfd)
        self._sandboxes.children.discard(watcher.pid)
        watcher.close()
        self._watcher, self._ending = None, False
        self._loop.later(STRAYS_SECONDS, lambda: syscalls.reap_strays(self._sandboxes.children))
        if self._now:
            self._finish(_broken_off("the process that looks has ended"))
        else:
            self._next()


def _broken_off(reason: object) -> ProtocolError:
    return ProtocolError("look_failed", reason=str(reason))
