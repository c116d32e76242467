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
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
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

from workshop.client.sight.hypervisor import find  # noqa: E402  # the same
from workshop.client.sight.observer import Observer  # noqa: E402  # the same
from workshop.course.library import load_library  # noqa: E402  # the same
from workshop.faces.screen.app import WorkshopApp  # noqa: E402  # the same
from workshop.faces.screen.step import StepScreen  # noqa: E402  # the same
from workshop.faces.terminal.pane import TerminalPane  # noqa: E402  # the same
from workshop.facts import SUBJECTS, Facts, Measured  # noqa: E402  # the same
from workshop.learning import Desk, Session  # noqa: E402  # the same
from workshop.learning.experiments.programs import Surroundings  # noqa: E402  # the same
from workshop.learning.experiments.run import ExperimentRun  # noqa: E402  # the same
from workshop.pictures.architecture import architecture  # noqa: E402  # the same
from workshop.pictures.charts import charts  # noqa: E402  # the same
from workshop.pictures.drawing import isolation, processes, timeline  # noqa: E402  # the same
from workshop.pictures.layers import bootfs, layer_stack  # noqa: E402  # the same
from workshop.progress.progress import Event, Progress, uuid7  # noqa: E402  # the same

INSTANCE = "pictures"
NAMES = ("wren", "finch")
"""Of the learner's container, and of one in the background."""
PATIENCE_SECONDS = 20.0
FIGURE_CELLS = 104
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
    look: Callable[[Sequence[str]], Facts]

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
    """What belongs into the pictures: our containers, their groups, and what of the host carries our instance's name."""
    shown = tuple(one for one in facts.containers if one.name in NAMES)
    host = replace(
        facts.host,
        processes=tuple(one for one in facts.host.processes if _carries_name(one.pid)),
        components=tuple(one for one in facts.host.components if _carries_name(one.pid)),
        sockets=tuple(one for one in facts.host.sockets if f"/{INSTANCE}/" in one),
        kernel=facts.host.kernel.partition("-")[0],
        groups=tuple(place.directory for one in shown if (place := one.cgroups.of("cpu"))),
    )
    return replace(facts, containers=shown, host=host)


def _carries_name(pid: int) -> bool:
    """Whether a process was started for the pictures, by its environment (proc_pid_environ(5))."""
    try:
        return f"WORKSHOP_INSTANCE={INSTANCE}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended
        return False


@asynccontextmanager
async def begun(where: str, language: str, size: tuple[int, int], run: str = "busybox") -> AsyncIterator[Scene]:
    """A step, with all before it passed and a container in terminal 1."""
    with tempfile.TemporaryDirectory() as folder:
        progress, observer = Progress(Path(folder) / "progress.sqlite"), Observer()
        library = load_library()
        steps = library.lesson(library.step(where).lesson).steps
        for step in steps[: steps.index(library.step(where))]:
            progress.add(Event(uuid7(), 0, step.lesson, step.id, "verdict", "passed"))
        progress.add(Event(uuid7(), 0, steps[0].lesson, "start", "began"))

        def look(subjects: Sequence[str]) -> Facts:
            return ours(observer(subjects))

        session = Session(library, progress, look, language)
        app = WorkshopApp(Desk(session), make_pane=shell)
        try:
            async with app.run_test(size=size) as pilot:
                made = Scene(session, app, pilot, look)
                await made.until(lambda: any("$" in row for pane in app.screen.query(TerminalPane) for row in pane._rows))
                await made.type(f"box run -it --rm --name {NAMES[0]} {run}")
                await made.until(lambda: session.judge.facts is not None and bool(session.judge.facts.containers))
                await made.open(where)
                yield made
            while look(()).containers:  # it ends with its terminal
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


async def throttled(language: str, name: str) -> None:
    """A loop that its quota holds back, with the tree of groups and the chart that moves."""
    async with begun("exercise_cgroups/throttle", language, (132, 42), "--cpus 0.3 --memory 64m busybox") as made:
        await made.type("timeout 12 sh -c 'while :; do :; done'")
        await made.pilot.pause(CHART_SECONDS)
        await made.save(name)


async def figures(language: str, ending: str, measured: Measured | None) -> None:
    """The article's figures, of two containers, one of them from an image with a layer more."""
    box("run", "-d", "--name", NAMES[1], "busybox", "sh", "-c", "echo hello > /hello; sleep 600")
    box("commit", NAMES[1], "greeting")
    async with begun("exercise_namespaces/make_queue", language, (120, 24), "greeting") as made:
        await made.type("sleep 600 & sleep 700 &")
        facts = made.look(SUBJECTS)
        parts = [isolation(facts, language, FIGURE_CELLS), processes(facts, language, FIGURE_CELLS)]
        write(f"figures{ending}", drawn([*parts, architecture(facts, language, FIGURE_CELLS)]))
        parts = [layer_stack(facts, language, FIGURE_CELLS), bootfs(facts, language, FIGURE_CELLS)]
        starts = charts([measured], language, FIGURE_CELLS) if measured else []
        write(f"files{ending}", drawn([*parts, starts, timeline(language, FIGURE_CELLS)]))
        box("rm", "-f", NAMES[1])
    box("rmi", "greeting")


def box(*arguments: str) -> None:
    """Run a command of box's; raises CalledProcessError with what it said on the screen."""
    subprocess.run([Path(sys.executable).with_name("box"), *arguments], check=True, stdout=subprocess.DEVNULL)


def drawn(parts: Sequence[Sequence[Text]]) -> str:
    """Figures one below the other as an SVG."""
    console = Console(width=FIGURE_CELLS, record=True, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    for part in parts:
        for line in [*part, Text()]:
            console.print(line)
    return console.export_svg(title="")


def start_times() -> Measured | None:
    """Twenty starts of a process, of a container, and of what else can be had here."""
    observer = Observer()
    try:
        return ExperimentRun("start_times", Surroundings("box", observer, find())).complete()
    finally:
        observer.close()


async def make() -> None:
    """Every picture in every language."""
    measured = start_times()
    for language, ending in {"en": "", "zh": ".zh"}.items():
        await wrong_turn(language, f"screen{ending}")
        await throttled(language, f"chart{ending}")
        await figures(language, ending, measured)


if __name__ == "__main__":
    with own_instance(INSTANCE):
        asyncio.run(make())
