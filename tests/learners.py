"""Learners as the instructor's side meets them: a small lesson, honest work on it, and exports changed as a cheat would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workshop.classroom.report import Handed
from workshop.course.library import Library, load_library
from workshop.facts import Cgroups, Container, Cpu, Facts, Host, Ipc, Namespaces, Process, Queue
from workshop.learning.session import Session
from workshop.progress.exports import export_lines, read_export
from workshop.progress.progress import Progress

HOST = Host(Namespaces(pid=100, ipc=101), boot="boot-a", kernel="6.18")
SUBJECTS = ("hostname", "ipc", "processes")
LESSON = """
minutes = 1
[[step]]
id = "guess"
kind = "predict"
choices = ["yes", "no"]
right = "yes"
[[step]]
id = "start"
kind = "do"
check = "container_started"
subjects = ["processes"]
[[step]]
id = "queue"
kind = "do"
check = "queue_made"
subjects = ["ipc"]
"""
PROSE = "# Small\n\nA lesson.\n\n## guess: Guess\n\n## start: Start\n\n## queue: Queue\n"
CHECKS = '''
"""Checks of the small lesson."""
from workshop.facts import Evidence
from workshop.judging import NotYet, Passed, Verdict

def container_started(seen: Evidence) -> Verdict:
    """A container is there that was not there before."""
    return Passed() if seen.appeared() else NotYet("no_container")

def queue_made(seen: Evidence) -> Verdict:
    """A queue is on the host."""
    return Passed() if seen.now.host.ipc.queues else NotYet("no_queue")
'''


def written(tmp_path: Path) -> Library:
    """The small lesson, written into a folder and loaded."""
    folder = tmp_path / "content"
    (folder / "lessons" / "10_small").mkdir(parents=True)
    (folder / "lessons" / "10_small" / "lesson.toml").write_text(LESSON)
    (folder / "lessons" / "10_small" / "en.md").write_text(PROSE)
    (folder / "checks").mkdir()
    (folder / "checks" / "small.py").write_text(CHECKS)
    return load_library(folder)


def facts(boot: str = "boot-a", *containers: Container, queue: int | None = None) -> Facts:
    queues = () if queue is None else (Queue(queue, 7),)
    return Facts(Host(HOST.namespaces, boot, HOST.kernel, ipc=Ipc(queues)), containers, SUBJECTS)


def container(inode: int = 200, usage: int = 5) -> Container:
    process = Process(4711, 1, 4000, 0, "sh")
    return Container(
        f"c{inode}",
        "box",
        "box",
        Namespaces(pid=inode),
        process,
        (process,),
        cgroups=Cgroups(cpu=Cpu(usage_us=usage)),
        owners=(0,),
    )


Edit = Callable[[list[dict[str, Any]]], None]


class Learner:
    """Somebody who works in a real session on the facts that the test sets, and hands in an export."""

    def __init__(self, folder: Path, library: Library, name: str, boot: str = "boot-a") -> None:
        self.name, self.boot = name, boot
        self.seen = facts(boot)
        self.progress = Progress(folder / f"{name}.sqlite")
        self.session = Session(library, self.progress, lambda subjects: self.seen, "en")
        self.file = folder / f"{name}.jsonl"

    def guesses(self) -> Learner:
        self.session.go("small/guess")
        self.session.check("no")
        return self

    def starts_container(self) -> Learner:
        self.session.go("small/start")
        self.session.check()
        self.seen = facts(self.boot, container())
        self.session.check()
        return self

    def forgets_queue(self) -> Learner:
        self.session.go("small/queue")
        self.session.hint()
        self.session.check()
        return self

    def makes_queue(self) -> Learner:
        self.forgets_queue()
        self.seen = facts(self.boot, container(), queue=0)
        self.session.check()
        return self

    def hands_in(self, edit: Edit | None = None, name: str = "", machine: str = "vm") -> Handed:
        """The export as a file, after editing its events as a cheat would."""
        header, *events = [json.loads(line) for line in export_lines(self.progress)]
        if edit:
            edit(events)
        header.update(learner=name or self.name, machine=machine, events=len(events))
        self.file.write_text("".join(json.dumps(line) + "\n" for line in [header, *events]))
        self.progress.close()
        return Handed(str(self.file), read_export(self.file))


def event_of(events: list[dict[str, Any]], step: str, verdict: str) -> dict[str, Any]:
    return next(one for one in events if (one["step"], one["verdict"]) == (step, verdict))


def forge_verdict(events: list[dict[str, Any]]) -> None:
    event_of(events, "queue", "not_yet").update(verdict="passed", slug="passed")
