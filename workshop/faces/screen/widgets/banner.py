"""The banner: what is wrong at this moment, above everything else."""

from __future__ import annotations

from textual.widgets import Static

from ....words import say


class Banner(Static):
    """Its screen has a class for each thing that is wrong: the stylesheet shows the banner while it has one."""

    def __init__(self) -> None:
        """Nothing is wrong yet."""
        super().__init__("", markup=False, id="banner")
        self._shown = ""

    def warn(self, trouble: str, unsaved: str, language: str) -> None:
        """Say that nothing can be seen, or saved, and why; else whether the window is too small."""
        screen = self.screen
        small = screen.has_class("-thin") or screen.has_class("-flat")
        for name, holds in (("-helpless", trouble), ("-unsaved", unsaved), ("-small", small)):
            screen.set_class(bool(holds), name)
        size = say(language, "tui.too_small", width=screen.size.width, height=screen.size.height) if small else ""
        self._show("\n".join(filter(None, (trouble, unsaved))) or size)

    def _show(self, text: str) -> None:
        if text != self._shown:  # it is asked for with every look
            self._shown = text
            self.update(text)
