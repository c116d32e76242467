"""A session's way to its progress: it goes on where the file can't be used, knows why it can't, and notices when it can again."""

from __future__ import annotations

from collections.abc import Callable

from ..progress import Event, Past, Progress, ProgressError, past


class Recorder:
    """`trouble` is why progress is not being saved, or could not be read, at this moment; None where all is well.

    `past` are all events in order, without their facts; while the file can't be read, those that have happened since.
    """

    def __init__(self, progress: Progress) -> None:
        """Read what has happened so far."""
        self._progress = progress
        self.trouble: ProgressError | None = None
        self.past = self._read()
        self.learner = self._identity()

    def _identity(self) -> str:
        """The learner's id; while no file keeps one, one for nobody, with which values are still drawn."""
        try:
            return self._progress.learner()
        except ProgressError as error:
            self.trouble = error
            return ""

    def _read(self) -> tuple[Past, ...]:
        try:
            return tuple(self._progress.past())
        except ProgressError as error:
            self.trouble = error
            return tuple(map(past, self._progress.waiting))

    def last(self, where: str, kind: str) -> Event | None:
        """The latest event of this kind on a step, None where there is none."""
        try:
            return self._progress.last(where, kind)
        except ProgressError as error:
            self.trouble = error
            return None

    def add(self, event: Event) -> None:
        """Record an event, which waits where the file doesn't take it."""
        self.past = (*self.past, past(event))
        self._write(lambda: self._progress.add(event))

    def save(self) -> None:
        """Save what waits, now and then."""
        if self.trouble is not None:
            self._write(self._progress.save)

    def _write(self, write: Callable[[], object]) -> None:
        """Where that ends a trouble, what has happened may not have been to be read until now."""
        before = self.trouble
        try:
            write()
        except ProgressError as error:
            self.trouble = error
            return
        self.trouble = None
        if before is not None:
            self.past = self._read()
