"""The lesson's side: a step's text, its hints and solution, a field for an answer, and the debrief."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Input, Static


class LessonPane(VerticalScroll, can_focus=True):
    """Shows Markdown documents, one below the other; Markdown itself comes with `furnish`, after the first frame."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "page_down", show=False)]
    PARTS = ("body", "hints", "solution", "answer", "debrief")

    class Answered(Message):
        """The learner typed an answer and pressed Enter."""

        def __init__(self, answer: str) -> None:
            """Keep what was typed."""
            super().__init__()
            self.answer = answer

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
            widget = Input(id="answer") if part == "answer" else Markdown(id=part, open_links=False)
            widget.display = False
            await self.mount(widget)

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

    def ask(self, wanted: bool, prompt: str) -> None:
        """Show the field for an answer, or hide it."""
        field = self.query_one("#answer", Input)
        field.display = wanted
        field.placeholder = prompt
        field.value = ""

    def begin_answer(self) -> bool:
        """Put the cursor into the field; False where this step asks for none."""
        field = self.query_one("#answer", Input)
        if field.display:
            field.focus()
        return field.display

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """An answer is given by Enter; an empty field is none."""
        event.stop()
        if answer := event.value.strip():
            self.post_message(self.Answered(answer))
