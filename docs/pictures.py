"""Makes the pictures of README from a real run: `make pictures`, as root. Each is the screen itself, saved by Textual.

The app runs without a window, with real shells, a helper of its own and a container. What the machine is called, and whatever
else runs on it, is left out of what is drawn; numbers are those of the run.
"""

from __future__ import annotations

import asyncio
import html
import io
import itertools
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from textual.pilot import Pilot

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from workshop_screens import own_instance  # noqa: E402  # found by the line above

from workshop.facts import Facts  # noqa: E402  # the same
from workshop.figures import timeline  # noqa: E402  # the same
from workshop.library import load_library  # noqa: E402  # the same
from workshop.observer import Observer  # noqa: E402  # the same
from workshop.pictures import picture  # noqa: E402  # the same
from workshop.progress import Event, Progress, uuid7  # noqa: E402  # the same
from workshop.session import Session  # noqa: E402  # the same
from workshop.tui.app import WorkshopApp  # noqa: E402  # the same
from workshop.tui.screens.step import StepScreen  # noqa: E402  # the same
from workshop.tui.terminal import TerminalPane  # noqa: E402  # the same

NAME = "calm_wren"
PATIENCE_SECONDS = 20.0
FIGURE_CELLS = 92
CELL_WIDTH = 12.2
FONT_SIZE = 20
"""Of Rich's SVGs, in their own units."""
FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', 'PingFang SC', 'Microsoft YaHei', monospace"
SETTLED_SECONDS = 0.5
CHART_SECONDS = 9.0


@dataclass
class Scene:
    """A picture in the making: the app in its window, at a step."""

    session: Session
    app: WorkshopApp
    pilot: Pilot[None]

    async def until(self, true: Callable[[], bool]) -> None:
        """Let the app work until something is true; raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not true():
                await self.pilot.pause(0.05)

    async def type(self, line: str) -> None:
        """Type a line into the terminal in view, as a learner does: from the lesson into it, and back."""
        await self.pilot.press("tab")
        self.app.screen.query_one(TerminalPane).type(f"{line}\r")
        await self.pilot.pause(SETTLED_SECONDS)
        await self.pilot.press("ctrl+right_square_bracket")

    async def open(self, where: str) -> None:
        """Go to a step."""
        screen = self.app.screen
        assert isinstance(screen, StepScreen)  # as it was opened  # noqa: S101
        screen.open(where)
        await self.until(lambda: self.session.step.where == where and self.session.verdict is not None)

    async def save(self, name: str) -> None:
        """The screen as it is now."""
        await self.pilot.pause(SETTLED_SECONDS)
        write(name, self.app.export_screenshot(title=""))


def write(name: str, svg: str) -> None:
    """A picture as docs/NAME.svg, mended: Rich takes wide characters for narrow ones, lets spaces be lost, and loads a font."""
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", FONTS)
    svg = re.sub(r'(<text [^>]*?)x="([^"]*)"([^>]*?) textLength="[^"]*"([^>]*)>([^<]*)</text>', _in_cells, svg)
    (ROOT / "docs" / f"{name}.svg").write_text(svg, "utf-8")


def _in_cells(text: re.Match[str]) -> str:
    """The text in pieces, wide and narrow characters apart, each at the cell where it belongs."""
    begin, place, middle, end, content = text.groups()
    pieces, x = [], float(place)
    for wide, run in itertools.groupby(html.unescape(content), lambda one: cell_len(one) == 2):
        piece = "".join(run)
        width = cell_len(piece) * CELL_WIDTH
        spaced = html.escape(piece).replace("\xa0", "&#160;")
        apart = f' letter-spacing="{2 * CELL_WIDTH - FONT_SIZE:.1f}"' if wide else f' textLength="{width:.1f}"'
        pieces.append(f'{begin}x="{x:.1f}"{middle}{apart}{end}>{spaced}</text>')
        x += width
    return "".join(pieces)


def shell(language: str) -> TerminalPane:
    """A shell whose prompt names neither user nor machine."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "PS1": "$ ", "TERM": "xterm-256color", "LC_CTYPE": "C.UTF-8"}
    environment["WORKSHOP_INSTANCE"] = os.environ["WORKSHOP_INSTANCE"]
    return TerminalPane(["bash", "--norc", "--noprofile", "-i"], environment, language=language)


def ours(facts: Facts) -> Facts:
    """What belongs into the pictures: our container, its parent on the host, its own group."""
    shown = tuple(one for one in facts.containers if one.name == NAME)
    parents = {one.init.parent for one in shown}
    groups = tuple(place.directory for one in shown if (place := one.cgroups.of("cpu")))
    processes = tuple(one for one in facts.host.processes if one.pid in parents)
    return replace(facts, containers=shown, host=replace(facts.host, processes=processes, groups=groups))


@asynccontextmanager
async def begun(where: str, language: str, size: tuple[int, int], limits: str = "") -> AsyncIterator[Scene]:
    """A step, with all before it passed and a container in terminal 1."""
    with tempfile.TemporaryDirectory() as folder:
        progress, observer = Progress(Path(folder) / "progress.sqlite"), Observer()
        library = load_library()
        steps = library.lesson(library.step(where).lesson).steps
        for step in steps[: steps.index(library.step(where))]:
            progress.add(Event(uuid7(), 0, step.lesson, step.id, "verdict", "passed"))
        progress.add(Event(uuid7(), 0, steps[0].lesson, "start", "began"))
        session = Session(library, progress, lambda subjects: ours(observer(subjects)), language)
        app = WorkshopApp(session, make_pane=shell)
        try:
            async with app.run_test(size=size) as pilot:
                made = Scene(session, app, pilot)
                await made.until(lambda: any("$" in row for pane in app.screen.query(TerminalPane) for row in pane._rows))
                await made.type(f"box run -it --rm --name {NAME} {limits}busybox")
                await made.until(lambda: session.facts is not None and bool(session.facts.containers))
                await made.open(where)
                yield made
            while ours(observer(())).containers:  # it ends with its terminal
                await asyncio.sleep(SETTLED_SECONDS)
        finally:
            observer.close()
            progress.close()


async def wrong_turn(language: str, name: str) -> None:
    """A message queue made on the wrong side, and the verdict that says so."""
    async with begun("exercise_namespaces/make_queue", language, (120, 24)) as made:
        await made.type("ipcmk -Q")
        await made.until(lambda: made.session.verdict is not None and made.session.verdict.slug == "queue_in_container")
        await made.save(name)
        if made.session.facts:
            write(name.replace("screen", "figures"), drawn(made.session.facts, language))


async def throttled(language: str, name: str) -> None:
    """A loop that its quota holds back, with the tree of groups and the chart that moves."""
    async with begun("exercise_cgroups/throttle", language, (132, 42), "--cpus 0.3 --memory 64m ") as made:
        await made.type("timeout 12 sh -c 'while :; do :; done'")
        await made.pilot.pause(CHART_SECONDS)
        await made.save(name)


def drawn(facts: Facts, language: str) -> str:
    """The figures of these facts and the timeline, as an SVG."""
    console = Console(width=FIGURE_CELLS, record=True, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    for line in [*picture(facts, language, FIGURE_CELLS), Text(), *timeline(language, FIGURE_CELLS)]:
        console.print(line)
    return console.export_svg(title="")


async def make() -> None:
    """Every picture in every language."""
    for language, ending in {"en": "", "zh": ".zh"}.items():
        await wrong_turn(language, f"screen{ending}")
        await throttled(language, f"chart{ending}")


if __name__ == "__main__":
    with own_instance("pictures"):
        asyncio.run(make())
