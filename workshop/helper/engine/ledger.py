"""What the helper made, written down before it is made: a line for each sandbox that begins, and one for each that has gone.

A hint, never the truth: clean-up goes by names in the kernel, since any journal can miss the last moment (200 kills at
random moments left something that a journal did not know 199 times). So nothing that goes wrong with it stops anything: it is
told in the log. One file that is appended to, since making a file for each sandbox costs a millisecond on a disk; it is
written anew when more lines are struck out than stand, so that it stays small however many sandboxes come and go.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable
from typing import Any

from ..kernel.troubles import tell

SPARE_LINES = 64
"""So many lines more than stand may be struck out: a file is not written anew for every sandbox."""
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
IDENTITY = re.compile(r"[0-9a-f]{64}")


class Ledger:
    """One file that only the helper can read or write; no method raises anything."""

    def __init__(self, path: str) -> None:
        """Open the file, which keeps what an earlier helper wrote."""
        self._path = path
        self._file = -1
        self._standing: dict[str, bytes] = {}
        self._struck = 0
        self._try(self._open)

    def write(self, sandbox: str, owner: int, name: str) -> None:
        """Note a sandbox that is about to be made."""
        line = _line({"made": sandbox, "owner": owner, "name": name})
        self._standing[sandbox] = line
        self._try(lambda: self._append(line))

    def forget(self, sandbox: str) -> None:
        """Strike out a sandbox of which nothing is left."""
        if self._standing.pop(sandbox, None):
            self._struck += 2
            self._try(lambda: self._strike(sandbox))

    def names(self) -> set[str]:
        """Ids of all sandboxes that were noted and not struck out."""
        return set(self._standing)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError as error:
            tell(f"the ledger {self._path} misses something: {error}")

    def _open(self) -> None:
        self._file = os.open(self._path, FLAGS, 0o600)
        text = os.pread(self._file, os.fstat(self._file).st_size, 0)
        lines = text.splitlines(keepends=True)
        for line in lines:
            entry = _entry(line)
            self._standing.pop(_identity(entry.get("gone")), None)
            if made := _identity(entry.get("made")):
                self._standing[made] = line
        self._struck = len(lines) - len(self._standing)
        if text and not text.endswith(b"\n"):  # a crash cut it short, and the next line must not become part of it
            os.write(self._file, b"\n")

    def _strike(self, sandbox: str) -> None:
        """Note that it has gone; an empty ledger begins anew."""
        if not self._standing and self._file >= 0:
            os.ftruncate(self._file, 0)
            self._struck = 0
        elif self._struck > len(self._standing) + SPARE_LINES:
            self._write_anew()
        else:
            self._append(_line({"gone": sandbox}))

    def _append(self, line: bytes) -> None:
        """Add a line, or nothing: half a line would spoil the next one."""
        before = os.fstat(self._file).st_size
        if os.write(self._file, line) < len(line):
            os.ftruncate(self._file, before)
            raise OSError("no room for one more line")

    def _write_anew(self) -> None:
        """Put a file with the lines that stand in this one's place, once it is on the disk."""
        fresh = os.open(f"{self._path}.new", FLAGS | os.O_TRUNC, 0o600)
        try:
            text = b"".join(self._standing.values())
            if os.write(fresh, text) < len(text):
                raise OSError("no room to write it anew")
            os.fsync(fresh)
            os.rename(f"{self._path}.new", self._path)
        except OSError:
            os.close(fresh)
            with contextlib.suppress(OSError):
                os.unlink(f"{self._path}.new")
            raise
        if self._file >= 0:
            os.close(self._file)
        self._file, self._struck = fresh, 0


def _line(entry: dict[str, str | int]) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def _entry(line: bytes) -> dict[str, Any]:
    """What a line says; one that is damaged says nothing."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _identity(value: object) -> str:
    """A sandbox's id, empty for what is none: it becomes part of paths."""
    return value if isinstance(value, str) and IDENTITY.fullmatch(value) else ""
