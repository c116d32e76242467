"""One step: its text, a real terminal beside it, what the workshop sees, and the live picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from ...language import say
from .. import documents, titles
from ..desk import Seen, Trouble
from ..widgets.key_line import KeyLine
from ..widgets.lesson_pane import LessonPane
from ..widgets.picture import Picture
from ..widgets.terminals import Terminals
from ..widgets.verdict_line import VerdictLine

if TYPE_CHECKING:
    from ..app import WorkshopApp

DEBOUNCE = 0.03
"""Seconds between a terminal's moving and the look at the kernel."""
POLL = 1.0
"""Seconds between looks for what is done elsewhere."""
WITH_CHOICES = ("read", "predict")


class StepScreen(Screen[None]):
    """The learner's place of work. It is kept while the map is shown, so that its shells live on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next", show=False),
        Binding("b", "previous", show=False),
        Binding("h", "hint", show=False),
        Binding("s", "solution", show=False),
        Binding("t", "type_solution", show=False),
        Binding("u", "undo", show=False),
        Binding("c", "check", show=False),
        Binding("v", "view", show=False),
        Binding("m", "map", show=False),
        Binding("a", "answer", show=False),
        *(Binding(str(digit), f"digit({digit})", show=False) for digit in range(1, 10)),
        Binding("tab,ctrl+right_square_bracket", "cross", show=False),
        Binding("escape", "leave_field", show=False),
    ]

    def __init__(self, where: str, returning: bool) -> None:
        """Begin at this step; when `returning`, what it needs is typed again if it is gone."""
        super().__init__()
        self._where = where
        self._returning = returning
        self._ready = False
        self._looking = False
        self._wanted = False
        self._soon: Timer | None = None
        self._passed = False
        self._solution_shown = False

    # Made of

    def compose(self) -> ComposeResult:
        """A skeleton; texts and terminals come after the first frame."""
        yield Static("", markup=False, id="title")
        yield Static("", markup=False, id="banner")
        with Container(id="main"):
            with Container(id="left"):
                yield Picture()
                yield LessonPane()
                yield VerdictLine()
            yield Terminals(self.workshop.make_pane)
        yield KeyLine()

    def on_mount(self) -> None:
        """Paint, then fill."""
        self.query_one(LessonPane).focus()
        self._label()
        self.call_after_refresh(lambda: self.run_worker(self._furnish(), group="begin"))

    @property
    def workshop(self) -> WorkshopApp:
        """The app, by its own type."""
        return cast("WorkshopApp", self.app)

    async def _furnish(self) -> None:
        await self.query_one(LessonPane).furnish()
        self._ready = True
        await self._begin(self._where)
        await self.query_one(Terminals).show(1)
        self.set_interval(POLL, self._look)
        if self._returning:
            await self._rebuild()

    # Where one is

    def open(self, where: str) -> None:
        """Begin another step, as the map asks for."""
        self.run_worker(self._open(where), group="begin")

    async def _open(self, where: str) -> None:
        if where != self.workshop.session.step.where:
            await self._begin(where)
            await self._rebuild()

    async def _begin(self, where: str) -> None:
        """Show the step at once, then look at how the kernel is as it begins."""
        session = self.workshop.session
        self._passed = False
        self._solution_shown = False
        try:
            await self.workshop.desk.ask(session.go, where)
        except Trouble as error:
            self._explain(error)
        self.query_one(VerdictLine).silence(session.language)
        await self._show_step()
        self.query_one(LessonPane).scroll_home(animate=False)
        self._look()

    def _move(self, by: int) -> None:
        order = [step.where for lesson in self.workshop.session.library.lessons for step in lesson.steps]
        place = order.index(self.workshop.session.step.where) + by
        if 0 <= place < len(order):
            self.query_one(LessonPane).focus()
            self.run_worker(self._begin(order[place]), group="begin")
        else:
            self._note("last_step" if by > 0 else "first_step")

    async def _rebuild(self) -> None:
        """Type again what the step needs and what has gone since, and begin from there."""
        session = self.workshop.session
        try:
            lines = await self.workshop.desk.ask(session.rebuild)
            if lines:
                self._note("rebuilding")
                await self.query_one(Terminals).type_lines(lines)
                await self.workshop.desk.ask(session.rebuilt)
        except Trouble as error:
            self._explain(error)
        self._look()

    # Shown

    async def _show_step(self) -> None:
        session = self.workshop.session
        pane = self.query_one(LessonPane)
        text, first = session.text(), session.lesson.steps[0] is session.step
        introduction = session.lesson_text(session.lesson).introduction if first else ""
        await pane.show("body", documents.body(text, introduction))
        pane.ask(session.step.kind == "answer", say(session.language, "tui.answer_prompt"))
        await pane.show("debrief", "")
        await self._show_help()
        self._label()

    async def _show_help(self) -> None:
        session = self.workshop.session
        pane, text = self.query_one(LessonPane), session.text()
        await pane.show("hints", documents.hints(text, session.hints_given, session.language))
        solution = documents.solution(text, session.lines(), session.language) if self._solution_shown else ""
        await pane.show("solution", solution)

    async def relabel(self) -> None:
        """Show everything again in the language that is now chosen."""
        if not self._ready:
            return
        verdict = self.workshop.session.verdict
        self._passed = False
        await self._show_step()
        self.query_one(Picture).draw(self.workshop.session.facts, self.workshop.session.language)
        if verdict is None:
            self.query_one(VerdictLine).silence(self.workshop.session.language)
        self._look()

    def _label(self) -> None:
        """Title, tab line and keys follow where one is and where keys go."""
        session, terminals = self.workshop.session, self.query_one(Terminals)
        terminals.language = session.language
        terminals.label()
        self.query_one("#title", Static).update(titles.title(session, self.size.width))
        self.query_one(KeyLine).offer(self._keys())
        self._warn_of_size()

    def _keys(self) -> list[tuple[str, str]]:
        session = self.workshop.session
        if self.query_one(Terminals).active:
            return titles.keys_in_terminal(session.language)
        if isinstance(self.focused, Input):
            return titles.keys_in_field(session.language)
        return titles.keys_in_lesson(session, self._solution_shown)

    def _warn_of_size(self) -> None:
        small = self.has_class("-thin") or self.has_class("-flat")
        self.set_class(small, "-small")
        banner = self.query_one("#banner", Static)
        if small:
            banner.update(say(self.workshop.session.language, "tui.too_small", width=self.size.width, height=self.size.height))
        elif not self.has_class("-helpless"):
            banner.update("")

    def on_resize(self) -> None:
        """Another layout: nothing is lost, only labels are cut to fit."""
        self.call_after_refresh(self._label)

    def on_descendant_focus(self) -> None:
        """Say where keys go now."""
        self.call_after_refresh(self._label)

    # Looking

    def on_terminals_moved(self) -> None:
        """The learner did something: look soon, and only once for a burst of output."""
        if self._soon is None:
            self._soon = self.set_timer(DEBOUNCE, self._look_now)

    def _look_now(self) -> None:
        self._soon = None
        self._look()

    def _look(self) -> None:
        """Look, or if a look is under way, once more after it."""
        self._wanted = True
        if self._ready and not self._looking:
            self._looking = True
            self.run_worker(self._look_while_wanted(), group="look")

    async def _look_while_wanted(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await self._judge(None)
        finally:
            self._looking = False

    async def _judge(self, answer: str | None) -> None:
        try:
            seen = await self.workshop.desk.look(answer)
        except Trouble as error:
            self._explain(error)
            return
        self._relieve()
        if seen.step is self.workshop.session.step:
            await self._tell(seen)

    async def _tell(self, seen: Seen) -> None:
        language = self.workshop.session.language
        self.query_one(Picture).draw(seen.facts, language)
        self.query_one(VerdictLine).tell(seen.verdict.kind, seen.message, language)
        if seen.verdict.kind == "passed" and not self._passed:
            self._passed = True
            await self._celebrate(seen)

    async def _celebrate(self, seen: Seen) -> None:
        """The step is done: tick it, and say what it meant."""
        session, pane = self.workshop.session, self.query_one(LessonPane)
        self._label()
        await pane.show("debrief", documents.debrief(session.text(), seen.settled, session.language))
        pane.reach("debrief")
        if isinstance(self.focused, Input):
            pane.focus()

    def _explain(self, error: Trouble) -> None:
        """The helper or the record can't be used: say why and what to do, and go on with what needs neither."""
        self.add_class("-helpless")
        self.query_one("#banner", Static).update(str(error))

    def _relieve(self) -> None:
        if self.has_class("-helpless"):
            self.remove_class("-helpless")
            self._warn_of_size()

    def _note(self, key: str) -> None:
        self.notify(say(self.workshop.session.language, f"tui.{key}"), markup=False)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys work once there is something for them to work on."""
        return self._ready and super().check_action(action, parameters)

    def action_next(self) -> None:
        """On to the next step."""
        self._move(1)

    def action_previous(self) -> None:
        """Back to the step before."""
        self._move(-1)

    async def action_hint(self) -> None:
        """One more hint."""
        try:
            hint = await self.workshop.desk.ask(self.workshop.session.hint)
        except Trouble as error:
            self._explain(error)
            return
        if hint is None:
            self._note("no_more_hints" if self.workshop.session.text().hints else "no_hints")
        await self._show_help()
        self.query_one(LessonPane).reach("hints")

    async def action_solution(self) -> None:
        """The solution with its reason."""
        try:
            await self.workshop.desk.ask(self.workshop.session.solution)
        except Trouble as error:
            self._explain(error)
        self._solution_shown = True
        await self._show_help()
        self.query_one(LessonPane).reach("solution")
        self._label()

    def action_type_solution(self) -> None:
        """Type the solution's lines into the terminals."""
        if not self._solution_shown:
            self._note("solution_first")
        elif lines := self.workshop.session.lines():
            self.run_worker(self.query_one(Terminals).type_lines(lines), group="type", exclusive=True)

    async def action_undo(self) -> None:
        """Remove what appeared since the step began, and say what went."""
        try:
            done = await self.workshop.desk.ask(self.workshop.session.undo)
        except Trouble as error:
            self._explain(error)
            return
        self.notify("\n".join(done), markup=False)
        self._passed = False
        await self.query_one(LessonPane).show("debrief", "")
        self._look()

    def action_check(self) -> None:
        """Look now."""
        self._note("looked")
        self._look()

    def action_view(self) -> None:
        """The picture in the lesson's place, and back."""
        self.toggle_class("-picture")
        self.query_one(Picture if self.has_class("-picture") else LessonPane).focus()

    def action_map(self) -> None:
        """The lesson map; the shells live on."""
        self.workshop.show_map()

    def action_answer(self) -> None:
        """Put the cursor into the field for an answer."""
        if not self.query_one(LessonPane).begin_answer():
            self._note("no_answer_asked")

    async def action_digit(self, digit: int) -> None:
        """Choose an answer by its number; where there is none to choose, go to that terminal."""
        session = self.workshop.session
        choices = list(session.text().choices)
        if session.step.kind in WITH_CHOICES and digit <= len(choices):
            await self._judge(choices[digit - 1])
        elif not choices and digit in (1, 2):
            await self.query_one(Terminals).enter(digit)

    async def action_cross(self) -> None:
        """From the lesson to the terminal, and back."""
        terminals = self.query_one(Terminals)
        if terminals.active:
            self.query_one(Picture if self.has_class("-picture") else LessonPane).focus()
        else:
            await terminals.enter()

    def action_leave_field(self) -> None:
        """From the field for an answer back to the lesson."""
        self.query_one(LessonPane).focus()

    @on(LessonPane.Answered)
    async def judge_answer(self, event: LessonPane.Answered) -> None:
        """Judge what was typed against the kernel."""
        await self._judge(event.answer)

    def on_terminals_ended(self, event: Terminals.Ended) -> None:
        """Say that a shell ended."""
        key = "tui.shell_again" if event.again else "tui.shell_ended"
        self.notify(say(self.workshop.session.language, key, number=event.number), markup=False)
        self._look()
