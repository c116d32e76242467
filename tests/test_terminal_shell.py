"""The shell in its pseudo-terminal: job control, the environment, hanging up; with a real shell, without a screen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from workshop.faces.terminal.shell import Shell, shell_command

from .screen import still_running


class Listener:
    """Collects what a shell says."""

    def __init__(self) -> None:
        self.output = b""
        self.code: int | None = None
        self._changed = asyncio.Event()

    def hear(self, data: bytes) -> None:
        self.output += data
        self._changed.set()

    def end(self, code: int) -> None:
        self.code = code
        self._changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def started(listener: Listener, script: str, **environment: str) -> Shell:
    """A shell that runs the script, 80x24, and is listened to."""
    surroundings = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", **environment}
    shell = Shell(["/bin/sh", "-c", script], surroundings, (80, 24), listener.hear, listener.end)
    shell.read()
    return shell


def descriptors() -> set[str]:
    """This process's open descriptors, with what they are of."""
    return {f"{entry.name} {entry.readlink()}" for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}


async def test_the_shell_leads_a_session_that_owns_its_terminal() -> None:
    """Job control works: the session is its own, and the terminal is its controlling terminal."""
    listener = Listener()
    started(listener, "ps -o sid=,pid=,tty=,tpgid= -p $$; tty; stty size")
    await listener.until(lambda: listener.code is not None)
    identity, terminal, size = listener.output.decode().split("\r\n")[:3]
    session, process, name, foreground = identity.split()
    assert session == process == foreground
    assert f"/dev/{name}" == terminal
    assert size == "24 80"


async def test_the_exit_code_and_the_last_output_arrive() -> None:
    """A shell that ends is reported with its code, after all that it wrote."""
    listener = Listener()
    started(listener, "seq 20000; exit 7")
    await listener.until(lambda: listener.code is not None)
    assert listener.code == 7
    assert listener.output.endswith(b"20000\r\n")


async def test_a_new_size_is_announced() -> None:
    """A resize reaches the program as SIGWINCH with the new size."""
    listener = Listener()
    shell = started(listener, "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.02; done")
    await listener.until(lambda: b"ready" in listener.output)
    shell.resize(132, 43)
    await listener.until(lambda: listener.code is not None)
    assert b"43 132" in listener.output


async def test_hanging_up_leaves_no_process_and_no_descriptor() -> None:
    """Shell, foreground job and background job get SIGHUP and end; this process holds nothing of them any more."""
    before, listener = descriptors(), Listener()
    surroundings = {name: os.environ[name] for name in ("PATH", "HOME")}  # without the latter, bash keeps its history at home
    shell = Shell(["/bin/bash", "--norc", "-i"], surroundings, (80, 24), listener.hear, listener.end)
    shell.read()
    shell.write(b"sleep 1000 &\nsleep 1001 | sleep 1002 & sleep 1003\n")
    async with asyncio.timeout(10):
        while len(psutil.Process(shell.pid).children()) < 4:
            await asyncio.sleep(0.01)  # the kernel announces a child to its parent alone
    family = [psutil.Process(shell.pid), *psutil.Process(shell.pid).children(recursive=True)]
    shell.hang_up()
    assert not still_running(family, 3)
    assert descriptors() == before
    assert listener.code is None


async def test_a_shell_that_ignores_the_hang_up_is_killed() -> None:
    """Nothing can keep the workshop from ending."""
    listener = Listener()
    shell = started(listener, "trap '' HUP; echo ready; while :; do sleep 0.05; done")
    await listener.until(lambda: b"ready" in listener.output)
    process = psutil.Process(shell.pid)
    shell.hang_up()
    assert not still_running([process], 0)


async def test_what_the_learner_started_with_nohup_goes_on() -> None:
    """The hang-up kills nothing that asked to live on."""
    listener = Listener()
    shell = started(listener, "trap '' HUP; sleep 1000 & trap - HUP; echo $!; wait")
    await listener.until(lambda: b"\n" in listener.output)
    survivor = psutil.Process(int(listener.output))
    try:
        shell.hang_up()
        assert survivor.is_running()
        assert survivor.status() != psutil.STATUS_ZOMBIE
    finally:
        survivor.send_signal(signal.SIGKILL)


async def test_a_program_that_does_not_exist_is_an_exit_code() -> None:
    """A missing program ends as a shell says it (127), with the reason on the screen."""
    listener = Listener()
    Shell(["/nonexistent/shell"], {}, (80, 24), listener.hear, listener.end).read()
    await listener.until(lambda: listener.code is not None)
    assert listener.code == 127
    assert b"/nonexistent/shell" in listener.output


def test_the_shell_is_the_learners_own() -> None:
    """$SHELL is used if it can be run, else something that can."""
    assert shell_command({"SHELL": sys.executable})[0] == [sys.executable]
    assert os.access(shell_command({"SHELL": "/nonexistent"})[0][0], os.X_OK)
    assert Path(shell_command({"SHELL": "/usr/sbin/nologin"})[0][0]).name != "nologin"


def test_the_environment_is_the_learners_without_what_would_mislead() -> None:
    """The terminal is named for what it is; the outer terminal's and Textual's variables are gone; the instance stays."""
    surroundings = {"HOME": "/root", "TERM": "linux", "TMUX": "x", "TEXTUAL_DISABLE_KITTY_KEY": "1", "WORKSHOP_INSTANCE": "w"}
    environment = shell_command(surroundings)[1]
    assert environment["TERM"] == "xterm-256color"
    assert environment["HOME"] == "/root"
    assert environment["WORKSHOP_INSTANCE"] == "w"
    assert not {"TMUX", "TEXTUAL_DISABLE_KITTY_KEY"} & set(environment)


def test_text_is_utf8_where_no_locale_says_so() -> None:
    """Without any locale Chinese works all the same; a locale that is set stays."""
    assert shell_command({})[1]["LC_CTYPE"] == "C.UTF-8"
    assert "LC_CTYPE" not in shell_command({"LANG": "POSIX"})[1]


async def test_answers_to_a_program_that_never_reads_are_bounded() -> None:
    """Asking the terminal without end costs no memory without end; what is typed is never dropped."""
    listener = Listener()
    shell = started(listener, "stty raw; echo ready; exec sleep 1000")
    await listener.until(lambda: b"ready" in listener.output)
    for _ in range(100_000):
        shell.reply(b"\x1b[1;1R")
    assert len(shell._outgoing) < 100_000
    shell.hang_up()


@pytest.mark.parametrize("found", [True, False])
def test_box_is_found_by_the_shell(tmp_path: Path, found: bool) -> None:
    """The workshop's own `box` is on the shell's PATH even if its virtual environment is not active."""
    if found:
        (tmp_path / "box").write_text("")
        (tmp_path / "box").chmod(0o755)
    path = shell_command({"PATH": str(tmp_path)})[1]["PATH"].split(os.pathsep)
    assert path[0] == str(tmp_path)
    assert len(path) == (1 if found else 2)
