"""The field for an answer, always in view below the lesson where a step asks for one."""

from __future__ import annotations

from textual.message import Message
from textual.widgets import Input


class AnswerField(Input):
    """Hidden unless a step asks for an answer."""

    class Answered(Message):
        """The learner typed an answer and pressed Enter."""

        def __init__(self, answer: str) -> None:
            """Keep what was typed."""
            super().__init__()
            self.answer = answer

    def __init__(self) -> None:
        """Hidden, and typing begins behind what stands in it."""
        super().__init__(id="answer", select_on_focus=False)
        self.display = False
        self._given = False

    def ask(self, wanted: bool, prompt: str) -> None:
        """Show it, empty, with this prompt, or hide it."""
        self.display = wanted
        self.placeholder = prompt
        self.value = ""

    def begin(self, text: str) -> None:
        """Take the keys, and put this text after what stands there, unless that was given already."""
        self.screen.set_focus(self)
        self.value = text if self._given else self.value + text
        self._given = False
        self.cursor_position = len(self.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """An answer is given by Enter; an empty field is none."""
        event.stop()
        if answer := event.value.strip():
            self._given = True
            self.post_message(self.Answered(answer))
