"""The session, used by one thread at a time and never by the screen's own: looking at the kernel may take a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from ...course import Step
from ...facts import Facts
from ...judging import Verdict
from ...learning import Session, fault, told
from ...words import WordedError, sentence

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Seen:
    """What one look came to: everything that the screen shows of it."""

    step: Step
    verdict: Verdict
    message: str
    facts: Facts | None
    settled: tuple[str, str] | None


class Trouble(Exception):  # noqa: N818  # it is not always an error: an ordinary user just has no helper
    """The helper can't be asked, or we failed; its text says what happened and what to do."""


class Desk:
    """Runs what touches the session in one thread, in the order in which it was asked."""

    def __init__(self, session: Session) -> None:
        """Nothing runs until something is asked."""
        self.session = session
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="session")

    async def ask(self, function: Callable[Parameters, Result], *args: Parameters.args, **named: Parameters.kwargs) -> Result:
        """The function's result; raises Trouble for whatever keeps it from one."""
        with self._told():
            return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **named))

    async def aside(self, function: Callable[[], Result]) -> Result:
        """The same for what takes long and does not touch the session, in a thread of its own."""
        with self._told():
            return await asyncio.to_thread(function)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except WordedError as error:
            raise Trouble(sentence(self.session.language, error)) from error
        except Exception as error:
            raise Trouble(fault(self.session, error)) from error

    async def look(self, answer: str | None = None) -> Seen:
        """Look at the kernel and judge the current step; raises Trouble."""
        return await self.ask(self._look, answer)

    def _look(self, answer: str | None) -> Seen:
        session = self.session
        verdict = session.check(answer)
        return Seen(session.step, verdict, told(session, verdict), session.facts, session.settled())

    def close(self) -> None:
        """Take no more work; a look that is under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Return once it has ended: what it records is recorded before the progress is closed."""
        self._pool.shutdown()
