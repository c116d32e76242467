"""One account's side of the matrix of idle neighbours: stands at a step and does nothing, or solves it; told by lines of JSON.

python -m tests.neighbour_worker ENGINE      asks and answers on standard input and output
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from workshop.authoring.solve import Solver, Terminal
from workshop.client.sight.observer import Observer
from workshop.course.library import load_library
from workshop.engines.choice import choose
from workshop.facts import Evidence
from workshop.judging.attempt import attempt
from workshop.learning.session import Session
from workshop.learning.undo import end_orphans, undo
from workshop.progress.progress import Progress


class Worker:
    """A session of this account's, with terminals while it solves."""

    def __init__(self, engine: str, progress: Path) -> None:
        """Begin with nothing passed."""
        self.session = Session(load_library(), Progress(progress), Observer(), "en", choose(engine))
        self.stack = ExitStack()

    def open(self) -> str:
        """Open terminals, as a lesson begins."""
        self.first = self.session.look()
        self.terminals = [self.stack.enter_context(Terminal()) for _ in range(2)]
        return ""

    def close(self) -> str:
        """Close them, and take away what the lesson left."""
        self.stack.close()
        end_orphans(self.first, self.session.look())
        undo(self.first, self.session.look())
        return ""

    def solve(self, where: str) -> str:
        """Do the step; returns the verdict's kind and its sentence."""
        verdict = Solver(self.session, self.terminals).step(self.session.library.step(where))
        return f"{verdict.kind} {self.session.message()}"

    def stand(self, where: str) -> str:
        """Begin the step, and do nothing."""
        self.session.go(where)
        return ""

    def judge(self, where: str) -> str:
        """What the step's own check says now, whether the steps before it are done or not."""
        step, before = self.session.step, self.session.judge.before
        assert step.where == where and before is not None
        verdict = attempt(self.session.library, step, Evidence(before, self.session.look()))
        return f"{verdict.kind} {self.session.wording.message(step, verdict)}"


def main() -> None:
    """Answer until there is nothing more to be read."""
    with tempfile.TemporaryDirectory(prefix="ws-neighbour-") as folder:
        worker = Worker(sys.argv[1], Path(folder) / "progress.sqlite")
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            act, *where = json.loads(line)
            print(json.dumps(getattr(worker, act)(*where)), flush=True)


if __name__ == "__main__":
    main()
