"""What the workshop says of the step: the verdict's word, then what was seen."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from ...figures import clean
from ...language import say

MARKS = {"passed": "\u2713", "not_yet": "-", "blocked": "!", "impossible": "x", "broken": "!"}
"""A mark before each verdict's word; never the colour alone."""


class VerdictLine(Static):
    """One verdict. Its values come from outside, so it is shown as it is, never as markup."""

    def __init__(self) -> None:
        """Empty until something was judged."""
        super().__init__("", markup=False, id="verdict")

    def tell(self, kind: str, message: str, language: str) -> None:
        """Show a verdict of this kind."""
        self.set_classes(f"-{kind}")
        self.update(sentence(kind, message, language))

    def silence(self, language: str) -> None:
        """Nothing was judged yet."""
        self.set_classes("")
        self.update(Text(say(language, "tui.looking")))


def sentence(kind: str, message: str, language: str) -> Text:
    """Mark, word and sentence, free of characters that could move the cursor."""
    return Text.assemble((f"{MARKS[kind]} {say(language, f'tui.verdict_{kind}')}", "bold"), clean(message))
