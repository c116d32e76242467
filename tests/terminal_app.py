"""A small app with a terminal pane, for tests: `python terminal_app.py PROGRAM [ARGUMENT…]` runs the program in the pane.

The first line says what the app itself saw: keys by name, the pane's messages, and how the shell ended. `q` leaves.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from workshop.faces.terminal.pane import TerminalPane  # isort: skip  # before Textual: the package prepares its environment
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from workshop.faces.terminal.driver import RawDriver
from workshop.faces.terminal.shell import shell_command


class TerminalApp(App[None]):
    """A status line over a pane."""

    CSS = "TerminalPane { height: 1fr; border: solid green; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [  # noqa: RUF012 -- as Textual declares it
        Binding("ctrl+right_square_bracket", "leave", priority=True),
        Binding("q", "quit"),
        Binding("r", "restart"),
        Binding("h", "hang_up"),
    ]

    def compose(self) -> ComposeResult:
        """The two parts."""
        yield Static("ready", markup=False)
        argv, environment = shell_command(os.environ)
        yield TerminalPane(sys.argv[1:] or argv, environment)

    def on_mount(self) -> None:
        """Start the program at once."""
        self.pane = self.query_one(TerminalPane)
        self.pane.start()
        self.pane.focus()

    def action_leave(self) -> None:
        """The leader: to and from the pane."""
        self.screen.set_focus(self.pane if self.focused is None else None)
        self.say("in the pane" if self.focused else "outside")

    def action_restart(self) -> None:
        """Start the program again."""
        self.pane.start()
        self.pane.focus()

    def action_hang_up(self) -> None:
        """Stop the program."""
        self.pane.stop()
        self.say("stopped")

    def on_key(self, event: events.Key) -> None:
        """A key that nobody took."""
        self.say(f"key {event.key}")

    def on_terminal_pane_exited(self, event: TerminalPane.Exited) -> None:
        """The program's end."""
        self.say(f"exited {event.code}")

    def say(self, text: str) -> None:
        """Show it on the first line."""
        self.query_one(Static).update(text)


if __name__ == "__main__":
    TerminalApp(driver_class=RawDriver).run()
