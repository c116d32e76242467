"""A learner's progress: append-only events in SQLite. What is done is computed from them, never stored."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec
import platformdirs

from . import database, private
from .database import ProgressError as ProgressError  # noqa: PLC0414  # for whoever uses progress
from .events import Event as Event  # noqa: PLC0414  # the same
from .events import Past, past
from .events import uuid7 as uuid7  # noqa: PLC0414  # the same
from .unsaved import Unsaved

Result = TypeVar("Result")

PATIENCE_SECONDS = 2.0
"""How long another program's lock is waited for: a learner looks at the screen meanwhile, and what waits is not lost."""
RETRY_SECONDS = 1.0
"""After a failure the file is left alone for so long, unless there is something new to be written."""
LOGS = ("broken-check.log", "workshop-fault.log")
"""What `learning.wording` keeps beside the progress."""


class Progress:
    """The events of one learner on this machine. Whatever keeps a method from the file is raised as ProgressError.

    An event that the file does not take is not lost: it waits, counts as recorded, and is written before any later one.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file; raises nothing, as whoever then asks is told.

        One that SQLite calls no database, or malformed, is moved aside, and `moved_aside` says where it is kept.
        """
        self.path = path.absolute()
        self.moved_aside: Path | None = None
        self._lock = threading.RLock()  # screens ask beside the thread that works
        self._connection: sqlite3.Connection | None = None
        self._trouble: ProgressError | None = None
        self._tried = 0.0
        self._unsaved = Unsaved(self.path)
        with contextlib.suppress(ProgressError):
            self._save()
        if self.moved_aside:
            with contextlib.suppress(ProgressError):
                self._save()

    def close(self) -> None:
        """Let go of the file, after one more try to write what waits: `waiting` and `kept_in` tell what came of it."""
        with self._lock:
            if self._unsaved.events:
                with contextlib.suppress(ProgressError):
                    self._save()
            if self._unsaved.events and not self.kept_in:
                self._unsaved.keep()
            self._let_go()

    @property
    def waiting(self) -> tuple[Event, ...]:
        """The events that are not in the file yet, in order."""
        return tuple(self._unsaved.events)

    @property
    def kept_in(self) -> Path | None:
        """The file from which the next start takes those that wait; None where no place took them, or none waits."""
        return self._unsaved.file

    def add(self, event: Event) -> Event:
        """Append an event; its sequence is set here."""
        msgspec.json.encode(event)  # what can't be written must not wait: it would keep all later ones from the file
        with self._lock:
            self._unsaved.add(event)
            try:
                return self._save()[-1]
            except ProgressError:
                self._unsaved.keep()
                raise

    def save(self) -> None:
        """Write what waits; soon after a failure the same is raised without another try."""
        with self._lock:
            if self._trouble and time.monotonic() < self._tried + RETRY_SECONDS:
                raise self._trouble.with_traceback(None)
            self._save()

    def learner(self) -> str:
        """The id of whose progress this is: made with the file, the same ever after, and nobody else's."""
        return self._use(database.learner)

    def events(self) -> list[Event]:
        """All events in order; those that wait have the numbers that they will get if nobody else writes."""
        with self._lock:
            stored = self._use(lambda connection: _decoded(_bodies(connection), Event))
            known, last = {one.id for one in stored}, stored[-1].sequence if stored else 0
            waiting = [one for one in self._unsaved.events if one.id not in known]
            return [*stored, *(replace(one, sequence=last + number) for number, one in enumerate(waiting, 1))]

    def past(self) -> list[Past]:
        """All events in order, without their facts."""
        with self._lock:
            stored = self._use(lambda connection: _decoded(_bodies(connection), Past))
            return [*stored, *map(past, self._unsaved.events)]

    def last(self, where: str, kind: str) -> Event | None:
        """The latest event of this kind on a step."""
        with self._lock:
            for one in reversed(self._unsaved.events):
                if (one.where, one.kind) == (where, kind):
                    return one
            return self._use(lambda connection: _last(connection, where, kind))

    def _use(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """What the work on the file comes to; after a failure the file is opened anew the next time."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                return work(self._connection)
            except (sqlite3.Error, OSError) as error:
                self._fail(error)

    def _opened(self) -> sqlite3.Connection:
        """The file, which is made where there is none; what lies there already becomes its owner's alone."""
        private.make_directory(self.path.parent)
        connection = database.connect(self.path, 0 if self._trouble else PATIENCE_SECONDS)
        for one in _private(self.path):
            private.mend(one)
        return connection

    def _save(self) -> list[Event]:
        """Write what waits, and return it as it is stored."""
        if self._trouble:
            self._let_go()  # a file that was opened while it could only be read would stay so
        stored = self._use(self._stored)
        self._unsaved.clear()
        if self._trouble:
            self._trouble = None
            self._let_go()  # and one that was opened in trouble has no patience
        return stored

    def _stored(self, connection: sqlite3.Connection) -> list[Event]:
        if not self._unsaved.events:
            return []
        with database.transaction(connection):
            return [_inserted(connection, event) for event in self._unsaved.events]

    def _fail(self, error: database.DatabaseFailure) -> NoReturn:
        self._let_go()
        if database.is_damaged(error):
            self._trouble = self._set_aside(str(error))
        else:
            self._trouble = database.trouble_with(self.path, error)
        self._tried = time.monotonic()
        raise self._trouble from error

    def _set_aside(self, reason: str) -> ProgressError:
        """Keep a file that nobody can read under another name; the next one who asks finds a new one."""
        folder = self.path.parent
        name = f"{self.path.name}.unreadable-{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(2)}"
        try:
            for end in database.BESIDE[::-1]:
                with contextlib.suppress(FileNotFoundError):
                    (folder / f"{self.path.name}{end}").rename(folder / f"{name}{end}")
        except OSError as error:
            return database.trouble_with(self.path, error)
        self.moved_aside = folder / name
        private.mend(self.moved_aside)
        return ProgressError("moved_aside", path=str(self.moved_aside), reason=reason)

    def _let_go(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _inserted(connection: sqlite3.Connection, event: Event) -> Event:
    """The event as it is stored, once: a commit that failed halfway, or another program, may have stored it already."""
    known = connection.execute("SELECT sequence FROM events WHERE id = ?", (event.id,)).fetchone()
    if known:  # not left to INSERT OR IGNORE, which takes a number for nothing
        return replace(event, sequence=known[0])
    row = (event.id, event.lesson, event.step, event.verdict, b"")
    cursor = connection.execute("INSERT INTO events (id, lesson, step, verdict, body) VALUES (?, ?, ?, ?, ?)", row)
    stored = replace(event, sequence=cursor.lastrowid or 0)
    connection.execute("UPDATE events SET body = ? WHERE sequence = ?", (msgspec.json.encode(stored), stored.sequence))
    return stored


def _bodies(connection: sqlite3.Connection) -> Iterator[bytes]:
    return (body for (body,) in connection.execute("SELECT body FROM events ORDER BY sequence"))


def _last(connection: sqlite3.Connection, where: str, kind: str) -> Event | None:
    lesson, _, step = where.partition("/")
    asked = "SELECT body FROM events WHERE lesson = ? AND step = ? ORDER BY sequence DESC"
    rows = connection.execute(asked, (lesson, step))
    return next((event for (body,) in rows for event in _decoded([body], Event) if event.kind == kind), None)


def _decoded(bodies: Iterable[bytes], kind: type[Result]) -> list[Result]:
    """What is stored; what no version of ours has written there is left out."""
    found = []
    for body in bodies:
        with contextlib.suppress(ValueError):
            found.append(msgspec.json.decode(body, type=kind))
    return found


def default_path() -> Path:
    """Where this user's events are kept; WORKSHOP_PROGRESS names another file."""
    named = os.environ.get("WORKSHOP_PROGRESS")
    return Path(named) if named else _own_directory() / "progress.sqlite"


def _own_directory() -> Path:
    return platformdirs.user_data_path("container-workshop")


def _private(path: Path) -> Iterator[Path]:
    """What may have been made for others to read, before or by another umask; of directories the workshop's own only."""
    yield from (path.parent / f"{path.name}{end}" for end in database.BESIDE)
    yield from (path.parent / name for name in LOGS)
    yield from private.beginning(path.parent / f"{path.name}.unreadable-")
    if path.parent == _own_directory():
        yield path.parent


def why_not(path: Path) -> ProgressError | None:
    """What keeps progress from being kept in this file now, None where nothing does; leaves everything as it is."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415  # slow to load, and the doctor alone asks

    there = next(filter(os.path.isdir, path.absolute().parents))
    try:
        with TemporaryDirectory(prefix=".workshop-", dir=there) as scratch:
            database.connect(Path(scratch) / path.name, PATIENCE_SECONDS).close()
        if os.path.lexists(path):
            database.try_lock(path, PATIENCE_SECONDS)
    except (sqlite3.Error, OSError) as error:
        return database.trouble_with(path, error)
    return None
