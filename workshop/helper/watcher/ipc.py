"""System V objects from /proc/sysvipc/{msg,shm,sem} (sysvipc(7), proc_sysvipc(5))."""

from __future__ import annotations

from dataclasses import dataclass

from ...facts import Ipc, Queue, Segment, Semaphores
from .text import UnreadableError, number


@dataclass(frozen=True, slots=True)
class IpcTexts:
    """The three files as one IPC namespace shows them."""

    queues: str = ""
    segments: str = ""
    semaphores: str = ""


def _rows(text: str, where: str) -> list[dict[str, int]]:
    """The table as a dictionary a row: newer kernels add columns, so each is found by its name."""
    head, *lines = text.split("\n")
    names = head.split()
    rows = [line.split() for line in lines if line]
    if any(len(row) != len(names) for row in rows):
        raise UnreadableError(f"{where}: a row has not the {len(names)} columns of its header")
    return [{name: number(word, where) for name, word in zip(names, row, strict=True)} for row in rows]


def _of(row: dict[str, int], name: str) -> int:
    try:
        return row[name]
    except KeyError as error:
        raise UnreadableError(f"/proc/sysvipc: there is no column {name!r}") from error


def _key(row: dict[str, int]) -> int:
    # The kernel writes a signed number; `ipcs` shows the same 32 bits unsigned, in hexadecimal.
    return _of(row, "key") & 0xFFFFFFFF


def parse_queues(text: str) -> tuple[Queue, ...]:
    """Message queues of /proc/sysvipc/msg; raises UnreadableError."""
    return tuple(
        Queue(_of(row, "msqid"), _key(row), _of(row, "uid"), _of(row, "qnum"), _of(row, "cbytes"))
        for row in _rows(text, "/proc/sysvipc/msg")
    )


def parse_segments(text: str) -> tuple[Segment, ...]:
    """Shared memory segments of /proc/sysvipc/shm; raises UnreadableError."""
    return tuple(
        Segment(_of(row, "shmid"), _key(row), _of(row, "uid"), _of(row, "size"), _of(row, "nattch"))
        for row in _rows(text, "/proc/sysvipc/shm")
    )


def parse_semaphores(text: str) -> tuple[Semaphores, ...]:
    """Semaphore sets of /proc/sysvipc/sem; raises UnreadableError."""
    return tuple(
        Semaphores(_of(row, "semid"), _key(row), _of(row, "uid"), _of(row, "nsems")) for row in _rows(text, "/proc/sysvipc/sem")
    )


def parse_ipc(texts: IpcTexts) -> Ipc:
    """Everything of one IPC namespace; raises UnreadableError."""
    return Ipc(parse_queues(texts.queues), parse_segments(texts.segments), parse_semaphores(texts.semaphores))
