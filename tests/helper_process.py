"""A helper process of a test's own, and connections to it as this or that user."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workshop import protocol
from workshop.client.connection import Client, HelperError

INSTANCE = f"ws-e{os.getpid()}"
"""One of this run's own: two runs on a machine must not wait for each other's lock."""
MAIN = Path(protocol.__file__).parents[1] / "helper" / "__main__.py"
GROUPS = Path("/sys/fs/cgroup")
PATIENCE_SECONDS = 30.0
_AS_SYSTEMD = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); "
    "os.execv(sys.argv[2], sys.argv[2:])"
)  # fmt: skip


@dataclass
class Process:
    """A helper that runs, and where it listens."""

    process: subprocess.Popen[bytes]
    socket_path: str

    def connect(self, uid: int = 0) -> Client:
        """A connection as this user: the kernel keeps the effective uid of the moment of connecting."""
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        before = os.geteuid()
        os.seteuid(uid)
        try:
            end.connect(self.socket_path)
        except OSError:
            end.close()
            raise
        finally:
            os.seteuid(before)
        return Client(end)

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """A directory that every user can go through, as pytest's own can't be."""
    with tempfile.TemporaryDirectory(prefix=f"{INSTANCE}-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextlib.contextmanager
def helper_process(directory: Path, *arguments: str, by: Sequence[str] = (), instance: str = INSTANCE) -> Iterator[Process]:
    """Start a helper as root, by a command, on a socket that everybody may open, as systemd does; end it and all that is its."""
    path = str(directory / "helper.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        Path(path).chmod(0o666)  # everybody may connect, as to the installed helper
        listener.listen(64)
        passing = [*by, sys.executable, "-c", _AS_SYSTEMD, str(listener.fileno())]
        command = [*passing, sys.executable, "-I", str(MAIN), "run", *arguments]
        process = started(command, (listener.fileno(),), env={"WORKSHOP_INSTANCE": instance})
    try:
        yield Process(process, path)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        Path(path).unlink()


def started(command: Sequence[str], passed: Sequence[int] = (), **others: Any) -> subprocess.Popen[bytes]:
    """A helper's process, once it has said that it is ready."""
    environ = {**os.environ, "WORKSHOP_INSTANCE": INSTANCE, **others.pop("env", {})}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=passed, env=environ, cwd="/", **others)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.read(1), "the helper did not start"
    return process


def command_line(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the helper's command to its end."""
    environ = {**os.environ, "WORKSHOP_INSTANCE": INSTANCE}
    command = [sys.executable, "-I", str(MAIN), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def groups() -> list[str]:
    """Every cgroup directory that bears this instance's name."""
    return [
        str(path) for path in (*GROUPS.glob(f"*/{INSTANCE}"), *GROUPS.glob(f"*/{INSTANCE}/*/"), *GROUPS.glob(f"{INSTANCE}/*/"))
    ]


def remove_directories(instance: str = INSTANCE) -> None:
    """What a helper keeps between two starts."""
    for directory in (f"/run/{instance}", f"/var/lib/{instance}"):
        shutil.rmtree(directory, ignore_errors=True)


@dataclass
class Ran:
    """What a program printed, and its exit code."""

    output: str
    error: str
    code: int


def read_all(descriptor: int) -> str:
    """Everything until the end, and close it."""
    with open(descriptor, "rb") as file:
        return file.read().decode()


def run(client: Client, *command: str, **others: Any) -> Ran:
    """Run a command in a sandbox of its own, to its end."""
    reply = client.ask(protocol.Run("busybox", list(command), remove=True, **others))
    output, error = map(read_all, reply.descriptors)
    return Ran(output, error, client.ask(protocol.Wait(reply.value.id)).value.code)


def execute(client: Client, container: str, *command: str) -> Ran:
    """Run a command in a sandbox that runs already, to its end."""
    reply = client.ask(protocol.Exec(container, list(command)))
    output, error = map(read_all, reply.descriptors)
    return Ran(output, error, client.ask(protocol.Wait(container, reply.value.process)).value.code)


def background(client: Client, *command: str, **others: Any) -> protocol.ContainerInfo:
    """Start a detached sandbox that does nothing until it is stopped, and inspect it."""
    wanted = list(command) or ["sleep", "1000"]
    reply = client.ask(protocol.Run("busybox", wanted, detach=True, **others))
    return inspect(client, reply.value.id)


def inspect(client: Client, container: str) -> protocol.ContainerInfo:
    """What the helper knows of a sandbox."""
    return client.ask(protocol.Inspect(container)).value


def refusal(client: Client, request: protocol.Request[object]) -> str:
    """The slug with which a request is refused."""
    with pytest.raises(HelperError) as refused:
        client.ask(request)
    return refused.value.slug


def watcher_of(helper: int) -> int:
    """The process that looks for this helper, which must have begun: there is one at most."""
    children = Path(f"/proc/{helper}/task/{helper}/children").read_text().split()
    (found,) = [int(one) for one in children if Path(f"/proc/{one}/comm").read_text() == "watcher\n"]
    return found


def wait_until_gone(pid: int) -> None:
    """Return when a process, of which the kernel tells by a pidfd, has ended."""
    try:
        held = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([held], [], [], PATIENCE_SECONDS)[0], f"process {pid} still runs"
    finally:
        os.close(held)


class Screen:
    """The master of a sandbox's terminal."""

    def __init__(self, descriptor: int) -> None:
        """Take the descriptor over."""
        self.descriptor = descriptor
        self.seen = ""

    def type(self, text: str) -> None:
        """Send keys."""
        os.write(self.descriptor, text.encode())

    def until(self, text: str) -> str:
        """Read until this was printed; returns what was printed before it."""
        while text not in self.seen:
            assert select.select([self.descriptor], [], [], PATIENCE_SECONDS)[0], f"{text!r} did not come: {self.seen!r}"
            self.seen += os.read(self.descriptor, 65536).decode("utf-8", "replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def close(self) -> None:
        """Hang up."""
        os.close(self.descriptor)
