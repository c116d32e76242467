"""Names for sandboxes that were given none."""

from __future__ import annotations

import itertools
import os

ADJECTIVES = ("amber", "brave", "calm", "clever", "eager", "gentle", "happy", "keen", "lucid", "merry", "nimble", "quiet")
ANIMALS = ("badger", "beaver", "crane", "dolphin", "finch", "gecko", "heron", "ibis", "lemur", "otter", "panda", "wren")


def free_name(taken: set[str]) -> str:
    """A name that is easy to type and not taken."""
    for attempt in itertools.count():
        name = f"{_any(ADJECTIVES)}_{_any(ANIMALS)}" + (str(attempt) if attempt > 3 else "")
        if name not in taken:
            return name
    raise AssertionError


def _any(words: tuple[str, ...]) -> str:
    """One of them, as chance has it."""
    return words[int.from_bytes(os.urandom(4), "big") % len(words)]
