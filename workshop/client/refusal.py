"""The helper's refusal, apart from the client: whoever tells it need not load what talks to the helper."""

from __future__ import annotations


class HelperError(Exception):
    """A refusal of the helper, or its absence: `say(language, f"helper.{error.slug}", **error.values)` tells it."""

    def __init__(self, slug: str, **values: str | int) -> None:
        """Keep slug and values for the text."""
        super().__init__(slug, values)
        self.slug = slug
        self.values = values
