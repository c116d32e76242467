"""Events that the file of progress does not take now: they wait in order, in memory and in a file that outlives the program."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec

from . import private
from .events import Event, uuid7


class Unsaved:
    """`events` wait, the oldest first; those that earlier programs left in files are among them from the beginning."""

    def __init__(self, path: Path) -> None:
        """For the progress in this file; raises nothing."""
        self._path = path
        self._files = _left(path)
        found = chain.from_iterable(map(_read, self._files))
        self.events = list({one.id: one for one in found}.values())
        self.file = self._files[-1] if self._files else None
        """Where the next start finds all of them; None where no place takes them, or none wait."""

    def add(self, event: Event) -> None:
        """Let it wait, behind the others."""
        self.events.append(event)

    def keep(self) -> None:
        """Write all of them into a new file, in place of the older ones; raises nothing."""
        self.file = next(filter(None, (_written(place, self.events) for place in _places(self._path))), None)
        if self.file:
            _remove(self._files)
            self._files = [self.file]

    def clear(self) -> None:
        """None waits any more."""
        _remove(self._files)
        self.events, self._files, self.file = [], [], None


def _places(path: Path) -> Iterator[Path]:
    """How such files begin: beside the progress, else in directories of this user's that last as long as session or machine."""
    yield path.parent / f"{path.name}.unsaved-"
    mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    for runtime in filter(None, (os.environ.get("XDG_RUNTIME_DIR"), "/tmp")):  # noqa: S108  # its owner is looked at
        own = Path(runtime) / f"container-workshop-{os.geteuid()}"
        if private.is_ours(own) or not os.path.lexists(own):
            yield own / f"unsaved-{mark}-"


def _written(place: Path, events: Sequence[Event]) -> Path | None:
    """A new file there that holds these events, one a line; None where it can't be written."""
    file = place.parent / f"{place.name}{uuid7()}"
    try:
        private.make_directory(file.parent)
        private.write(file, b"".join(msgspec.json.encode(one) + b"\n" for one in events))
    except OSError:
        _remove([file])
        return None
    return file


def _left(path: Path) -> list[Path]:
    """The files that programs left, the oldest first: UUIDs of version 7 sort by time."""
    found = chain.from_iterable(map(private.beginning, _places(path)))
    return sorted(filter(private.is_ours, found), key=lambda file: file.name[-36:])


def _read(file: Path) -> Iterator[Event]:
    """The events in a file; a line that a crash cut off is none."""
    with contextlib.suppress(OSError):
        for line in file.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                yield msgspec.json.decode(line, type=Event)


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink()
