"""What a step says in its banner, when the helper, the record, the window or the workshop itself is in trouble."""

from __future__ import annotations

from textual.widgets import Static

from ...language import say
from ..desk import Trouble
from ..widgets.verdict_line import VerdictLine
from .measuring import MeasuringScreen


class TroubledScreen(MeasuringScreen):
    """Says what is wrong and what to do, and goes on with what still works."""

    def explain(self, trouble: Trouble) -> None:
        """The helper or the record can't be used: say why and what to do, and go on with what needs neither."""
        self.add_class("-helpless")
        self.query_one("#banner", Static).update(str(trouble))

    def own_up(self, sentence: str, group: str) -> None:
        """A look that fails would fail every second: that stands still in the verdict's place."""
        if group == "look":
            self.query_one(VerdictLine).tell("broken", sentence, self.workshop.session.language)
        else:
            self.notify(sentence, severity="error", timeout=10, markup=False)

    def relieve(self) -> None:
        """It can be used again."""
        if self.has_class("-helpless"):
            self.remove_class("-helpless")
            self.warn_of_size()

    def warn_of_size(self) -> None:
        """The banner says that the window is too small, where nothing worse is to be said."""
        small = self.has_class("-thin") or self.has_class("-flat")
        self.set_class(small, "-small")
        if small and not self.has_class("-helpless"):
            text = say(self.workshop.session.language, "tui.too_small", width=self.size.width, height=self.size.height)
            self.query_one("#banner", Static).update(text)
