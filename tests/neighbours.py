"""The matrix of idle neighbours: ann does every step; bob and root stand at it and do nothing, and must pass nothing.

python -m tests.neighbours [--engine box|docker] [LESSON...]      prints a line for each lesson; all of them takes half an hour
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.engines import docker_daemon
from tests.helper_process import helper_process, remove_directories
from workshop.course.library import load_library
from workshop.engines.docker import IMPORT

INSTANCE = f"ws-n{os.getpid()}"
CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass
class Row:
    """What came of one lesson: steps that ann passed, or can't do here, or did not pass, and who passed by doing nothing."""

    lesson: str
    passed: int = 0
    impossible: int = 0
    failed: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """A line for a table."""
        total = self.passed + self.impossible + len(self.failed)
        return f"{self.lesson:22} {self.passed} of {total} passed, {self.impossible} impossible, idle passes: {len(self.idle)}"


class Account:
    """An account of this machine's, with a worker that acts for it."""

    def __init__(self, name: str, engine: str, home: Path, environment: dict[str, str]) -> None:
        """Start the worker as this account, in its home."""
        variables = {**os.environ, **environment, "HOME": str(home), "PYTHONPATH": str(CHECKOUT), "USER": name}
        command = [sys.executable, "-m", "tests.neighbour_worker", engine]
        self._process = subprocess.Popen(
            command, user=name, group=name, extra_groups=[], env=variables, cwd=home,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._answer()

    def ask(self, act: str, *where: str) -> str:
        """Have something done; returns what the worker says of it."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([act, *where]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the worker has ended"
        return str(json.loads(line))

    def end(self) -> None:
        """Let the worker end."""
        self._process.communicate(timeout=60)


@contextmanager
def accounts(*names: str) -> Iterator[dict[str, Path]]:
    """Accounts with homes that last as long as the block, by name."""
    with tempfile.TemporaryDirectory(prefix="ws-homes-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o711)
        for name in names:
            home = ["--home-dir", f"{folder}/{name}", "--create-home", "--shell", "/bin/bash"]
            subprocess.run(["useradd", *home, name], check=True, capture_output=True)
            stack.callback(subprocess.run, ["userdel", name], check=True, capture_output=True)
        yield {name: Path(folder) / name for name in names}


@contextmanager
def neighbours(engine: str) -> Iterator[dict[str, Account]]:
    """Ann, bob and root on a machine with the helper installed; with Docker, ann and bob may use its daemon."""
    directory = Path(f"/run/{INSTANCE}")
    names = (f"ws-ann{os.getpid()}", f"ws-bob{os.getpid()}")
    with ExitStack() as stack:
        homes = stack.enter_context(accounts(*names))
        environment = {"WORKSHOP_INSTANCE": INSTANCE, "LC_ALL": "C.UTF-8"}
        stack.callback(remove_directories, INSTANCE)
        directory.mkdir(mode=0o755)
        stack.enter_context(helper_process(directory, instance=INSTANCE))
        if engine == "docker":
            environment["DOCKER_HOST"] = stack.enter_context(_daemon())
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ws-root-")))
        found = {}
        for name, account, home in zip(("ann", "bob", "root"), (*names, "root"), (*homes.values(), root), strict=True):
            found[name] = Account(account, engine, home, environment)
            stack.callback(found[name].end)
        yield found


@contextmanager
def _daemon() -> Iterator[str]:
    """The address of a Docker daemon that every account may ask, as if all were in its group."""
    with tempfile.TemporaryDirectory(prefix="ws-docker-") as folder:
        Path(folder).chmod(0o711)
        with docker_daemon(Path(folder)) as address:
            Path(address.removeprefix("unix://")).chmod(0o666)
            given = {**os.environ, "WORKSHOP_INSTANCE": INSTANCE, "DOCKER_HOST": address}
            subprocess.run(["bash", "-o", "pipefail", "-c", IMPORT], env=given, check=True, capture_output=True)
            yield address


def matrix(people: dict[str, Account], lesson: str) -> Row:
    """Ann does the lesson, with bob and root idle beside her at each of its steps."""
    row, ann = Row(lesson), people["ann"]
    ann.ask("open")
    for step in load_library().lesson(lesson).steps:
        for idle in ("bob", "root"):
            people[idle].ask("stand", step.where)
        told = ann.ask("solve", step.where)
        kind = told.partition(" ")[0]
        row.passed += kind == "passed"
        row.impossible += kind == "impossible"
        row.failed += [f"{step.where}: {told}"] if kind not in ("passed", "impossible") else []
        for idle in ("bob", "root"):
            said = people[idle].ask("judge", step.where)
            row.idle += [f"{idle} {step.where}: {said}"] if said.startswith("passed") else []
    ann.ask("close")
    return row


def main() -> None:
    """Print the matrix; exits with 1 where somebody idle passed, or ann did not."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=("box", "docker"), default="box")
    parser.add_argument("lesson", nargs="*")
    asked = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # box of this checkout
    with neighbours(asked.engine) as people:
        rows = []
        for name in asked.lesson or [one.id for one in load_library().lessons if one.id != "review"]:
            rows.append(matrix(people, name))
            print(rows[-1], *rows[-1].failed, *rows[-1].idle, sep="\n    ", flush=True)
    print(f"idle passes: {sum(len(one.idle) for one in rows)} of {sum(one.passed for one in rows)} steps passed")
    sys.exit(any(one.idle or one.failed for one in rows))


if __name__ == "__main__":
    main()
