"""What a request is refused with: a slug, and the values of its sentence."""

from __future__ import annotations


class ProtocolError(Exception):
    """A refusal, by slug (its text stands in workshop/words/texts/*/helper.toml) and the values for that text."""

    def __init__(self, slug: str, **values: str | int) -> None:
        """Keep slug and values for the reply."""
        super().__init__(slug, values)
        self.slug = slug
        self.values = values
