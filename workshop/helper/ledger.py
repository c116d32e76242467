"""What the helper made, written down before it is made: a file a sandbox, named by its id.

A hint for `status`, never the truth: clean-up goes by names in the kernel, since any journal can miss the last moment
(200 kills at random moments left something that a journal did not know 199 times).
"""

from __future__ import annotations

import contextlib
import json
import os


class Ledger:
    """Files in one directory that only the helper can enter."""

    def __init__(self, directory: str) -> None:
        """Keep the files here."""
        self.directory = directory

    def open(self) -> None:
        """Make the directory."""
        os.makedirs(self.directory, mode=0o700, exist_ok=True)

    def write(self, sandbox: str, owner: int, name: str) -> None:
        """Note a sandbox that is about to be made."""
        path = f"{self.directory}/{sandbox}.json"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w") as file:
            json.dump({"id": sandbox, "owner": owner, "name": name}, file)

    def forget(self, sandbox: str) -> None:
        """Strike out a sandbox of which nothing is left."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.directory}/{sandbox}.json")

    def names(self) -> set[str]:
        """Ids of all sandboxes that were noted and not struck out."""
        try:
            return {name.removesuffix(".json") for name in os.listdir(self.directory)}
        except FileNotFoundError:
            return set()
