"""The lesson's side: a step's text, its hints and solution, and the debrief."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static


class LessonPane(VerticalScroll, can_focus=True):
    """Shows Markdown documents, one below the other; Markdown itself comes with `furnish`, after the first frame."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "page_down", show=False)]
    PARTS = ("body", "chart", "hints", "solution", "debrief")
    MARGINS = 6
    """Cells beside a figure: the pane's padding, and a fence's margin and padding."""

    def __init__(self) -> None:
        """A skeleton: `furnish` fills it."""
        super().__init__(id="lesson")

    def compose(self) -> ComposeResult:
        """A word until the texts are there."""
        yield Static("", markup=False, id="waiting")

    async def furnish(self) -> None:
        """Mount the documents, hidden until something stands in them."""
        from textual.widgets import Markdown  # noqa: PLC0415  # heavy: only once the first frame is painted

        await self.query_one("#waiting").remove()
        for part in self.PARTS:
            widget = Markdown(id=part, open_links=False)
            widget.display = False
            await self.mount(widget)

    @property
    def figure_width(self) -> int:
        """How wide a figure in a part may be, in cells."""
        return max(20, self.scrollable_content_region.width - self.MARGINS)

    async def show(self, part: str, document: str) -> None:
        """Put this Markdown into a part; an empty one is not displayed."""
        from textual.widgets import Markdown  # noqa: PLC0415  # as above

        widget = self.query_one(f"#{part}", Markdown)
        widget.display = bool(document)
        if widget.source != document:
            await widget.update(document)

    def reach(self, part: str) -> None:
        """Scroll so that a part begins at the top, once it is laid out."""
        self.call_after_refresh(self.scroll_to_widget, self.query_one(f"#{part}"), top=True, animate=False)
