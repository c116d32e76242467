"""The glossary over whatever was there: a list that shrinks as one types, and what the highlighted word means."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from ...course import Term, load_glossary
from ...learning import Snapshot
from ...words import clean, say
from .. import explained
from .widgets.key_line import KeyLine


class GlossaryScreen(ModalScreen[None]):
    """Letters search, arrows go from word to word; the words that the step uses come first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "dismiss", show=False, priority=True),
        *(Binding(key, f"move('{way}')", show=False, priority=True) for key, way in (
            ("up", "cursor_up"), ("down", "cursor_down"), ("pageup", "page_up"), ("pagedown", "page_down"),
        )),
    ]  # fmt: skip

    def __init__(self, now: Snapshot, at_step: bool) -> None:
        """As things are at this moment; `at_step` where a step is shown below."""
        super().__init__()
        self._at_step = at_step
        self._now = now
        self._listed: dict[str, Term] = {}

    def compose(self) -> ComposeResult:
        """Title, search, list, meaning, keys."""
        yield Static(f" {say(self._now.language, 'glossary.title')}", markup=False, id="title")
        yield Input(placeholder=say(self._now.language, "glossary.wanted"), compact=True, id="wanted")
        terms = OptionList(id="terms", markup=False)
        terms.can_focus = False  # letters always search
        yield terms
        yield Static("", markup=False, id="meaning")
        yield KeyLine()

    def on_mount(self) -> None:
        """All words, the step's first."""
        language = self._now.language
        keys = [("Esc", "tui.key_close"), ("Up/Down", "glossary.key_move"), ("a-z", "glossary.key_search")]
        self.query_one(KeyLine).offer([(key, say(language, name)) for key, name in keys])
        self._list("")

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._list(event.value.strip())

    def _list(self, wanted: str) -> None:
        """Show what is wanted, and the meaning of the first."""
        parts = self._found(wanted) if wanted else self._all()
        self._listed = {term.id: term for _, terms in parts for term in terms}
        options = self.query_one(OptionList)
        options.clear_options()
        for heading, terms in parts:
            options.add_options([Option(heading, disabled=True), *(self._row(term) for term in terms)])
        options.action_first()
        if not self._listed:
            self._tell(say(self._now.language, "glossary.none", wanted=clean(wanted)))

    def _all(self) -> list[tuple[str, list[Term]]]:
        here, others = explained.of_step(self._now)
        parts = [("here", here), ("others", others)] if self._at_step else [("all", list(load_glossary()))]
        return [(say(self._now.language, f"glossary.{name}"), terms) for name, terms in parts if terms]

    def _found(self, wanted: str) -> list[tuple[str, list[Term]]]:
        found = explained.of_word(wanted, self._now)
        return [(say(self._now.language, "glossary.found", count=len(found)), found)] if found else []

    def _row(self, term: Term) -> Option:
        return Option(f"  {explained.name(term, self._now)}", id=term.id)

    @on(OptionList.OptionHighlighted)
    def _explain(self, event: OptionList.OptionHighlighted) -> None:
        if term := self._listed.get(event.option_id or ""):
            self._tell(explained.told(term, self._now))

    def _tell(self, text: str) -> None:
        self.query_one("#meaning", Static).update(text)

    def action_move(self, way: str) -> None:
        """Go to another word of the list."""
        getattr(self.query_one(OptionList), f"action_{way}")()
