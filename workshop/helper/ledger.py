"""What the helper made, written down before it is made: a line for each sandbox that begins, and one for each that has gone.

A hint, never the truth: clean-up goes by names in the kernel, since any journal can miss the last moment (200 kills at
random moments left something that a journal did not know 199 times). One file that is appended to, since making a file
for each sandbox costs a millisecond on a disk.
"""

from __future__ import annotations

import json
import os


class Ledger:
    """One file that only the helper can read or write."""

    def __init__(self, path: str) -> None:
        """Open the file, which keeps what an earlier helper wrote."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._open: set[str] = self._read()

    def write(self, sandbox: str, owner: int, name: str) -> None:
        """Note a sandbox that is about to be made."""
        self._open.add(sandbox)
        self._append({"made": sandbox, "owner": owner, "name": name})

    def forget(self, sandbox: str) -> None:
        """Strike out a sandbox of which nothing is left; an empty ledger begins anew."""
        self._open.discard(sandbox)
        if self._open:
            self._append({"gone": sandbox})
        else:
            os.ftruncate(self._file, 0)

    def names(self) -> set[str]:
        """Ids of all sandboxes that were noted and not struck out."""
        return set(self._open)

    def _append(self, entry: dict[str, str | int]) -> None:
        """Add a line."""
        os.write(self._file, json.dumps(entry).encode() + b"\n")

    def _read(self) -> set[str]:
        """What the file says; a line that a crash cut short says nothing."""
        found: set[str] = set()
        for line in os.pread(self._file, os.fstat(self._file).st_size, 0).splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            found = found | {entry["made"]} if "made" in entry else found - {entry.get("gone")}
        return found
