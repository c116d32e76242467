"""The SQLite file under a learner's progress: it loses nothing at a power cut, and whatever is wrong with it has a name."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pwd import getpwuid

from ..words import WordedError
from . import private

DatabaseFailure = sqlite3.Error | OSError
"""What the file's use raises, here alone: everybody else gets a ProgressError."""

EVENTS = """
CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    lesson TEXT NOT NULL,
    step TEXT NOT NULL,
    verdict TEXT NOT NULL,
    body BLOB NOT NULL
)
"""
LEARNER = "CREATE TABLE IF NOT EXISTS learner (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL)"
BESIDE = ("", "-journal", "-wal", "-shm")
"""How the names of a database's files end (sqlite.org/tempfiles.html)."""

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
NAMES = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "not_permitted",
    sqlite3.SQLITE_AUTH: "not_permitted",
    sqlite3.SQLITE_CANTOPEN: "cannot_open",
    sqlite3.SQLITE_IOERR: "disk_error",
    sqlite3.SQLITE_PROTOCOL: "no_locks",
    **dict.fromkeys(DAMAGED, "damaged"),
}
"""What SQLite's primary result codes (sqlite.org/rescode.html) are called here; the words are in progress.toml."""
NO_LOCKS = (
    sqlite3.SQLITE_IOERR_LOCK,
    sqlite3.SQLITE_IOERR_UNLOCK,
    sqlite3.SQLITE_IOERR_RDLOCK,
    sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK,
)
"""Extended codes of a file system that cannot lock."""
OF_SYSTEM = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.EACCES: "not_permitted",
    errno.EPERM: "not_permitted",
}
"""The same for errors of system calls (errno(3))."""


class ProgressError(WordedError):
    """Progress can't be read or written now."""

    area = "progress"


def connect(path: Path, patience: float) -> sqlite3.Connection:
    """A connection that waits so many seconds for others' locks; not WAL, which Debian 12's SQLite can corrupt between programs.

    The file is made, for its owner alone, where there is none. Raises sqlite3.Error and OSError.
    """
    private.make_file(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=patience)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = EXTRA")
        if not _has_table(connection, "events"):
            with transaction(connection):  # one for all: each costs a wait for the disk
                connection.execute(EVENTS)
                _make_learner(connection)
        connection.execute("SELECT count(*) FROM events WHERE lesson = '' AND step = '' AND verdict = ''")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def learner(connection: sqlite3.Connection) -> str:
    """The learner's id (32 hexadecimal digits), made with the file, else here; raises sqlite3.Error."""
    if not _has_table(connection, "learner"):  # of an earlier version
        with transaction(connection):
            _make_learner(connection)
    return str(connection.execute("SELECT id FROM learner").fetchone()[0])


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone() is not None


def _make_learner(connection: sqlite3.Connection) -> None:
    connection.execute(LEARNER)
    connection.execute("INSERT OR IGNORE INTO learner VALUES (1, ?)", (uuid.uuid4().hex,))


def try_lock(path: Path, patience: float) -> None:
    """Lock the file for writing, and let go of it; raises what keeps one from it."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=patience)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is done in it is kept, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # on a full disk, say, SQLite has rolled back already
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def is_damaged(error: DatabaseFailure) -> bool:
    """True where SQLite says that the file is no database, or malformed: the only reasons to put it aside."""
    return _code(error) & 0xFF in DAMAGED


def trouble_with(path: Path, error: DatabaseFailure) -> ProgressError:
    """The error with the name of its cause; SQLite's or the system's own words are the value `reason`."""
    if isinstance(error, OSError):
        return _of_system(path, error)
    if _code(error) & 0xFF == sqlite3.SQLITE_CANTOPEN and (why := _why_not_readable(path)):
        return _of_system(path, why)
    slug = "no_locks" if _code(error) in NO_LOCKS else NAMES.get(_code(error) & 0xFF, "other")
    return _named(path, slug, str(error))


def _code(error: DatabaseFailure) -> int:
    """SQLite's extended result code; 1, the code of errors without a cause, where the error has none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR))


def _of_system(path: Path, error: OSError) -> ProgressError:
    reason = error.strerror or str(error)
    slug = OF_SYSTEM.get(error.errno or 0, "cannot_open")
    if slug in ("not_permitted", "cannot_open") and not os.path.lexists(path.parent):
        return ProgressError("no_directory", path=str(path.parent), reason=reason)
    return _named(path, slug, reason)


def _named(path: Path, slug: str, reason: str) -> ProgressError:
    """The error; where the file is another user's, after a `sudo workshop start` for one, that is the cause."""
    try:
        owner = path.stat().st_uid
    except OSError:
        owner = os.geteuid()
    if slug in ("read_only", "not_permitted") and owner != os.geteuid():
        return ProgressError("not_yours", path=str(path), reason=reason, owner=_account(owner))
    return ProgressError(slug, path=str(path), reason=reason)


def _account(uid: int) -> str:
    try:
        return getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _why_not_readable(path: Path) -> OSError | None:
    """What the system says, of which SQLite tells no more than that it is `unable to open database file`."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error
    return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) if path.is_dir() else None
