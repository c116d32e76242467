"""When the step screen looks at the kernel: after the terminal moved, on demand, and slowly otherwise; never twice at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.screen import Screen
from textual.timer import Timer

DEBOUNCE = 0.03
"""Seconds between a terminal's moving and the look at the kernel."""
POLL = 1.0
"""Seconds between looks for what is done elsewhere."""


class LookLoop:
    """Calls `look` whenever one is wanted, as work that `do` lets go on beside the screen."""

    def __init__(
        self, screen: Screen[None], look: Callable[[], Awaitable[None]], do: Callable[[Callable[[], Awaitable[None]], str], None]
    ) -> None:
        """Nothing is looked at before `start`."""
        self._screen = screen
        self._look = look
        self._do = do
        self._looking = False
        self._wanted = False
        self._may_look = False
        self._soon: Timer | None = None
        self._looked = asyncio.Event()

    def start(self) -> None:
        """Look from here on."""
        self._may_look = True
        self._screen.set_interval(POLL, self.want)

    def soon(self) -> None:
        """Look in a moment, once for a burst of output."""
        if self._soon is None:
            self._soon = self._screen.set_timer(DEBOUNCE, self._want_now)

    def _want_now(self) -> None:
        self._soon = None
        self.want()

    def want(self) -> None:
        """Look, or if a look is under way, once more after it."""
        self._wanted = True
        if self._may_look and not self._looking:
            self._looking = True
            self._do(self._look_while_wanted, "look")

    async def _look_while_wanted(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await self._look()
        finally:
            self._looking = False

    def looked(self) -> None:
        """The kernel was looked at anew."""
        self._looked.set()

    async def next(self) -> None:
        """Return once it was: after the terminal moved, or at the next poll."""
        self._looked.clear()
        await self._looked.wait()
