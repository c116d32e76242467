"""Files of the folder in which a learner makes an image by hand. Told by the learner's side, not the kernel."""

from __future__ import annotations

from dataclasses import dataclass

HAND_FOLDER = "hand"
"""The folder, in the learner's home."""


@dataclass(frozen=True, slots=True)
class HandFile:
    """One regular file: `path` within the folder, `digest` as sha256 in hexadecimal digits.

    `time` is when it was written last, in nanoseconds since the epoch: who makes the same file again has made it. `text` is
    its contents where it is small and text; `members` are the names in it where it is called `*.tar`.
    """

    path: str
    size: int
    digest: str
    time: int = 0
    text: str = ""
    members: tuple[str, ...] = ()
