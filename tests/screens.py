"""What tests of the screens share: two small lessons, hand-made facts, a terminal pane without a shell, and screen text."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from textual.app import App
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Static

from workshop.course.lesson import parse_lesson
from workshop.course.library import Library
from workshop.faces.screen.app import WorkshopApp
from workshop.facts import Cgroups, Container, Cpu, Facts, Host, Ipc, Memory, Namespaces, Pids, Process, Queue
from workshop.learning import Desk, Session
from workshop.progress import Event, uuid7
from workshop.progress.progress import Progress

SNAPSHOTS = Path(__file__).parent / "snapshots"
HOST = Namespaces(4026531835, 4026531839, 4026531841, 4026531840, 4026531836, 4026531834, 4026531837, 4026531838)
INSIDE = Namespaces(4026532280, 4026532279, 4026532277, 4026532282, 4026532281, 4026531834, 4026532284, 4026532278)

LESSON = """
minutes = 12

[[step]]
id = "guess"
kind = "predict"
choices = ["none", "one"]
right = "none"

[[step]]
id = "start"
kind = "do"
check = "started"
solution = [{ terminal = 1, line = "{engine} run -it --rm busybox" }]

[[step]]
id = "queue"
kind = "do"
check = "queue_on_host"
needs = ["start"]
subjects = ["ipc"]
settles = "guess"
solution = [{ terminal = 2, line = "ipcmk -Q" }, { terminal = 1, line = "ipcs" }]

[[step]]
id = "number"
kind = "answer"
check = "queue_named"
answer = "queue"
needs = ["start", "queue"]
subjects = ["ipc"]
"""

PROSE = {
    "en": """# Message queues

Every container has its own System V objects.

## guess: Whose queue is it?

A queue is made on the host. How many does the container's `ipcs` list?

### choices

- none: none: the container has an IPC namespace of its own
- one: one: both share the kernel

## start: Start a container

Start a container, in **terminal 1**:

```sh
{engine} run -it --rm busybox
```

Its shell is process 1 of a new PID namespace.

### hints

- Look at the command above.
- `{engine} run` starts one.

### solution

The image is called busybox.

### verdicts

- none: There is no container yet.
- passed: The container {name} is running.

### debrief

A container is a process that sees other namespaces.

## queue: Make a queue on the host

Make a message queue **outside** the container.

### solution

Terminal 2 is the host's.

### verdicts

- no_queue: No queue appeared on the host.
- inside: You made the queue inside the container: its IPC namespace is {inside}, the host's is {host}.
- passed: Queue {queue} appeared on the host.

### debrief

The container lists none.

## number: Which number has it?

Type the queue's number.

### verdicts

- wrong: There is no queue {answer} on the host.
- passed: Right: {answer}.
""",
    "zh": """# 消息队列

每个容器都有自己的 System V 对象。

## guess: 队列属于谁？

在宿主机上创建一个消息队列，容器里的 `ipcs` 会列出几个？

### choices

- none: 没有：容器有自己的 IPC 命名空间
- one: 一个：它们共用同一个内核

## start: 启动容器

在**终端 1** 里启动一个容器：

```sh
{engine} run -it --rm busybox
```

它的 shell 是新 PID 命名空间里的 1 号进程。

### hints

- 看上面的命令。
- `{engine} run` 用来启动容器。

### solution

镜像叫 busybox。

### verdicts

- none: 现在还没有容器。
- passed: 容器 {name} 正在运行。

### debrief

容器就是看到另一组命名空间的进程。

## queue: 在宿主机上创建队列

在容器**外面**创建一个消息队列。

### solution

终端 2 是宿主机。

### verdicts

- no_queue: 宿主机上还没有出现新的队列。
- inside: 队列创建在容器里面了：它的 IPC 命名空间是 {inside}，宿主机的是 {host}。
- passed: 宿主机上出现了队列 {queue}。

### debrief

容器里一个也没有。

## number: 它的编号是多少？

输入队列的编号。

### verdicts

