"""What `workshop lint` finds: a place, the name of what is wrong there, and the values of its sentence."""

from __future__ import annotations

from dataclasses import dataclass

from ..words import say


@dataclass(frozen=True)
class Problem:
    """One thing to mend; its sentence is `lint.SLUG` in workshop/words/texts/."""

    where: str
    slug: str
    values: tuple[tuple[str, str | int], ...] = ()

    def sentence(self, language: str) -> str:
        """What is wrong and what to do, in one language."""
        return f"{self.where}: {say(language, f'lint.{self.slug}', **dict(self.values))}"


def problem(where: str, slug: str, /, **values: str | int) -> Problem:
    """A problem, with the values for its sentence."""
    return Problem(where, slug, tuple(values.items()))
