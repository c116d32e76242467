"""When the step screen looks at the kernel: after the terminal moved, on demand, and slowly otherwise; never twice at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

from textual.screen import Screen
from textual.timer import Timer

from ...learning import fault, missing
from ...words import say
from .session_thread import Seen, Trouble

if TYPE_CHECKING:
    from .app import WorkshopApp

DEBOUNCE = 0.03
"""Seconds between a terminal's moving and the look at the kernel."""
POLL = 1.0
"""Seconds between looks for what is done elsewhere."""


class LookingScreen(Screen[None]):
    """A screen that shows what is seen: what is seen goes to `tell`, what keeps it from looking to `explain`."""

    def __init__(self) -> None:
        """Nothing is looked at before `start_looking`."""
        super().__init__()
        self._looking = False
        self._wanted = False
        self._may_look = False
        self._soon: Timer | None = None
        self._looked = asyncio.Event()

    @property
    def workshop(self) -> WorkshopApp:
        """The app, by its own type."""
        return cast("WorkshopApp", self.app)

    def start_looking(self) -> None:
        """Look now and then from here on."""
        self._may_look = True
        self.set_interval(POLL, self.look)

    def look_soon(self) -> None:
        """Look in a moment, once for a burst of output."""
        if self._soon is None:
            self._soon = self.set_timer(DEBOUNCE, self._look_now)

    def _look_now(self) -> None:
        self._soon = None
        self.look()

    def look(self) -> None:
        """Look, or if a look is under way, once more after it."""
        self._wanted = True
        if self._may_look and not self._looking:
            self._looking = True
            self.do(self._look_while_wanted(), "look")

    async def _look_while_wanted(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await self.judge(None)
        finally:
            self._looking = False

    async def judge(self, answer: str | None) -> None:
        """Judge the step as the kernel is now, with this answer if one was given; raises Trouble."""
        seen = await self.workshop.desk.look(answer)
        self.relieve()
        if seen.step is self.workshop.session.step:
            await self.tell(seen)
        self._looked.set()

    async def lacks(self) -> bool:
        """Whether something that the step needs is gone; False as well where that can't be seen: the look says why."""
        try:
            return bool(await self.workshop.desk.ask(missing, self.workshop.session))
        except Trouble:
            return False

    async def next_look(self) -> None:
        """Return once the kernel was looked at anew: after the terminal moved, or at the next poll."""
        self._looked.clear()
        await self._looked.wait()

    def do(self, work: Coroutine[Any, Any, None], group: str, exclusive: bool = False) -> None:
        """Let work go on beside the screen; what trouble it meets is explained."""
        self.run_worker(self._guarded(work, group), group=group, exclusive=exclusive)

    async def _guarded(self, work: Coroutine[Any, Any, None], group: str) -> None:
        """A failure of ours must not take the learner's shells with it."""
        try:
            await work
        except Trouble as trouble:
            self.explain(trouble)
        except Exception as error:  # whatever it is, it is told and logged
            if not self.workshop.is_running or not self.children:
                return  # the screen was taken apart meanwhile: the learner has left
            self.own_up(fault(self.workshop.session, error), group)

    def note(self, name: str, **values: object) -> None:
        """Say something in passing."""
        self.notify(say(self.workshop.session.language, f"tui.{name}", **values), markup=False)

    async def tell(self, seen: Seen) -> None:
        """Show what was seen."""

    def explain(self, trouble: Trouble) -> None:
        """Show why nothing can be seen."""

    def own_up(self, sentence: str, group: str) -> None:
        """Say that something of ours failed, in work of this group."""

    def relieve(self) -> None:
        """Something was seen again."""
