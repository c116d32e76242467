"""A session's way to its progress: it goes on where the file can't be used, knows why it can't, and notices when it can again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..progress import Event, Past, Progress, ProgressError, passed_of, past

Known = TypeVar("Known")


class Recorder:
    """`trouble` is why progress is not being saved, or could not be read, at this moment; None where all is well.

    Questions are answered as Progress does; while the file can't be read, from what has happened since.
    """

    def __init__(self, progress: Progress) -> None:
        """Nothing is asked of the file yet."""
        self._progress = progress
        self.trouble: ProgressError | None = None

    def passed(self) -> frozenset[str]:
        """Names of the steps that ever passed."""
        return self._known(self._progress.passed, passed_of(self._progress.waiting))

    def latest(self) -> str | None:
        """The step of the latest event, None where there is none."""
        return self._known(self._progress.latest, None)

    def past(self) -> list[Past]:
        """All events in order, without their facts."""
        return self._known(self._progress.past, list(map(past, self._progress.waiting)))

    def last(self, where: str, kind: str) -> Event | None:
        """The latest event of this kind on a step, None where there is none."""
        return self._known(lambda: self._progress.last(where, kind), None)

    def add(self, event: Event) -> bool:
        """Record an event, which waits where the file doesn't take it; True where that ends a trouble."""
        return self._ends_trouble(lambda: self._progress.add(event))

    def save(self) -> bool:
        """Save what waits, now and then; True where that ends a trouble."""
        return self.trouble is not None and self._ends_trouble(self._progress.save)

    def _known(self, ask: Callable[[], Known], otherwise: Known) -> Known:
        try:
            return ask()
        except ProgressError as error:
            self.trouble = error
            return otherwise

    def _ends_trouble(self, write: Callable[[], object]) -> bool:
        before = self.trouble
        try:
            write()
        except ProgressError as error:
            self.trouble = error
            return False
        self.trouble = None
        return before is not None
