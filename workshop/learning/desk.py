"""Where a face asks things of a learner's session: each answer leaves a frozen snapshot, each failure is Trouble, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..course import Step, Typed
from ..facts import Measured
from ..words import LANGUAGES, WordedError, sentence
from .faults import fault
from .session import Session
from .snapshot import Snapshot

if TYPE_CHECKING:
    from .experiments.run import ExperimentRun


class Trouble(Exception):  # noqa: N818  # it is not always an error: an ordinary user just has no helper
    """What was asked for can't be done; its text says what happened and what to do. `ours` where the workshop is at fault."""

    def __init__(self, text: str, ours: bool = False) -> None:
        """Both are kept."""
        super().__init__(text)
        self.ours = ours


class Desk:
    """For one thread at a time. `now` is replaced whole, so any thread may read it."""

    def __init__(self, session: Session) -> None:
        """Nothing is looked at yet."""
        self._session = session
        self.now: Snapshot = session.snapshot()

    @contextmanager
    def _asked(self) -> Iterator[Session]:
        """The session, for one question; however that ends, there is a new snapshot."""
        with self.in_words():
            try:
                yield self._session
            finally:
                self.now = self._session.snapshot()

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """Whatever fails within is raised as Trouble."""
        try:
            yield
        except WordedError as error:
            raise Trouble(sentence(self._session.language, error)) from error
        except Exception as error:
            raise Trouble(self.fault(error), ours=True) from error

    def fault(self, error: Exception) -> str:
        """The sentence for a failure of ours, whose traceback goes into a file."""
        return fault(self._session.progress.path.parent, self._session.language, error)

    def speak_on(self) -> None:
        """Go on in the next language."""
        with self._asked() as session:
            session.language = LANGUAGES[(LANGUAGES.index(session.language) + 1) % len(LANGUAGES)]

    def go(self, where: str) -> None:
        """Begin a step as the kernel is now; where that can't be seen, the step is there all the same."""
        with self._asked() as session:
            session.go(where)

    def look(self) -> None:
        """Look, without judging."""
        with self._asked() as session:
            session.look()

    def check(self, answer: str | None = None) -> Snapshot:
        """Look and judge, with an answer if one is given; what was judged."""
        with self._asked() as session:
            session.check(answer)
        return self.now

    def hint(self) -> str | None:
        """The next hint, None when all have been given."""
        with self._asked() as session:
            return session.hint()

    def solution(self) -> None:
        """Record that the solution was read."""
        with self._asked() as session:
            session.solution()

    def lacking(self) -> tuple[Typed, ...]:
        """The first lines to type so that the step can be done; () where nothing is lacking, or where nothing is to be done:
        a step that was passed before, or that waits for another one."""
        with self._asked() as session:
            waits = session.check().kind == "not_yet" and session.position.state(session.step) != "passed"
            return session.rebuild() if waits else ()

    def rebuild(self) -> tuple[Typed, ...]:
        """What to type next so that what the step needs holds; () if all of it does."""
        with self._asked() as session:
            return session.rebuild()

    def rebuilt(self) -> None:
        """The step begins from here."""
        with self._asked() as session:
            session.rebuilt()

    def undo(self) -> list[str]:
        """Remove what appeared since the step began; sentences of what went."""
        with self._asked() as session:
            return session.undo()

    def experiment(self) -> ExperimentRun | None:
        """A run of the step's experiment, for another thread; None where there is nothing to be run now."""
        with self._asked() as session:
            return session.experiment()

    def keep(self, step: Step, result: Measured) -> None:
        """What an experiment came to is part of what is seen, if the learner is still at its step."""
        with self._asked() as session:
            if session.step is step:
                session.judge.keep(result)
