"""What a step says in its banner, when the helper, the progress, the window or the workshop itself is in trouble."""

from __future__ import annotations

from textual.widgets import Static

from ...learning import not_saved
from ...words import say
from .measure import MeasuringScreen
from .session_thread import Trouble
from .widgets.verdict_line import VerdictLine


class TroubledScreen(MeasuringScreen):
    """Says what is wrong and what to do, and goes on with what still works."""

    def __init__(self) -> None:
        """Nothing is wrong yet."""
        super().__init__()
        self._trouble = ""  # why nothing can be seen
        self._banner = ""

    def explain(self, trouble: Trouble) -> None:
        """The helper can't be used: say why and what to do, and go on with what needs it not."""
        self._trouble = str(trouble)
        self.warn()

    def own_up(self, sentence: str, group: str) -> None:
        """A look that fails would fail every second: that stands still in the verdict's place."""
        if group == "look":
            self.query_one(VerdictLine).tell("broken", sentence, self.workshop.session.language)
        else:
            self.notify(sentence, severity="error", timeout=10, markup=False)

    def relieve(self) -> None:
        """It can be used again."""
        self._trouble = ""
        self.warn()

    def warn(self) -> None:
        """The banner says what is wrong now: that nothing can be seen or saved, else that the window is too small."""
        unsaved = not_saved(self.workshop.session)
        if self.has_class("-unsaved") and not unsaved:
            self.note("saved_again")
        small = self.has_class("-thin") or self.has_class("-flat")
        for name, holds in (("-helpless", self._trouble), ("-unsaved", unsaved), ("-small", small)):
            self.set_class(bool(holds), name)
        self._fill_banner("\n".join(filter(None, (self._trouble, unsaved))) or (self._too_small() if small else ""))

    def _fill_banner(self, text: str) -> None:
        if text != self._banner:  # it is asked for with every look
            self._banner = text
            self.query_one("#banner", Static).update(text)

    def _too_small(self) -> str:
        return say(self.workshop.session.language, "tui.too_small", width=self.size.width, height=self.size.height)
