"""One step: its text, a real terminal beside it, what the workshop sees, and the live picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, ParamSpec, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Static

from ...learning import Snapshot, Trouble
from ...words import say
from . import commands, titles
from .lesson_side import LessonSide
from .look_loop import LookLoop
from .measure import Measuring
from .visit import Visit
from .widgets.answer_field import AnswerField
from .widgets.banner import Banner
from .widgets.key_line import KeyLine
from .widgets.terminals import NUMBERS, MakePane, Slot, Terminals
from .work import Work

if TYPE_CHECKING:
    from .app import WorkshopApp

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class StepScreen(Screen[None]):
    """The learner's place of work. It is kept while the map is shown, so that its shells live on."""

    # They work at once, before the next key is read: so keys typed fast find the focus where it should be.
    BINDINGS: ClassVar[list[BindingType]] = [Binding(key, f"press('{key}')", show=False, priority=True) for key in commands.KEYS]

    def __init__(self, where: str, returning: bool, make_pane: MakePane) -> None:
        """Begin at this step, with terminals made so; when `returning`, what it needs is typed again if it is gone."""
        super().__init__()
        self.where = where
        self._returning = returning
        self._ready = False
        self._language = ""
        self._trouble = ""  # why nothing can be seen
        self.visit = Visit()
        self.side = LessonSide()
        self.terminals = Terminals(make_pane)
        self.measuring = Measuring(self.side)
        self.work = Work(self, self._explain, self._own_up)
        self.looks = LookLoop(self, self.judge, self.work.do)

    @property
    def workshop(self) -> WorkshopApp:
        """The app, by its own type."""
        return cast("WorkshopApp", self.app)

    @property
    def now(self) -> Snapshot:
        """What there is to be shown."""
        return self.workshop.thread.now

    async def ask(self, question: Callable[Parameters, Result], *args: Parameters.args, **named: Parameters.kwargs) -> Result:
        """The answer to one of the desk's questions; raises Trouble."""
        return await self.workshop.thread.ask(question, *args, **named)

    # Made of

    def compose(self) -> ComposeResult:
        """A skeleton; texts and terminals come after the first frame."""
        yield Static("", markup=False, id="title")
        yield Banner()
        with Container(id="main"):
            yield self.side
            yield self.terminals
        yield KeyLine()

    def on_mount(self) -> None:
        """Paint, then fill."""
        self.side.pane.focus()
        self.label()
        self.call_after_refresh(lambda: self.work.do(self._furnish, "furnish"))

    def on_unmount(self) -> None:
        """The learner leaves."""
        self.measuring.stop()

    async def _furnish(self) -> None:
        await self.side.pane.furnish()
        self._ready = True
        self.looks.start()
        await self._begin()
        await self.terminals.show(NUMBERS[0])
        if self._returning and self.visit.lacking:  # the shells are fresh: what is typed reaches nothing else
            await commands.rebuild(self)
        self._returning = False

    # In trouble

    def _explain(self, trouble: str) -> None:
        """Why nothing can be seen; '' where something is seen again."""
        self._trouble = trouble
        self._warn()

    def _own_up(self, error: Exception, group: str) -> None:
        """A look that fails would fail every second: that stands still in the verdict's place."""
        sentence = self.workshop.desk.fault(error)
        if group == "look":
            self.side.verdict.tell("broken", sentence, self.now.language)
        else:
            self.notify(sentence, severity="error", timeout=10, markup=False)

    def _warn(self) -> None:
        now = self.now
        if self.has_class("-unsaved") and not now.unsaved:
            self.note("saved_again")
        self.query_one(Banner).warn(self._trouble, now.unsaved, now.language)

    def note(self, name: str, **values: object) -> None:
        """Say something in passing."""
        self.notify(say(self.now.language, f"tui.{name}", **values), markup=False)

    # Where one is

    def open(self, where: str) -> None:
        """Begin another step, as the map asks for."""
        if where != self.where:
            self.where = where
            self.work.do(self._begin, "begin", exclusive=True)

    async def _begin(self) -> None:
        """Look at how the kernel is as the step begins, and show the step, whether or not there is anything to be seen."""
        self.visit = Visit()
        self.measuring.stop()
        self.work.stop("rebuild")  # it was for the step that is left
        self.remove_class("-picture")  # another step is read first
        try:
            await self.ask(self.workshop.desk.go, self.where)
        except Trouble as trouble:
            self._explain(str(trouble))
        self.side.silence(self.now)
        await self._show_step()
        self.side.pane.scroll_home(animate=False)
        self.looks.want()
        self.visit.lacking = await self._lacks()
        if self.visit.lacking and not self._returning:
            self.note("lacking")
        self.label()

    async def _lacks(self) -> bool:
        """Whether something that the step needs is gone; False as well where that can't be seen: the look says why."""
        try:
            return bool(await self.ask(self.workshop.desk.lacking))
        except Trouble:
            return False

    # Shown

    async def _show_step(self) -> None:
        self._language = self.now.language
        await self.side.show_step(self.now, self.visit)
        self.call_after_refresh(self.label)

    async def relabel(self) -> None:
        """Show everything again in the language that is now chosen."""
        if not self._ready or self._language == self.now.language:
            return
        self.visit.passed = False
        await self._show_step()
        self.side.draw(self.now)
        self.side.silence(self.now)
        self.looks.want()

    def label(self) -> None:
        """Title, tab line and keys follow where one is and where keys go."""
        now = self.now
        self.terminals.language = now.language
        self.terminals.label(more=self.side.pane.max_scroll_y > 0)
        self.query_one("#title", Static).update(titles.title(now, self.size.width))
        self.query_one(KeyLine).offer(self._keys(now))
        self._warn()

    def _keys(self, now: Snapshot) -> titles.Keys:
        if self.terminals.active:
            return titles.keys_in_terminal(now.language)
        if isinstance(self.focused, AnswerField):
            return titles.keys_in_field(now.language)
        return titles.keys_in_lesson(now, self.visit, self.measuring.run is not None)

    async def on_screen_resume(self) -> None:
        """The language may have been changed on the map."""
        await self.relabel()

    def on_resize(self) -> None:
        """Another layout: nothing is lost, labels are cut to fit and figures drawn anew."""
        self.call_after_refresh(self.label)
        if self._ready:
            self.call_after_refresh(lambda: self.work.do(lambda: self.side.redraw(self.now, self.visit), "redraw"))

    def on_descendant_focus(self) -> None:
        """Say where keys go now."""
        self.call_after_refresh(self.label)

    # Seen

    @on(Terminals.Moved)
    def _moved(self) -> None:
        """The learner did something, here or in a program that goes on by itself."""
        self.visit.deeds |= self.terminals.active
        self.looks.soon()

    async def judge(self, answer: str | None = None) -> None:
        """Judge the step as the kernel is now, with this answer if one was given; raises Trouble."""
        seen = await self.ask(self.workshop.desk.check, answer)
        self._explain("")
        if seen.step.where == self.where:  # else it is of the step that was just left
            await self._tell(seen)
        self.looks.looked()

    async def _tell(self, seen: Snapshot) -> None:
        """Draw the picture, say the verdict, and when the step has just passed, what it meant."""
        self.side.draw(seen)
        self._open_field(seen)
        if self.measuring.run:
            return  # the verdict's line tells how far it is
        await self.side.tell(seen, self.visit)
        if seen.verdict and seen.verdict.kind == "passed" and not self.visit.passed:
            self.visit.passed = True
            await self.wait_for_refresh()  # the verdict first: laying out the debrief takes a moment
            await self._celebrate(seen)

    def _open_field(self, seen: Snapshot) -> None:
        self.side.open_field(seen)
        if self.focused is self.side.field and not self.side.field.display:
            self.set_focus(self.side.pane)
        self.label()

    async def _celebrate(self, seen: Snapshot) -> None:
        """The step is done: tick it, and say what it meant."""
        if isinstance(self.focused, AnswerField):
            self.set_focus(self.side.pane)
        self.label()
        await self.side.show_debrief(seen, self.visit)
        self.side.pane.reach("chart" if seen.step.experiment else "debrief")

    @on(Slot.Ended)
    def _shell_ended(self, event: Slot.Ended) -> None:
        """Say that a shell ended."""
        self.note("shell_again" if event.again else "shell_ended", number=event.number)
        self.looks.want()

    @on(AnswerField.Answered)
    def _judge_typed(self, event: AnswerField.Answered) -> None:
        """Judge what was typed against the kernel."""
        self.visit.deeds = True
        self.work.do(partial(self.judge, event.answer), "answer")

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a terminal every key but the way out is the shell's, and in the field most are text."""
        key = parameters[0] if action == "press" else ""
        if not self._ready or key == commands.CROSS:
            return self._ready
        if isinstance(self.focused, AnswerField):
            return key in commands.WAYS_OUT_OF_FIELD
        return not self.terminals.active

    async def action_press(self, key: str) -> None:
        """Do what the key stands for."""
        await commands.KEYS[key](self)

    def to_lesson(self) -> None:
        """Keys go to the lesson, or to the picture in its place."""
        self.set_focus(self.side.picture if self.has_class("-picture") else self.side.pane, scroll_visible=False)
