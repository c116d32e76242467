"""A learner's progress: append-only events in SQLite. What is done is computed from them, never stored."""

from __future__ import annotations

import getpass
import os
import secrets
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import platformdirs

from .facts import Evidence
from .verdict import Value

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    lesson TEXT NOT NULL,
    step TEXT NOT NULL,
    verdict TEXT NOT NULL,
    body BLOB NOT NULL
)
"""

KINDS = ("began", "verdict", "hint", "solution", "undone")


@dataclass(frozen=True)
class Event:
    """One thing that happened. `sequence` orders events, never `time` (epoch seconds), which clocks can turn back.

    `kind` is one of KINDS; `verdict` is a verdict's kind, '' for other events. `evidence` lets anybody judge again.
    `content` is the version of the lesson that judged; `hints` how many hints had been given on the step.
    """

    id: str
    sequence: int
    lesson: str
    step: str
    kind: str
    verdict: str = ""
    slug: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    evidence: Evidence | None = None
    content: str = ""
    hints: int = 0
    time: float = 0.0

    @property
    def where(self) -> str:
        """The step's stable name."""
        return f"{self.lesson}/{self.step}"


@dataclass(frozen=True)
class Answered:
    """The one part of an event's evidence that the review looks at."""

    answer: str | None = None


@dataclass(frozen=True)
class Past:
    """An event without the facts, which are long: what the review draws its questions by."""

    lesson: str
    step: str
    kind: str
    verdict: str = ""
    time: float = 0.0
    evidence: Answered | None = None

    @property
    def where(self) -> str:
        """The step's stable name."""
        return f"{self.lesson}/{self.step}"

    @property
    def wrong(self) -> bool:
        """True where an answer was given that was not right."""
        return self.verdict == "not_yet" and self.evidence is not None and self.evidence.answer is not None


class ProgressError(Exception):
    """The file of events can't be used; the message says what happened and where it was kept."""


class Progress:
    """The events of one learner on this machine."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; one that SQLite can't read is moved aside, and `moved_aside` says where it is kept."""
        self.path = path
        self.moved_aside: Path | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = _connect(path)
        except sqlite3.DatabaseError:
            self.moved_aside = path.with_name(f"{path.name}.unreadable-{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(2)}")
            path.rename(self.moved_aside)
            self._connection = _connect(path)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def add(self, event: Event) -> Event:
        """Append an event; its sequence is set here. Raises ProgressError where the file can't be written."""
        try:
            with _transaction(self._connection) as connection:
                row = (event.id, event.lesson, event.step, event.verdict, b"")
                cursor = connection.execute("INSERT INTO events (id, lesson, step, verdict, body) VALUES (?, ?, ?, ?, ?)", row)
                stored = replace(event, sequence=cursor.lastrowid or 0)
                body = msgspec.json.encode(stored)
                connection.execute("UPDATE events SET body = ? WHERE sequence = ?", (body, stored.sequence))
        except sqlite3.Error as error:
            raise ProgressError(f"{self.path}: {error}") from error
        return stored

    def events(self) -> list[Event]:
        """All events in order."""
        rows = self._connection.execute("SELECT body FROM events ORDER BY sequence")
        return [msgspec.json.decode(body, type=Event) for (body,) in rows]

    def past(self) -> list[Past]:
        """All events in order, without their facts."""
        rows = self._connection.execute("SELECT body FROM events ORDER BY sequence")
        return [msgspec.json.decode(body, type=Past) for (body,) in rows]

    def passed(self) -> frozenset[str]:
        """Names (`lesson/step`) of the steps that ever passed."""
        rows = self._connection.execute("SELECT DISTINCT lesson, step FROM events WHERE verdict = 'passed'")
        return frozenset(f"{lesson}/{step}" for lesson, step in rows)

    def latest(self) -> str | None:
        """The step of the latest event, None where nothing has happened yet."""
        row = self._connection.execute("SELECT lesson, step FROM events ORDER BY sequence DESC LIMIT 1").fetchone()
        return f"{row[0]}/{row[1]}" if row else None

    def last(self, where: str, kind: str) -> Event | None:
        """The latest event of this kind on a step."""
        lesson, _, step = where.partition("/")
        rows = self._connection.execute(
            "SELECT body FROM events WHERE lesson = ? AND step = ? ORDER BY sequence DESC", (lesson, step)
        )
        events = (msgspec.json.decode(body, type=Event) for (body,) in rows)
        return next((event for event in events if event.kind == kind), None)


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that loses nothing at a power cut; not WAL, which Debian 12's SQLite can corrupt between programs."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute(SCHEMA)
        connection.execute("SELECT count(*) FROM events WHERE lesson = '' AND step = '' AND verdict = ''")
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def uuid7() -> str:
    """A new UUIDv7 (RFC 9562): milliseconds since 1970, then random bits."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=number))


def default_path() -> Path:
    """Where this user's events are kept; WORKSHOP_PROGRESS names another file."""
    named = os.environ.get("WORKSHOP_PROGRESS")
    return Path(named) if named else platformdirs.user_data_path("container-workshop") / "progress.sqlite"


FORMAT = "container-workshop export"


@dataclass(frozen=True)
class Header:
    """The first line of an export: who, and on which machine (its name)."""

    format: str
    version: int
    learner: str
    machine: str
    events: int


@dataclass(frozen=True)
class Export:
    """One learner's events, as read from a file."""

    learner: str
    machine: str
    events: tuple[Event, ...]


class ExportError(Exception):
    """A file is no whole export; the message says what is wrong with it."""


def _learner() -> str:
    """The user's name, or the uid where no account has it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError until Python 3.12, OSError from 3.13 on
        return f"uid-{os.getuid()}"


def export_lines(progress: Progress) -> Iterator[bytes]:
    """The lines of an export file: a header, then an event a line."""
    events = progress.events()
    yield msgspec.json.encode(Header(FORMAT, 1, _learner(), os.uname().nodename, len(events)))
    yield from map(msgspec.json.encode, events)


def read_export(path: Path) -> Export:
    """The export in a file; raises ExportError for anything that is not one, is broken or was cut off."""
    try:
        first, *rest = path.read_bytes().splitlines()
        header = msgspec.json.decode(first, type=Header)
        events = tuple(msgspec.json.decode(line, type=Event) for line in rest)
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}") from error
    except (ValueError, msgspec.DecodeError) as error:
        raise ExportError(f"{path}: not an export of this workshop, or damaged ({error})") from error
    if header.format != FORMAT or header.version != 1:
        raise ExportError(f"{path}: not an export that this version reads")
    if header.events != len(events):
        raise ExportError(f"{path}: holds {len(events)} of {header.events} events; it was cut off: export it again")
    return Export(header.learner, header.machine, events)
