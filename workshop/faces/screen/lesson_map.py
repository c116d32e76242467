"""The lesson map: every lesson, the steps of those that are unfolded, and how far one is. Enter opens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ...course import Lesson
from ...learning import Snapshot
from ...words import say
from . import titles
from .widgets.key_line import KeyLine

if TYPE_CHECKING:
    from .app import WorkshopApp


class MapScreen(Screen[None]):
    """One list: a lesson's row opens its first step that is not passed, a step's row opens that step."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m,escape", "back", show=False),
        Binding("space", "fold", show=False),
    ]

    def __init__(self) -> None:
        """Only lessons are shown: all of them fit on a small screen."""
        super().__init__()
        self._unfolded: set[str] = set()

    def compose(self) -> ComposeResult:
        """Title, list, keys."""
        yield Static("", markup=False, id="title")
        yield OptionList(id="map", markup=False)
        yield KeyLine()

    @property
    def workshop(self) -> WorkshopApp:
        """The app, by its own type."""
        return cast("WorkshopApp", self.app)

    def on_screen_resume(self) -> None:
        """Progress may have been made since the map was last seen; the lesson that one comes from is unfolded."""
        where = self.workshop.thread.now.step.where
        if self.workshop.working:
            self._unfolded.add(_lesson_of(where))
        self.relabel()
        self._stand_at(where)

    def on_resize(self) -> None:
        """Rows are cut to the width."""
        self.call_after_refresh(self.relabel)

    def relabel(self) -> None:
        """Write every row anew, in the language that is chosen."""
        now, options = self.workshop.thread.now, self.query_one(OptionList)
        stood_at = self._standing
        options.clear_options()
        for lesson in now.position.library.lessons:
            options.add_options(self._rows(now, lesson, self.size.width - 4))
        self._stand_at(stood_at)
        count = now.position.count(now.position.library.steps)
        place = say(
            now.language, "tui.map_title",
            passed=count.passed, count=count.possible, engine=now.wording.engine.name,
        )  # fmt: skip
        self.query_one("#title", Static).update(place)
        self.query_one(KeyLine).offer(titles.keys_on_map(now.language, self.workshop.working))

    def _rows(self, now: Snapshot, lesson: Lesson, width: int) -> list[Option]:
        unfolded, due = lesson.id in self._unfolded, len(now.position.due(lesson, time.time()))
        shown = lesson.steps if unfolded else ()
        steps = [Option(titles.step_row(now, step, number, width), id=step.where) for number, step in enumerate(shown, 1)]
        return [Option(titles.lesson_row(now, lesson, unfolded, due, width), id=lesson.id), *steps]

    @property
    def _standing(self) -> str:
        """The id of the row that is highlighted, '' before there is one."""
        option = self.query_one(OptionList).highlighted_option
        return (option.id or "") if option else ""

    def _stand_at(self, row: str) -> None:
        """Highlight a row; a step's lesson where that is folded."""
        options = self.query_one(OptionList)
        if row:
            options.highlighted = options.get_option_index(row if _lesson_of(row) in self._unfolded else _lesson_of(row))
        options.focus()

    def action_fold(self) -> None:
        """Show or hide the steps of the lesson that one stands at."""
        self._unfolded ^= {_lesson_of(self._standing)}
        self.relabel()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the step, or a lesson's first step that is not passed."""
        event.stop()
        chosen = event.option_id or ""
        self.workshop.open_step(chosen if "/" in chosen else self._first_open(chosen))

    def _first_open(self, lesson_id: str) -> str:
        """A lesson's first step that is not passed; of a review that was begun, what is most due."""
        position = self.workshop.thread.now.position
        lesson = position.library.lesson(lesson_id)
        steps = lesson.steps
        if position.state(steps[0]) == "passed" and (waiting := position.due(lesson, time.time())):
            return waiting[0].where
        return next((step for step in steps if position.state(step) not in ("passed", "impossible")), steps[0]).where

    def action_back(self) -> None:
        """Back to the step, where there is one."""
        if self.workshop.working:
            self.workshop.show_step()


def _lesson_of(row: str) -> str:
    """The lesson that a row belongs to."""
    return row.partition("/")[0]
