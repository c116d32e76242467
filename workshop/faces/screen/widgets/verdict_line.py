"""What the workshop says of the step: the verdict's word, then what was seen."""

from __future__ import annotations

import re

from rich.text import Text
from textual.widgets import Static

from ....words import clean, say

MARKS = {"passed": "\u2713", "not_yet": "-", "blocked": "!", "impossible": "x", "broken": "!"}
"""A mark before each verdict's word; never the colour alone."""
IN_BACKTICKS = re.compile(r"`([^`]+)`")
"""A command or a file, as texts write it."""


class VerdictLine(Static):
    """One verdict. Its values come from outside, so it is shown as it is, never as markup."""

    def __init__(self) -> None:
        """Empty until something was judged."""
        super().__init__("", markup=False, id="verdict")
        self._shown = Text()

    def tell(self, kind: str, message: str, language: str) -> None:
        """Show a verdict of this kind."""
        self._show(f"-{kind}", sentence(kind, message, language))

    def count(self, done: int, expected: int, language: str) -> None:
        """The workshop is measuring: how far it is."""
        self._show("", Text(say(language, "tui.measuring", done=done, expected=expected)))

    def silence(self, language: str, measures: bool = False) -> None:
        """Nothing was judged yet: the workshop looks by itself, or `measures` when it is asked to."""
        self._show("", Text(say(language, "tui.to_measure" if measures else "tui.looking")))

    def _show(self, look: str, text: Text) -> None:
        """A look every second must not lay the screen out anew when it saw nothing new."""
        if text != self._shown:
            self._shown = text
            self.set_classes(look)
            self.update(text)


def sentence(kind: str, message: str, language: str) -> Text:
    """Mark, word and sentence, free of characters that could move the cursor; what stands in backticks is bold instead."""
    parts = IN_BACKTICKS.split(clean(message))
    styled = [(part, "bold" if place % 2 else "") for place, part in enumerate(parts)]
    return Text.assemble((f"{MARKS[kind]} {say(language, f'tui.verdict_{kind}')}", "bold"), *styled)
