"""Files of the folder in which a learner makes an image by hand. Told by the learner's side, not the kernel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HandFile:
    """One regular file: `path` within the folder, `digest` as sha256 in hexadecimal digits.

    `text` is its beginning where it is small and text; `members` are the names in it where it is called `*.tar`.
    """

    path: str
    size: int
    digest: str
    text: str = ""
    members: tuple[str, ...] = ()
