"""The one thread that works with the learner's session, never the screen's own: looking at the kernel may take a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from ...learning import Desk

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class SessionThread:
    """Asks at the desk, in order. `now` is what is shown: only the screen's own thread changes it."""

    def __init__(self, desk: Desk) -> None:
        """Nothing runs until something is asked."""
        self._desk = desk
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="session")
        self.now = desk.now

    async def ask(self, question: Callable[Parameters, Result], *args: Parameters.args, **named: Parameters.kwargs) -> Result:
        """The answer to one of the desk's questions, with `now` as it left it; raises Trouble."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, partial(question, *args, **named))
        finally:
            self.now = self._desk.now

    async def aside(self, work: Callable[[], Result]) -> Result:
        """The result of what takes long and does not touch the session, in a thread of its own; raises Trouble."""
        with self._desk.in_words():
            return await asyncio.to_thread(work)

    def close(self) -> None:
        """Take no more work; a look that is under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Return once it has ended: what it records is recorded before the progress is closed."""
        self._pool.shutdown()
