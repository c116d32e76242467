"""The real `workshop start` on a real terminal with the real helper: exercise 1 by keys alone, ticks read off the screen."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.screen import Screen
from workshop.course.library import load_library
from workshop.progress.events import passed_of
from workshop.progress.progress import Progress

WORKSHOP = str(Path(sys.executable).parent / "workshop")
LEAVE_TERMINAL, CONTROL_D = b"\x1d", b"\x04"
LESSON = load_library().lesson("exercise_namespaces")
COUNT = len(LESSON.steps)
TICKED = re.compile(r"\b(\d+)/\d+\..* ✓ passed")
PATIENCE = 30.0


class Learner:
    """Somebody at the keyboard, who knows only what the screen shows."""

    def __init__(self, screen: Screen) -> None:
        """Sit down before a screen that shows the lesson map."""
        self.screen = screen
        self.number = 1

    def open(self) -> None:
        """On the map, go down to the lesson, past the lessons before it, and open it."""
        lessons = load_library().lessons
        before = [lesson for lesson in lessons if lesson.order < LESSON.order]
        self.screen.wait(lessons[0].text["en"].title, PATIENCE)
        self.screen.send(b"\x1b[B" * len(before))
        self.screen.wait(LESSON.text["en"].title, PATIENCE)
        self.screen.send(b"\r")
        self.screen.wait(f"1/{COUNT}.", PATIENCE)
        self.screen.wait("host>", PATIENCE)

    def type(self, terminal: int, line: bytes) -> None:
        """In the lesson: go to a terminal, type, and come back."""
        here = f"[Terminal {terminal}]" in self.screen.text()
        self.screen.send(b"\t" if here else b"o")
        self.screen.wait(f"[Terminal {terminal}]  " if terminal == 1 else f"[Terminal {terminal}]")
        self.screen.wait("^] lesson")
        self.screen.send(line)
        if line != CONTROL_D:
            self.screen.send(b"\r")

    def back(self) -> None:
        """From the terminal to the lesson."""
        self.screen.send(LEAVE_TERMINAL)
        self.screen.wait("n next")

    def read(self, pattern: str) -> str:
        """What the pattern's group finds on the screen once it is there, the last such place."""
        self.screen.wait(lambda text: re.search(pattern, text), PATIENCE)
        return str(re.findall(pattern, self.screen.text())[-1])

    def find_out(self, terminal: int, line: str, pattern: str) -> str:
        """Type a line and read its answer off the terminal."""
        self.type(terminal, line.encode())
        found = self.read(pattern)
        self.back()
        return found

    def do(self, terminal: int, line: bytes) -> None:
        """Type a line whose effect the step waits for."""
        self.type(terminal, line)
        self.passed()
        self.back()
        self.go_on()

    def answer(self, words: str) -> None:
        """Type an answer into the lesson's field."""
        self.screen.send(b"a")
        self.screen.wait("give the answer")
        self.screen.send(words.encode() + b"\r")
        self.passed()
        self.go_on()

    def choose(self, choice: int) -> None:
        """Choose by number."""
        self.screen.send(str(choice).encode())
        self.passed()
        self.go_on()

    def passed(self) -> None:
        """Wait for the tick of this step."""
        self.screen.wait(lambda text: (tick := TICKED.search(text)) and int(tick[1]) == self.number, PATIENCE)

    def go_on(self) -> None:
        """The next step."""
        self.screen.send(b"n")
        if self.number < COUNT:
            self.number += 1
            self.screen.wait(f"{self.number}/{COUNT}.", PATIENCE)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "progress.sqlite"


@pytest.fixture
def learner(helper: str, record: Path, tmp_path: Path) -> Iterator[Learner]:
    (tmp_path / ".bashrc").write_text("PS1='host> '\n")
    environment = {"WORKSHOP_PROGRESS": str(record), "SHELL": "/bin/bash", "HOME": str(tmp_path)}
    with Screen([WORKSHOP, "start", "--lang", "en"], 160, 48, environment) as screen:
        yield Learner(screen)


@pytest.mark.root
@pytest.mark.timeout(400)
def test_exercise_1_by_keys_alone(learner: Learner, record: Path) -> None:
    """A newcomer does the article's first exercise in the TUI with keys alone, and each step ticks by itself."""
    learner.open()
    learner.do(1, b"box run -it --rm busybox")
    learner.answer(learner.find_out(1, "clear; ls -l /proc/$$/ns", r" pid -> pid:\[(\d+)\]"))
    learner.answer("time")
    learner.choose(1)
    learner.find_out(1, "clear; ps aux", "(COMMAND)")
    learner.screen.wait(lambda text: "ps aux" in text.split("COMMAND")[-1], PATIENCE)
    learner.answer(str(len(re.findall(r"\d root ", learner.screen.text()))))
    learner.answer(learner.find_out(2, "clear; grep NSpid /proc/[0-9]*/status | awk 'NF > 2'", r"NSpid:\s+(\d+)\s+1\b"))
    learner.answer(learner.find_out(1, "clear; grep ' / ' /proc/mounts", r"\b(\w+) / \w+ rw"))
    learner.answer(learner.find_out(1, "clear; echo called $(hostname)", r"called (\w+)"))
    learner.answer(learner.find_out(1, "clear; echo objects: $(ipcs | grep -c ^0x)", r"objects: (\d+)"))
    learner.choose(1)
    learner.do(2, b"clear; ipcmk -Q")
    queue = learner.read(r"Message queue id: (\d+)")  # somebody else may have made one as well
    learner.find_out(2, "clear; ipcs -q", rf"0x[0-9a-f]+ +({queue}) ")
    learner.answer(queue)
    learner.answer(learner.find_out(1, "clear; echo queues: $(ipcs -q | grep -c ^0x)", r"queues: (\d+)"))
    learner.do(2, f"ipcrm -q {queue}".encode())
    learner.do(1, CONTROL_D)
    learner.screen.send(b"q")
    assert learner.screen.wait_for_end(PATIENCE) == 0
    progress = Progress(record)
    assert passed_of(progress.past()) >= {step.where for step in LESSON.steps}
    progress.close()


@pytest.mark.root
def test_box_speaks_the_workshops_language(helper: str, record: Path, tmp_path: Path) -> None:
    """Under an English locale a workshop in Chinese has a box that speaks Chinese; after `l` a new shell's speaks English."""
    (tmp_path / ".bashrc").write_text("PS1='host> '\n")
    environment = {"WORKSHOP_PROGRESS": str(record), "SHELL": "/bin/bash", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    with Screen([WORKSHOP, "start", "--lang", "zh"], 160, 48, environment) as screen:
        screen.wait(load_library().lessons[0].text["zh"].title, PATIENCE)
        screen.send(b"\r")
        screen.wait("host>", PATIENCE)
        screen.send(b"\t")
        screen.wait("^]")
        screen.send(b"box rm nobody\r")
        screen.wait("没有这个容器", PATIENCE)
        screen.send(LEAVE_TERMINAL + b"l")
        screen.wait("n next", PATIENCE)
        screen.send(b"o")
        screen.wait("[Terminal 2]", PATIENCE)
        screen.wait("host>", PATIENCE)
        screen.send(b"box rm nobody\r")
        screen.wait("No such container", PATIENCE)