- wrong: 宿主机上没有编号为 {answer} 的队列。
- passed: 正确：{answer}。
""",
}

CHECKS = '''"""Checks of the test lesson."""
from workshop.facts import Evidence
from workshop.judging.verdict import NotYet, Passed, Verdict


def started(seen: Evidence) -> Verdict:
    new = seen.appeared()
    return Passed(name=new[0].name) if new else NotYet("none")


def queue_on_host(seen: Evidence) -> Verdict:
    made = set(seen.now.host.ipc.queues) - set(seen.before.host.ipc.queues)
    if made:
        return Passed(queue=min(one.id for one in made))
    for one in seen.now.containers:
        if one.ipc.queues:
            return NotYet("inside", inside=one.namespaces.ipc, host=seen.now.host.namespaces.ipc)
    return NotYet("no_queue")


def queue_named(seen: Evidence) -> Verdict:
    if seen.answer is None:
        return NotYet("no_answer")
    numbers = {str(one.id) for one in seen.now.host.ipc.queues}
    return Passed(answer=seen.answer) if seen.answer in numbers else NotYet("wrong", answer=seen.answer)
'''


def process(pid: int, inner: int, parent: int, name: str) -> Process:
    """A process with these numbers on both sides."""
    return Process(pid=pid, inner=inner, parent=parent, uid=0, name=name)


def container(name: str = "quiet_hopper", queues: tuple[Queue, ...] = ()) -> Container:
    """A container of box with a shell and what it runs."""
    shell = process(3391, 1, 900, "sh")
    return Container(
        "4f6c1d8e9a2b", name, "box", INSIDE, shell, (shell, process(3400, 7, 3391, "sleep")), "4f6c1d8e9a2b", Ipc(queues),
        cgroups=Cgroups((), Cpu(None, periods=12, throttled=3), Memory(64 << 20, 3 << 20), Pids(None, 2)), owners=(0,),
    )  # fmt: skip


def facts(*containers: Container, queues: tuple[Queue, ...] = ()) -> Facts:
    """A host with these containers and queues."""
    running = (process(1, 1, 0, "systemd"), process(812, 812, 1, "bash"), process(900, 900, 1, "helper"))
    return Facts(Host(namespaces=HOST, processes=running, process_count=210, hostname="host", ipc=Ipc(queues)), containers)


@dataclass
class Kernel:
    """What the fake observer shows; a test changes `now`, or sets `trouble` to what shall be raised."""

    now: Facts = field(default_factory=facts)
    trouble: Exception | None = None
    looks: int = 0

    def observe(self, subjects: Sequence[str]) -> Facts:
        """The facts that the test has put there."""
        self.looks += 1
        if self.trouble:
            raise self.trouble
        return replace(self.now, subjects=tuple(subjects))


def library(folder: Path) -> Library:
    """A library of one lesson, its checks in `folder`."""
    (folder / "message_queues.py").write_text(CHECKS, "utf-8")
    return Library((parse_lesson("10_message_queues", LESSON, PROSE),), folder, folder)


def session(folder: Path, kernel: Kernel, language: str = "en") -> Session:
    """A session on the test library, its progress in `folder`."""
    return Session(library(folder), Progress(folder / "progress.sqlite"), kernel.observe, language)


def passed(running: Session, *steps: str) -> None:
    """Record that these steps of the test lesson passed, as if it had been at another time."""
    for step in steps:
        running.recorder.add(Event(uuid7(), 0, "message_queues", step, "verdict", verdict="passed", slug="passed"))


class TerminalPane(Static, can_focus=True):
    """In a terminal's place: keeps what is typed, and says what a test has it say."""

    class Moved(Message):
        """As the real pane's."""

    class Exited(Message):
        """As the real pane's."""

        def __init__(self, code: int) -> None:
            """Keep the code."""
            super().__init__()
            self.code = code

    def __init__(self, language: str) -> None:
        """Nothing was typed yet."""
        super().__init__("$ ", markup=False)
        self.language = language
        self.started = False
        self.typed: list[str] = []

    def start(self) -> None:
        """Only remembered."""
        self.started = True

    def type(self, text: str) -> None:
        """Keep the text, and move as an echo does."""
        self.typed.append(text)
        self.post_message(self.Moved())

    def on_key(self, event: object) -> None:
        """Letters typed by the pilot are the shell's, as with the raw driver."""
        if getattr(event, "key", "") not in ("ctrl+right_square_bracket",):
            event.stop()  # type: ignore[attr-defined]  # a Key event
            event.prevent_default()  # type: ignore[attr-defined]  # the same


@asynccontextmanager
async def opened(
    running: Session, size: tuple[int, int] = (80, 24), step: str = "", at_map: bool = False
) -> AsyncIterator[Pilot[None]]:
    """The app with this session in a window of this size: where it begins, at the map, or from the map at a step."""
    app = WorkshopApp(Desk(running), make_pane=TerminalPane)
    if step or at_map:  # whatever was passed before, so that a step which is opened is not one that the learner returns to
        app.get_default_screen = app._map  # type: ignore[method-assign]  # as for someone new
    async with app.run_test(size=size, notifications=True) as pilot:
        if step:
            app.open_step(f"message_queues/{step}")
            await until(pilot, lambda: running.verdict is not None)
        await settled(pilot)
        yield pilot


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    """Let the app work until something is true; fails after ten seconds."""
    for _ in range(1000):
        if true():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come true within ten seconds:\n" + screen_text(pilot.app))


async def settled(pilot: Pilot[None]) -> None:
    """Let everything that was asked for be done and painted."""
    await pilot.app.workers.wait_for_complete([one for one in pilot.app.workers if one.group != "type"])
    await pilot.pause()
    await pilot.pause()


def screen_text(app: App[None]) -> str:
    """What stands on the screen, line by line, without trailing spaces."""
    width, height = app.size
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True, color_system=None, record=True)
    console.print(app.screen._compositor.render_update(full=True))
    return "\n".join(line.rstrip() for line in console.export_text(styles=False).splitlines()).rstrip("\n") + "\n"


def matches_snapshot(app: App[None], name: str) -> None:
    """The screen is as the file says; with UPDATE_SNAPSHOTS=1 the file is written instead."""
    path, shown = SNAPSHOTS / f"{name}.txt", screen_text(app)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(shown, "utf-8")
    assert shown == path.read_text("utf-8"), f"{path.name} differs; look at it, then rewrite it with UPDATE_SNAPSHOTS=1"
