"""The five verdicts. Each has a `kind`, a `slug` that names its text, and values for that text."""

from __future__ import annotations

from typing import ClassVar

Value = str | int | float | bool


class Verdict:
    """What a check says of evidence: never just yes or no."""

    kind: ClassVar[str]
    __match_args__ = ("slug", "values")

    def __init__(self, slug: str, **values: Value) -> None:
        """Name what was seen by a slug, with the values for its text."""
        self.slug = slug
        self.values: dict[str, Value] = values

    def __eq__(self, other: object) -> bool:
        """Two verdicts are equal if they say the same of the same values."""
        return isinstance(other, Verdict) and (self.kind, self.slug, self.values) == (
            other.kind,
            other.slug,
            other.values,
        )

    def __hash__(self) -> int:
        """Hash by what names it."""
        return hash((self.kind, self.slug))

    def __repr__(self) -> str:
        """Show it as it is written in a check."""
        values = "".join(f", {name}={value!r}" for name, value in self.values.items())
        return f"{type(self).__name__}({self.slug!r}{values})"


class Passed(Verdict):
    """The kernel shows what the step asks for."""

    kind = "passed"

    def __init__(self, slug: str = "passed", **values: Value) -> None:
        """`Passed(queue=0)` is enough: the slug is `passed` unless a step has several ways to pass."""
        super().__init__(slug, **values)


class NotYet(Verdict):
    """The kernel shows something else, which the slug names."""

    kind = "not_yet"


class Blocked(Verdict):
    """A step before this one is not done, or what this one needs is not there; `step` names it."""

    kind = "blocked"

    def __init__(self, step: str) -> None:
        """Name the step to do first."""
        super().__init__("blocked", step=step)


class Impossible(Verdict):
    """This machine lacks what the step requires; the slug is the requirement's name."""

    kind = "impossible"


class Broken(Verdict):
    """The check itself failed: our fault, with its log."""

    kind = "broken"

    def __init__(self, log: str) -> None:
        """Keep the traceback as text."""
        super().__init__("broken", log=log)
