"""A sandbox's terminal: a shell that is PID 1 has job control, and is told when the window changes."""

from __future__ import annotations

import fcntl
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helper_process import Process, Screen, inspect, wait_until_gone
from workshop.client.connection import Client
from workshop.protocol import Exec, Run, Stop, Wait

pytest_plugins = ["tests.helper_fixtures"]
pytestmark = pytest.mark.root


@pytest.fixture
def shell(client: Client) -> Iterator[tuple[str, Screen]]:
    """A shell in a sandbox with a terminal, at its prompt."""
    reply = client.ask(Run("busybox", [], terminal=True, remove=True))
    screen = Screen(reply.descriptors[0])
    greeting = screen.until("/ # ")
    assert "job control" not in greeting
    assert "tty" not in greeting
    yield reply.value.id, screen
    screen.close()


def test_the_shell_is_pid_1_on_a_terminal_of_its_own(shell: tuple[str, Screen]) -> None:
    """The shell is PID 1, and its terminal is its own devpts' first."""
    _, screen = shell
    screen.type("echo pid=$$ $(tty) $TERM; ls -l /dev/console /dev/pts\n")
    assert screen.until("/dev/pts/0 xterm").endswith("pid=1 ")


def test_ctrl_c_reaches_the_job_and_not_the_shell(shell: tuple[str, Screen]) -> None:
    """Ctrl-C ends the foreground job with SIGINT and leaves the shell at its prompt."""
    _, screen = shell
    screen.type("sh -c 'echo st''arted; exec sleep 1000'\n")
    screen.until("started")
    screen.type("\x03")
    screen.until("/ # ")
    screen.type("echo code=$?\n")
    screen.until("code=130")


def test_ctrl_z_stops_a_job_and_fg_continues_it(shell: tuple[str, Screen]) -> None:
    """Ctrl-Z stops the foreground job; `fg` brings it back."""
    _, screen = shell
    screen.type("sh -c 'echo st''arted; sleep 1000'\n")
    screen.until("started")
    screen.type("\x1a")
    screen.until("Stopped")
    screen.type("fg\n")
    screen.until("sleep 1000")
    screen.type("\x03")
    screen.until("/ # ")


def test_the_size_is_the_windows(client: Client, shell: tuple[str, Screen]) -> None:
    """The terminal has the size that was asked for, and follows a change of its master's."""
    _, screen = shell
    screen.type("stty size\n")
    screen.until("24 80")
    fcntl.ioctl(screen.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
    screen.type("stty size\n")
    screen.until("50 132")


def test_exit_code_of_the_shell(client: Client, shell: tuple[str, Screen]) -> None:
    """What the shell exits with is what Wait tells, although the sandbox was to be forgotten."""
    box, screen = shell
    screen.type("exit 5\n")
    assert client.ask(Wait(box)).value.code == 5


def test_exec_has_a_terminal_of_its_own(client: Client, shell: tuple[str, Screen]) -> None:
    """A second shell of Exec is on the sandbox's next terminal, with job control."""
    box, _ = shell
    reply = client.ask(Exec(box, ["sh"], terminal=True))
    second = Screen(reply.descriptors[0])
    second.type("tty; exit 3\n")
    assert "job control" not in second.until("/dev/pts/1")
    assert client.ask(Wait(box, reply.value.process)).value.code == 3
    second.close()


def test_the_sandbox_dies_with_its_connection(process: Process) -> None:
    """A sandbox that is not detached ends when the connection that ran it is closed."""
    with process.connect() as client:
        reply = client.ask(Run("busybox", ["sleep", "1000"], terminal=True))
        box = inspect(client, reply.value.id)
    wait_until_gone(box.pid)
    Screen(reply.descriptors[0]).close()


def test_a_detached_terminal_is_emptied(process: Process, client: Client) -> None:
    """A detached program with a terminal never waits for a reader, and outlives its connection."""
    with process.connect() as other:
        box = other.ask(Run("busybox", ["sh", "-c", "seq 200000; exec sleep 1000"], terminal=True, detach=True)).value.id
    command = Path(f"/proc/{inspect(client, box).pid}/cmdline")
    while b"sleep" not in command.read_bytes():
        client.ask(Exec(box, ["true"], detach=True))  # each is a turn of the helper's loop, which empties the terminal
    assert client.ask(Stop(box, seconds=0)).value.code == 137
