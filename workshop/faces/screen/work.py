"""Work that goes on beside a screen: what trouble it meets is told, and a failure of ours takes no shell with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.screen import Screen
from textual.worker import Worker

from ...learning import Trouble


class Work:
    """`explain` is told of trouble, `own_up` of a failure of ours, with the group of the work in which it happened."""

    def __init__(self, screen: Screen[None], explain: Callable[[str], None], own_up: Callable[[Exception, str], None]) -> None:
        """Nothing goes on yet."""
        self._screen = screen
        self._explain = explain
        self._own_up = own_up

    def do(self, work: Callable[[], Awaitable[None]], group: str, exclusive: bool = False) -> None:
        """Let work go on; if `exclusive`, in place of what goes on in its group."""

        async def guarded() -> None:
            await self._guarded(work, group)

        _: Worker[None] = self._screen.run_worker(guarded, group=group, exclusive=exclusive)

    def stop(self, group: str) -> None:
        """Break off what goes on in this group."""
        self._screen.workers.cancel_group(self._screen, group)

    async def _guarded(self, work: Callable[[], Awaitable[None]], group: str) -> None:
        try:
            await work()
        except Trouble as trouble:
            self._explain(str(trouble))
        except Exception as error:  # whatever it is, it is told and logged
            if self._screen.app.is_running and self._screen.children:  # else the learner has left meanwhile
                self._own_up(error, group)
