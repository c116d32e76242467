"""The helper's refusal, apart from the client: whoever tells it need not load what talks to the helper."""

from __future__ import annotations

from ..words import WordedError


class HelperError(WordedError):
    """A refusal of the helper, or its absence."""

    area = "helper"
