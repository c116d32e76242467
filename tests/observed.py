"""Containers for the observer's tests, made without any of ours: `unshare` and runc, and cgroups to put them in."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from workshop.facts import SUBJECTS, Container, Facts
from workshop.helper.watcher.observe import Asker, Sandboxed, observe

INSTANCE = f"ws-o{os.getpid()}"
EVERYTHING = ("--pid", "--fork", "--mount", "--ipc", "--uts", "--net", "--cgroup", "--mount-proc")
"""Options of unshare(1) for a container of every namespace but a user namespace."""


def seen(caller: int = 0, sandboxes: Mapping[str, Sandboxed] | None = None, *subjects: str) -> Facts:
    """Facts of these subjects, of every one if none is named."""
    return observe(subjects or SUBJECTS, Asker(caller), sandboxes or {}, INSTANCE)


class Shell:
    """A shell in a container of its own. `say` runs a line there and gives what it printed."""

    def __init__(self, *command: str) -> None:
        """Start it, in a process group of its own."""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            process_group=0,
        )
        self.say("true")
        self.namespace = 0

    @property
    def starter(self) -> int:
        """The host's number of the program that started the container."""
        return self._process.pid

    def say(self, line: str) -> str:
        """What a line printed, once it has ended."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{line}\necho =end=\n")
        printed: list[str] = []
        while (text := self._process.stdout.readline()) != "=end=\n":
            assert text, f"the shell ended instead of answering; it printed {printed}"
            printed.append(text)
        return "".join(printed).strip()

    def sleeper(self) -> int:
        """The inner number of a `sleep 1000` that runs in the background from now on."""
        started = 'until read name < /proc/$!/comm && [ "$name" = sleep ]; do :; done'
        return int(self.say(f"sleep 1000 & {started}; echo $!"))

    def container(self, facts: Facts) -> Container | None:
        """This container among the facts, by its PID namespace."""
        self.namespace = self.namespace or int(self.say("readlink /proc/self/ns/pid")[5:-1])
        return facts.container(self.namespace)

    def end(self) -> None:
        """Kill all of it."""
        with self._process as process:
            os.killpg(process.pid, signal.SIGCONT)
            assert process.stdin
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def shell(*command: str) -> Iterator[Shell]:
    """A shell behind a command such as `unshare --pid --fork`, ended at the block's end."""
    started = Shell(*command, "sh")
    try:
        yield started
    finally:
        started.end()


@contextmanager
def cgroup(name: str, *controllers: str) -> Iterator[dict[str, Path]]:
    """A cgroup of this name in the hierarchy of each controller, by controller; removed at the block's end."""
    found = {one: _hierarchy(one) / name for one in controllers}
    try:
        for controller, folder in found.items():
            folder.mkdir(parents=True, exist_ok=True)
            _enable(controller, folder)
        yield found
    finally:
        for ours in sorted({path for folder in found.values() for path in _ours(folder)}, reverse=True):
            ours.rmdir()


def _ours(folder: Path) -> list[Path]:
    """A cgroup and those above it up to the instance's own."""
    return [path for path in (folder, *folder.parents) if INSTANCE in path.parts]


def _enable(controller: str, folder: Path) -> None:
    """Version 2 gives a controller to a cgroup only where each cgroup above says so."""
    above = [path for path in reversed(folder.parents) if (path / "cgroup.subtree_control").exists()]
    for path in above:
        (path / "cgroup.subtree_control").write_text(f"+{controller}")


def _hierarchy(controller: str) -> Path:
    return next(Path(one.mounted) for one in seen(0, {}, "users").host.hierarchies if controller in one.controllers)


def joining(folders: Mapping[str, Path], *command: str) -> tuple[str, ...]:
    """A command that joins cgroups and then becomes another command."""
    joins = "; ".join(f"echo $$ > {folder}/cgroup.procs" for folder in folders.values())
    return ("sh", "-c", f'{joins}; exec "$@"', "sh", *command)
