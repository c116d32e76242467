"""The lesson map: every lesson, the steps of those that are unfolded, and how far one is. Enter opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ...course import Lesson
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
        where = self.workshop.session.step.where
        if self.workshop.working:
            self._unfolded.add(_lesson_of(where))
        self.relabel()
        self._stand_at(where)

    def on_resize(self) -> None:
        """Rows are cut to the width."""
        self.call_after_refresh(self.relabel)

    def relabel(self) -> None:
        """Write every row anew, in the language that is chosen."""
        session, options = self.workshop.session, self.query_one(OptionList)
        stood_at = self._standing
        options.clear_options()
        for lesson in session.library.lessons:
            options.add_options(self._rows(lesson, self.size.width - 4))
        self._stand_at(stood_at)
        lessons = session.library.lessons
        done = titles.passed_of(session, (step for lesson in lessons for step in lesson.steps))
        count = sum(len(lesson.steps) for lesson in lessons)
        self.query_one("#title", Static).update(self._title(done, count))
        self.query_one(KeyLine).offer(titles.keys_on_map(session.language, self.workshop.working))

    def _title(self, done: int, count: int) -> str:
        session = self.workshop.session
        return say(session.language, "tui.map_title", passed=done, count=count, engine=session.engine.name)

    def _rows(self, lesson: Lesson, width: int) -> list[Option]:
        session, unfolded = self.workshop.session, lesson.id in self._unfolded
        shown = lesson.steps if unfolded else ()
        steps = [Option(titles.step_row(session, step, number, width), id=step.where) for number, step in enumerate(shown, 1)]
        return [Option(titles.lesson_row(session, lesson, unfolded, width), id=lesson.id), *steps]

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
        session = self.workshop.session
        lesson = session.library.lesson(lesson_id)
        steps = lesson.steps
        if session.state(steps[0]) == "passed" and (waiting := session.due(lesson)):
            return waiting[0].where
        return next((step for step in steps if session.state(step) != "passed"), steps[0]).where

    def action_back(self) -> None:
        """Back to the step, where there is one."""
        if self.workshop.working:
            self.workshop.show_step()


def _lesson_of(row: str) -> str:
    """The lesson that a row belongs to."""
    return row.partition("/")[0]
