"""How the one thread is shared: what each account took of it lately, and so who is next and who has to wait."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

SHARE = 0.5
"""How much of the thread's time one account may take, over a longer time."""
BURST_SECONDS = 0.3
"""How much of it at once: only then has the account to wait, where nobody else wants anything."""


@dataclass
class Allowance:
    """Seconds of the thread's time that an account has left; refilled with time, negative when it took too much."""

    left: float = BURST_SECONDS
    since: float = field(default_factory=time.monotonic)

    def take(self, seconds: float) -> float:
        """Take some; returns what is left."""
        now = time.monotonic()
        self.left = min(BURST_SECONDS, self.left + (now - self.since) * SHARE) - seconds
        self.since = now
        return self.left


class Shares:
    """Every account's allowance. Root is trusted, and what is nobody's (None) is the helper's own: both have all the time."""

    def __init__(self) -> None:
        """Nobody has taken any yet."""
        self._allowances: dict[int, Allowance] = {}

    def take(self, account: int | None, seconds: float) -> float:
        """Count the time that was used for this account; returns what it has left."""
        if not account:
            return math.inf
        return self._allowances.setdefault(account, Allowance()).take(seconds)

    def left(self, account: int | None) -> float:
        """Seconds that this account has left."""
        return self.take(account, 0.0)

    def place(self, account: int | None) -> float:
        """Where this account stands in the queue, the least first: all who took little are alike, and keep their order."""
        return max(BURST_SECONDS / 2, BURST_SECONDS - self.left(account))

    def pause(self, account: int) -> float:
        """For how many seconds this account has to wait now."""
        return max(0.0, -self.left(account) / SHARE)
