"""A question of the review: drawn from facts, so that its values are this machine's at this moment."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """What is right, the values that the question's words name, and a plausible wrong answer that has words of its own."""

    right: str | int | float
    values: dict[str, str | int | float] = field(default_factory=dict)
    slip: str | int | float | None = None
