"""Exports: one learner's events in a file that travels, by Windows and by mail if need be, to the instructor."""

from __future__ import annotations

import codecs
import getpass
import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..words import WordedError
from .progress import Event, Progress, ProgressError

FORMAT = "container-workshop export"
MOST_BYTES = 128 << 20
"""More than this, unpacked, is no learner's: a whole course comes to about 7 MB."""

BEGINNINGS = {
    b"SQLite format 3\0": "database",
    b"PK\3\4": "zip",
    b"\xfd7zXZ\0": "packed",
    b"BZh": "packed",
    b"\x28\xb5\x2f\xfd": "packed",
}
"""What else is handed in, by its first bytes (sqlite.org/fileformat.html, and file(1) of the others)."""


@dataclass(frozen=True)
class Header:
    """The first line of an export: who, and on which machine (its name); `id` is the learner's, '' in earlier versions'."""

    format: str
    version: int
    learner: str
    machine: str
    events: int
    id: str = ""


@dataclass(frozen=True)
class Export:
    """One learner's events, as read from a file; `id` is '' where an earlier version wrote it."""

    learner: str
    machine: str
    events: tuple[Event, ...]
    id: str = ""


class ExportError(WordedError):
    """A file is no whole export, but what the slug says."""

    area = "exports"


def _learner() -> str:
    """The user's name, or the uid where no account has it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError until Python 3.12, OSError from 3.13 on
        return f"uid-{os.getuid()}"


def _id(progress: Progress) -> str:
    """The learner's, '' where the file has none yet and can only be read."""
    try:
        return progress.learner()
    except ProgressError:
        return ""


def export_lines(progress: Progress) -> Iterator[bytes]:
    """The lines of an export file: a header, then an event a line. Raises ProgressError."""
    events = progress.events()
    yield msgspec.json.encode(Header(FORMAT, 1, _learner(), os.uname().nodename, len(events), _id(progress)))
    yield from map(msgspec.json.encode, events)


def read_export(path: Path) -> Export:
    """The export in a file, also packed by gzip; raises ExportError for anything that is not one, is broken or was cut off."""
    header, *events = _lines(_text(_unpacked(path)))
    told = _header(header)
    found = tuple(_event(line, number) for number, line in enumerate(events, 2))
    if told.events != len(found):
        raise ExportError("cut_off", found=len(found), events=told.events)
    return Export(told.learner, told.machine, found, told.id)


def _unpacked(path: Path) -> bytes:
    """What the file holds, at most MOST_BYTES; by what it begins with, not by its name."""
    try:
        if path.exists() and not path.is_file():
            raise ExportError("folder" if path.is_dir() else "no_file")
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"  # RFC 1952, 2.3.1
            file.seek(0)
            data = (gzip.GzipFile(fileobj=file) if packed else file).read(MOST_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ExportError("bad_gzip") from error
    except OSError as error:
        raise ExportError("unreadable", reason=error.strerror or str(error)) from error
    if len(data) > MOST_BYTES:
        raise ExportError("too_large", megabytes=MOST_BYTES >> 20)
    return data


def _text(data: bytes) -> bytes:
    """The same as UTF-8 without a byte order mark; raises ExportError for what is no text of ours by its first bytes."""
    kind = next((kind for beginning, kind in BEGINNINGS.items() if data.startswith(beginning)), "")
    if kind:
        raise ExportError(kind)
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16").encode()
    except UnicodeError as error:
        raise ExportError("no_export") from error
    return data.removeprefix(codecs.BOM_UTF8)


def _lines(text: bytes) -> list[bytes]:
    """Its lines, without empty ones: mail programs and editors add some."""
    found = [line for line in text.splitlines() if line.strip()]
    if not found:
        raise ExportError("empty")
    return found


def _header(line: bytes) -> Header:
    try:
        header = msgspec.json.decode(line, type=Header)
    except (ValueError, RecursionError) as error:  # the latter for brackets in brackets, thousands deep
        raise ExportError("no_export") from error
    if header.format != FORMAT:
        raise ExportError("no_export")
    if header.version != 1:
        raise ExportError("other_version", version=header.version)
    return header


def _event(line: bytes, number: int) -> Event:
    try:
        return msgspec.json.decode(line, type=Event)
    except (ValueError, RecursionError) as error:
        raise ExportError("damaged", line=number) from error
