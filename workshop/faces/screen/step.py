"""One step: its text, a real terminal beside it, what the workshop sees, and the live picture."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from ...course import Typed
from ...words import say
from . import documents, titles
from .session_thread import Seen, Trouble
from .troubled import TroubledScreen
from .visit import Visit
from .widgets.answer_field import AnswerField
from .widgets.key_line import KeyLine
from .widgets.lesson_pane import LessonPane
from .widgets.picture import Picture
from .widgets.terminals import NUMBERS, Slot, Terminals
from .widgets.verdict_line import VerdictLine

REBUILD_SECONDS = 20.0
"""How long lines that were typed for the learner may take to bring back what a step needs."""
WAYS_OUT_OF_FIELD = ("terminal", "cross", "leave_field")


def key(keys: str, action: str) -> Binding:
    """A key that works at once, before the next key is read: so that keys typed fast find the focus where it should be."""
    return Binding(keys, action, show=False, priority=True)


class StepScreen(TroubledScreen):
    """The learner's place of work. It is kept while the map is shown, so that its shells live on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("n", "next"), key("b", "previous"), key("h", "hint"), key("s", "solution"), key("t", "type_solution"),
        key("r", "rebuild"), key("u", "undo"), key("c", "check"), key("v", "view"), key("m", "map"), key("a", "answer"),
        *(key(str(digit), f"digit({digit})") for digit in range(10)),
        key("tab", "terminal"), key("o", "other_terminal"), key("ctrl+right_square_bracket", "cross"),
        key("escape", "leave_field"),
    ]  # fmt: skip

    def __init__(self, where: str, returning: bool) -> None:
        """Begin at this step; when `returning`, what it needs is typed again if it is gone."""
        super().__init__()
        self._where = where
        self._returning = returning
        self._ready = False
        self._language = ""
        self._visit = Visit()

    # Made of

    def compose(self) -> ComposeResult:
        """A skeleton; texts and terminals come after the first frame."""
        yield Static("", markup=False, id="title")
        yield Static("", markup=False, id="banner")
        with Container(id="main"):
            with Container(id="left"):
                yield Picture()
                yield LessonPane()
                yield AnswerField()
                yield VerdictLine()
            yield Terminals(self.workshop.make_pane)
        yield KeyLine()

    def on_mount(self) -> None:
        """Paint, then fill."""
        self.query_one(LessonPane).focus()
        self.label()
        self.call_after_refresh(lambda: self.do(self._furnish(), "furnish"))

    async def _furnish(self) -> None:
        await self.query_one(LessonPane).furnish()
        self._ready = True
        self.start_looking()
        await self._begin()
        await self.query_one(Terminals).show(NUMBERS[0])
        if self._returning and self._visit.lacking:  # the shells are fresh: what is typed reaches nothing else
            self.action_rebuild()
        self._returning = False

    # Where one is

    def open(self, where: str) -> None:
        """Begin another step, as the map asks for."""
        if where != self._where:
            self._where = where
            self.do(self._begin(), "begin", exclusive=True)

    async def _begin(self) -> None:
        """Look at how the kernel is as the step begins, and show the step, whether or not there is anything to be seen."""
        self._visit = Visit()
        self.stop_measuring()
        try:
            await self.workshop.desk.ask(self.workshop.session.go, self._where)
        except Trouble as trouble:
            self.explain(trouble)
        self.silence()
        await self._show_step()
        self.query_one(LessonPane).scroll_home(animate=False)
        self.look()
        self._visit.lacking = await self.lacks()
        if self._visit.lacking and not self._returning:
            self.note("lacking")
        self.label()

    def _move(self, by: int) -> None:
        if where := self.workshop.session.beside(self._where, by):
            self._where = where
            self.do(self._begin(), "begin", exclusive=True)
        else:
            self.note(self.workshop.session.end(by))

    async def _rebuild(self) -> None:
        """Type again what the step needs and what has gone since, one need after the other, and begin from there."""
        ask, session = self.workshop.desk.ask, self.workshop.session
        lines, typed = await ask(session.rebuild), list[tuple[Typed, ...]]()
        self.note("rebuilding" if lines else "nothing_lacking")
        while lines and lines not in typed:
            typed.append(lines)
            await self.query_one(Terminals).type_lines(lines)
            lines = await self._outcome(lines)
        if lines:
            self.note("not_rebuilt", number=lines[-1].terminal)
        elif typed:
            await ask(session.rebuilt)
            self._visit.first, self._visit.lacking = None, False
        self.call_after_refresh(self.label)
        self.look()

    async def _outcome(self, typed: tuple[Typed, ...]) -> tuple[Typed, ...]:
        """What is to be typed after these lines have done their work; the same lines if they do none in time."""
        try:
            async with asyncio.timeout(REBUILD_SECONDS):
                while (lines := await self.workshop.desk.ask(self.workshop.session.rebuild)) == typed:
                    await self.next_look()
        except TimeoutError:
            return typed
        return lines

    # Shown

    async def _show_step(self) -> None:
        session, pane = self.workshop.session, self.query_one(LessonPane)
        self._language = session.language
        session.figure_cells = pane.figure_width
        await pane.show("body", self._body())
        self.query_one(AnswerField).ask(session.step.takes_answer, say(session.language, "tui.answer_prompt"))
        await pane.show("debrief", "")
        await self.show_chart()
        await self._show_help()
        self.call_after_refresh(self.label)

    async def _show_help(self) -> None:
        session, pane, text = self.workshop.session, self.query_one(LessonPane), self.workshop.session.text()
        await pane.show("hints", documents.hints(text, session.hints_given, session.language))
        solution = documents.solution(text, session.lines(), session.language) if self._visit.solution_shown else ""
        await pane.show("solution", solution)

    async def relabel(self) -> None:
        """Show everything again in the language that is now chosen."""
        session = self.workshop.session
        if not self._ready or self._language == session.language:
            return
        self._visit.passed = False
        await self._show_step()
        self.query_one(Picture).draw(self.pictured(session.facts), session.language)
        self.silence()
        self.look()

    def label(self) -> None:
        """Title, tab line and keys follow where one is and where keys go."""
        session, terminals = self.workshop.session, self.query_one(Terminals)
        terminals.language = session.language
        terminals.label(more=self.query_one(LessonPane).max_scroll_y > 0)
        self.query_one("#title", Static).update(titles.title(session, self.size.width))
        self.query_one(KeyLine).offer(self._keys())
        self.warn()

    def _keys(self) -> titles.Keys:
        session = self.workshop.session
        if self.query_one(Terminals).active:
            return titles.keys_in_terminal(session.language)
        if isinstance(self.focused, AnswerField):
            return titles.keys_in_field(session.language)
        return titles.keys_in_lesson(session, self._visit.solution_shown, self._visit.lacking, self.measuring)

    async def on_screen_resume(self) -> None:
        """The language may have been changed on the map."""
        await self.relabel()

    def on_resize(self) -> None:
        """Another layout: nothing is lost, labels are cut to fit and figures drawn anew."""
        self.call_after_refresh(self.label)
        if self._ready:
            self.call_after_refresh(lambda: self.do(self._redraw(), "redraw"))

    async def _redraw(self) -> None:
        """What has figures, at the width that there is now."""
        session, pane = self.workshop.session, self.query_one(LessonPane)
        session.figure_cells = pane.figure_width
        await pane.show("body", self._body())
        if self._visit.passed:
            await pane.show("debrief", documents.debrief(session.text(), session.settled(), session.language))
        await self.show_chart()

    def _body(self) -> str:
        """The step's own words, on a lesson's first step below its introduction."""
        session = self.workshop.session
        step = session.step
        lesson = session.library.lesson(step.lesson)
        introduction = session.lesson_text(lesson).introduction if lesson.steps[0] is step else ""
        return documents.body(session.text(), introduction)

    def on_descendant_focus(self) -> None:
        """Say where keys go now."""
        self.call_after_refresh(self.label)

    # Seen

    def on_terminals_moved(self) -> None:
        """The learner did something, here or in a program that goes on by itself."""
        self._visit.deeds |= self.query_one(Terminals).active
        self.look_soon()

    async def tell(self, seen: Seen) -> None:
        """Draw the picture, say the verdict, and when the step has just passed, what it meant."""
        language = self.workshop.session.language
        self.query_one(Picture).draw(self.pictured(seen.facts), language)
        self._open_field(seen)
        if self.measuring:
            return  # the verdict's line tells how far it is
        if seen.step.ask:  # what it asks about may have come or gone
            await self.query_one(LessonPane).show("body", documents.body(self.workshop.session.text(), ""))
        if self._visit.is_news(seen.verdict):
            self.query_one(VerdictLine).tell(seen.verdict.kind, seen.message, language)
        else:
            self.silence()
        if seen.verdict.kind == "passed" and not self._visit.passed:
            self._visit.passed = True
            await self.wait_for_refresh()  # the verdict first: laying out the debrief takes a moment
            await self._celebrate(seen)

    def _open_field(self, seen: Seen) -> None:
        """No field where an answer could not count, because the step is impossible here or its turn has not come."""
        field, shut = self.query_one(AnswerField), seen.verdict.kind in ("blocked", "impossible")
        if shut and self.focused is field:
            self.set_focus(self.query_one(LessonPane))
        field.display = seen.step.takes_answer and not shut
        self.label()

    async def _celebrate(self, seen: Seen) -> None:
        """The step is done: tick it, and say what it meant."""
        session, pane = self.workshop.session, self.query_one(LessonPane)
        if isinstance(self.focused, AnswerField):
            self.set_focus(pane)
        self.label()
        await pane.show("debrief", documents.debrief(session.text(), seen.settled, session.language))
        pane.reach("chart" if session.step.experiment else "debrief")

    def on_slot_ended(self, event: Slot.Ended) -> None:
        """Say that a shell ended."""
        self.note("shell_again" if event.again else "shell_ended", number=event.number)
        self.look()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a terminal every key but the way out is the shell's, and in the field most are text."""
        if not self._ready or action == "cross":
            return self._ready
        if isinstance(self.focused, AnswerField):
            return action in WAYS_OUT_OF_FIELD
        return not self.query_one(Terminals).active

    def action_next(self) -> None:
        """On to the next step."""
        self._move(1)

    def action_previous(self) -> None:
        """Back to the step before."""
        self._move(-1)

    def action_hint(self) -> None:
        """One more hint."""
        self.do(self._hint(), "help")

    async def _hint(self) -> None:
        session = self.workshop.session
        if await self.workshop.desk.ask(session.hint) is None:
            self.note("no_more_hints" if session.text().hints else "no_hints")
        await self._show_help()
        self.query_one(LessonPane).reach("hints")

    def action_solution(self) -> None:
        """The solution with its reason."""
        self._visit.solution_shown = True
        self.do(self._solution(), "help")

    async def _solution(self) -> None:
        await self._show_help()
        self.query_one(LessonPane).reach("solution")
        self.label()
        await self.workshop.desk.ask(self.workshop.session.solution)

    def action_type_solution(self) -> None:
        """Type the solution's lines into the terminals."""
        lines = self.workshop.session.lines()
        if not self._visit.solution_shown:
            self.note("solution_first")
        elif lines:
            self._visit.deeds = True
            self.do(self.query_one(Terminals).type_lines(lines), "type", exclusive=True)

    def action_rebuild(self) -> None:
        """Type what the step needs and what is gone."""
        self.do(self._rebuild(), "begin", exclusive=True)

    def action_undo(self) -> None:
        """Remove what appeared since the step began, and say what went."""
        self.do(self._undo(), "undo")

    async def _undo(self) -> None:
        done = await self.workshop.desk.ask(self.workshop.session.undo)
        self.notify("\n".join(done), markup=False)
        self._visit.passed = False
        await self.query_one(LessonPane).show("debrief", "")
        self.look()

    def action_check(self) -> None:
        """Look now; where the workshop measures, begin that, or stop it."""
        self._visit.deeds = True
        if self.workshop.session.step.experiment:
            self.measure()
        else:
            self.notify(say(self.workshop.session.language, "tui.looked"), timeout=1, markup=False)
            self.look()

    def action_view(self) -> None:
        """The picture in the lesson's place, and back."""
        self.toggle_class("-picture")
        self._to_lesson()

    def _to_lesson(self) -> None:
        self.set_focus(self.query_one(Picture if self.has_class("-picture") else LessonPane), scroll_visible=False)

    def action_map(self) -> None:
        """The lesson map; the shells live on."""
        self.workshop.show_map()

    def action_answer(self) -> None:
        """Put the cursor into the field for an answer."""
        if self.query_one(AnswerField).display:
            self.query_one(AnswerField).begin("")
        else:
            self.note("no_answer_asked")

    async def action_digit(self, digit: int) -> None:
        """Choose by number; begin an answer that is a number; where nothing is asked, go to that terminal."""
        session = self.workshop.session
        choices = list(session.text().choices)
        if 0 < digit <= len(choices):
            self.do(self.judge(choices[digit - 1]), "answer")
        elif self.query_one(AnswerField).display:
            self.query_one(AnswerField).begin(str(digit))
        elif not choices and digit in NUMBERS:
            await self.query_one(Terminals).enter(digit)

    async def action_terminal(self) -> None:
        """Into the terminal in view."""
        await self.query_one(Terminals).enter()

    async def action_other_terminal(self) -> None:
        """Into the terminal that is not in view."""
        terminals = self.query_one(Terminals)
        await terminals.enter(sum(NUMBERS) - terminals.shown)

    async def action_cross(self) -> None:
        """From the terminal to the lesson, and back."""
        if self.query_one(Terminals).active:
            self._to_lesson()
        else:
            await self.action_terminal()

    def action_leave_field(self) -> None:
        """From the field for an answer back to the lesson."""
        self._to_lesson()

    @on(AnswerField.Answered)
    def judge_answer(self, event: AnswerField.Answered) -> None:
        """Judge what was typed against the kernel."""
        self._visit.deeds = True
        self.do(self.judge(event.answer), "answer")
