"""Hostname, System V objects and links of other namespaces, which the kernel tells only those inside (namespaces(7)).

A child process enters them, reads and ends, so that the watcher itself never leaves its own namespaces. Root needs one
child for all; an ordinary user must enter a container's user namespace first, from which there is no way to the next, so
each gets a child. A deadline bounds the child: it can be slow, or even stuck, and the watcher goes on without its answer.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from ..kernel import syscalls
from .held import read
from .ipc import IpcTexts
from .links import ask_links

DEADLINE = 0.5
"""Seconds that a child may take; it takes about one thousandth."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What was read inside; empty where it could not be entered."""

    hostname: str = ""
    ipc: IpcTexts = field(default_factory=IpcTexts)
    links: str = ""
    """What the kernel answered to the question for links, as hexadecimal digits."""


def read_here(subjects: Collection[str]) -> Inside:
    """Hostname, System V objects and links, those asked for, of the namespaces that the calling process is in."""
    return Inside(
        os.uname().nodename if "hostname" in subjects else "",
        _sysvipc() if "ipc" in subjects else IpcTexts(),
        _links() if "interfaces" in subjects else "",
    )


def _links() -> str:
    with suppress(OSError):
        return ask_links().hex()
    return ""


def _sysvipc() -> IpcTexts:
    """The three files; each belongs to the IPC namespace that its reader is in when opening it."""
    with suppress(FileNotFoundError):  # a kernel without System V IPC
        return IpcTexts(*(read(f"/proc/sysvipc/{name}") for name in ("msg", "shm", "sem")))
    return IpcTexts()


def visit(places: Sequence[Sequence[int]], subjects: Collection[str]) -> list[Inside]:
    """Enter each place (descriptors of namespaces, in the order of entering) in one child; what fails is empty."""
    if not places:
        return []
    answer, write_end = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        _be_the_child(places, subjects, write_end)
    os.close(write_end)
    try:
        text = _answer(child, answer)
    finally:
        os.close(answer)
    return _decoded(text, len(places))


def _be_the_child(places: Sequence[Sequence[int]], subjects: Collection[str], write_end: int) -> None:
    """Visit and answer; never returns, and never runs what the watcher would run at its own end."""
    try:
        seen = [_enter_and_read(place, subjects) for place in places]
        with open(write_end, "wb") as stream:
            stream.write(json.dumps([asdict(one) for one in seen]).encode())
    finally:
        os._exit(0)


def _enter_and_read(place: Sequence[int], subjects: Collection[str]) -> Inside:
    try:
        for descriptor in place:
            syscalls.setns(descriptor, 0)
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)  # now: to enter a user namespace takes it back
        return read_here(subjects)
    except OSError:
        return Inside()


def _answer(child: int, answer: int) -> bytes:
    """All that the child wrote until its end or the deadline; the child is gone afterwards, whatever goes wrong."""
    try:
        handle = os.pidfd_open(child)
    except ProcessLookupError:  # somebody reaped it already, so all that it wrote is in the pipe
        return _read_until(answer, time.monotonic() + DEADLINE)
    try:
        return _read_until(answer, time.monotonic() + DEADLINE)
    finally:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        _readable(handle, DEADLINE)
        with suppress(ChildProcessError):
            os.waitpid(child, os.WNOHANG)
        os.close(handle)


def _readable(descriptor: int, seconds: float) -> bool:
    """True once it can be read, within so many seconds; by poll(2), since select(2) takes no descriptor above 1,023."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(max(0.0, seconds) * 1000))


def _read_until(descriptor: int, end: float) -> bytes:
    pieces: list[bytes] = []
    while _readable(descriptor, end - time.monotonic()):
        piece = os.read(descriptor, 65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
    return b""


def _decoded(text: bytes, count: int) -> list[Inside]:
    try:
        return [Inside(one["hostname"], IpcTexts(**one["ipc"]), one["links"]) for one in json.loads(text)]
    except ValueError:
        return [Inside()] * count
