"""One kind of error for everything that ends in a sentence, and the one way from such an error to its sentence."""

from __future__ import annotations

from collections.abc import Callable

from .clean import clean
from .language import say, words


class WordedError(Exception):
    """What went wrong, as the key of its text (`slug`) and the values of that text; each class has one area of texts."""

    area = ""

    def __init__(self, slug: str, /, **values: str | int) -> None:
        """Keep slug and values for the text."""
        super().__init__(slug, values)
        self.slug = slug
        self.values = values


def sentence(language: str, error: WordedError, fit: Callable[[str], str] = clean) -> str:
    """What happened, and what to do next: by the text `slug_fix` behind it where the area has one.

    Values come from outside and pass through `fit`. A slug without a text can only be that of a newer helper.
    """
    known = words(language, error.area)
    values = {name: fit(value) if isinstance(value, str) else value for name, value in error.values.items()}
    if error.slug not in known:
        return say(language, "helper.unknown_refusal", slug=fit(error.slug))
    told = say(language, f"{error.area}.{error.slug}", **values)
    fix = f"{error.slug}_fix"
    if fix not in known:
        return told
    from .line_breaks import joined  # noqa: PLC0415  # slow to load, and mostly not needed

    return joined(told, say(language, f"{error.area}.{fix}", **values))
