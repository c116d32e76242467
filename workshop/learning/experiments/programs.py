"""What experiments are made of: points, where they run, and programs that are started, heard and ended."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from ...facts import Facts, Virtual
from ...words import WordedError

SECONDS, BYTES = "seconds", "bytes"
PAUSE = 0.1
"""Seconds that an experiment waits at most before it can be stopped."""
SILENT_SECONDS = 60.0
"""Seconds after which a program that says nothing counts as failed."""

FAREWELL = 5.0
"""Seconds that a program has to end once its input has."""


@dataclass(frozen=True)
class Point:
    """One value measured: of which series, and in which unit."""

    series: str
    unit: str
    value: float


Points = Generator[Point | None, None, None]


@dataclass(frozen=True)
class Surroundings:
    """Where an experiment runs: the engine's command, a way to look at the kernel, and what can boot a virtual machine."""

    engine: str
    observe: Callable[[Sequence[str]], Facts]
    virtual: Virtual


class ExperimentError(WordedError):
    """An experiment can't go on."""

    area = "experiments"


def program(name: str) -> str:
    """The program of this name on PATH, else beside this installation's own."""
    return shutil.which(name) or os.path.join(sysconfig.get_path("scripts"), name)  # noqa: PTH118  # a command wants a text


@contextmanager
def running(command: Sequence[str], keep_open: bool = False) -> Generator[subprocess.Popen[bytes]]:
    """The program, its output and complaints in one pipe; killed at the end of the block if it still runs.

    With `keep_open` its standard input is a pipe that is closed at the end of the block, or when the workshop is killed: a
    program that reads it to its end, such as `cat`, then ends by itself. Raises ExperimentError where it can't be started.
    """
    source = subprocess.PIPE if keep_open else subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise ExperimentError("not_started", command=" ".join(command), reason=error.strerror or "") from error
    with process:
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(FAREWELL)
            process.kill()


def heard(process: subprocess.Popen[bytes], word: bytes, patience: float = SILENT_SECONDS) -> Generator[None, None, float]:
    """Wait until the program says a word, None after each pause; returns when that was (time.perf_counter()).

    Raises ExperimentError where it ends before, or says nothing for too long.
    """
    assert process.stdout is not None  # noqa: S101  # running() asked for it
    said, end = b"", time.perf_counter() + patience
    while word not in said:
        if not select.select([process.stdout], [], [], PAUSE)[0]:
            yield None
        elif piece := os.read(process.stdout.fileno(), 65536):
            said += piece
        else:
            raise ExperimentError("failed", command=_command(process), reason=_last_line(said))
        if time.perf_counter() > end:
            raise ExperimentError("too_slow", command=_command(process), seconds=round(patience))
    return time.perf_counter()


def ended(process: subprocess.Popen[bytes]) -> Generator[None, None, None]:
    """Wait for the program to end by itself, None after each pause."""
    while True:
        try:
            process.wait(PAUSE)
        except subprocess.TimeoutExpired:
            yield None
        else:
            return


def _command(process: subprocess.Popen[bytes]) -> str:
    return " ".join(map(str, process.args)) if isinstance(process.args, list | tuple) else str(process.args)


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
