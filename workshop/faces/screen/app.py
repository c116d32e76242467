"""The app: the lesson map, a step, help; language and theme. `run` is what the command line calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar

import textual.content
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from ...learning import Desk
from ...words import VARIABLE, say
from ...words.line_breaks import breaks
from .. import startup_gc
from .lesson_map import MapScreen
from .session_thread import SessionThread
from .step import StepScreen
from .widgets.terminals import MakePane

# Every text on a screen is cut into lines by this one function, which has no public name: tests/test_wrapping.py holds it.
textual.content.divide_line = breaks  # type: ignore[attr-defined]  # Textual has it from Rich and does not export it

SETTLED_SECONDS = 3.0
"""Seconds after the first frame by which all is loaded."""
LIGHT_BACKGROUNDS = ("7", "15")


def run(desk: Desk) -> None:
    """Open the workshop; returns when the learner leaves. Progress is saved as it is made."""
    from ..terminal.driver import RawDriver  # noqa: PLC0415  # only where there is a terminal to drive

    app = WorkshopApp(desk, driver=RawDriver)
    app.run()
    app.thread.wait()


def terminal_pane(language: str) -> Widget:
    """A pane with the learner's shell in it."""
    from ..terminal.pane import TerminalPane  # noqa: PLC0415  # as above
    from ..terminal.shell import shell_command  # noqa: PLC0415  # only once the first frame is painted

    command, environment = shell_command()
    return TerminalPane(command, environment | {VARIABLE: language}, language=language)


def theme_of(environment: Mapping[str, str]) -> str:
    """Light where the terminal says that its background is (COLORFGBG, as rxvt and Konsole set it), else dark."""
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return "textual-light" if background in LIGHT_BACKGROUNDS else "textual-dark"


class WorkshopApp(App[None]):
    """Someone new begins at the map; someone who returns, at the step where they left."""

    TITLE = "container workshop"
    CSS_PATH = "workshop.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-thin"), (80, "-narrow"), (120, "-wide")]  # noqa: RUF012  # typed so by Textual
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (24, "-short"), (40, "-tall")]  # noqa: RUF012  # the same
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", show=False),
        Binding("ctrl+q", "help_quit", show=False, priority=True),  # Textual's own would end the shells without a word
        Binding("l", "language", show=False),
        Binding("d", "dark", show=False),
        Binding("g", "glossary", show=False),
        Binding("question_mark", "help", show=False),
    ]

    def __init__(self, desk: Desk, make_pane: MakePane = terminal_pane, driver: type | None = None) -> None:
        """Ask at this desk; `make_pane` makes the terminals, `driver` reads the keys."""
        super().__init__(driver_class=driver)
        self.desk = desk
        self.thread = SessionThread(desk)
        self.make_pane = make_pane
        self.theme = theme_of(os.environ)

    @property
    def working(self) -> bool:
        """True once a step was opened."""
        return self.is_screen_installed("step")

    def get_default_screen(self) -> Screen[None]:
        """The first screen: painted at once, with no empty one before it."""
        now = self.thread.now
        return self._step(now.step.where, returning=True) if now.begun else self._map()

    def _map(self) -> Screen[None]:
        if not self.is_screen_installed("map"):
            self.install_screen(MapScreen(), "map")
        return self.get_screen("map")

    def _step(self, where: str, returning: bool) -> Screen[None]:
        if not self.working:
            self.install_screen(StepScreen(where, returning, self.make_pane), "step")
        return self.get_screen("step")

    def _show(self, screen: Screen[None]) -> None:
        """One of the two is always below, the other at most above it; both live on when they are not in view."""
        if screen is self.screen_stack[0]:
            self.pop_screen()
        else:
            self.push_screen(screen)

    def on_ready(self) -> None:
        """The first frame is painted; a little later the step is furnished, too."""
        self.set_timer(SETTLED_SECONDS, startup_gc.settle)
        now = self.thread.now
        if now.moved_aside:
            self._warn(say(now.language, "progress.moved_aside", path=now.moved_aside))
        if not self.working and now.unsaved:  # on a step its banner says so
            self._warn(now.unsaved)

    def _warn(self, sentence: str) -> None:
        self.notify(sentence, severity="warning", timeout=20, markup=False)

    def on_unmount(self) -> None:
        """Nothing more is asked of the session."""
        self.thread.close()

    def open_step(self, where: str) -> None:
        """Show this step, from the map."""
        screen = self._step(where, returning=False)
        self._show(screen)
        assert isinstance(screen, StepScreen)  # as it was made  # noqa: S101
        screen.open(where)

    def show_step(self) -> None:
        """Back to the step, with its shells as they were."""
        self._show(self.get_screen("step"))

    def show_map(self) -> None:
        """The lesson map."""
        self._show(self._map())

    def action_language(self) -> None:
        """The other language, everywhere at once."""
        self.run_worker(self._speak(), group="language")

    async def _speak(self) -> None:
        await self.thread.ask(self.desk.speak_on)
        screen = self.screen
        if isinstance(screen, StepScreen):
            await screen.relabel()
        elif isinstance(screen, MapScreen):
            screen.relabel()

    def action_dark(self) -> None:
        """Dark to light and back."""
        self.theme = "textual-dark" if self.theme == "textual-light" else "textual-light"

    def action_help(self) -> None:
        """Every key."""
        from .help import HelpScreen  # noqa: PLC0415  # not before the first frame is painted

        now = self.thread.now
        self.push_screen(HelpScreen(now.language, now.wording.engine))

    def action_glossary(self) -> None:
        """What the words mean, those of the step first."""
        from .glossary import GlossaryScreen  # noqa: PLC0415  # the same

        self.push_screen(GlossaryScreen(self.thread.now, isinstance(self.screen, StepScreen)))

    def action_help_quit(self) -> None:
        """Ctrl-C and Ctrl-Q are the shell's; here they only say how to leave."""
        self.notify(say(self.thread.now.language, "tui.how_to_leave"), markup=False)
