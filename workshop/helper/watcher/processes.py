"""Processes from /proc/PID/stat, status and cmdline (proc_pid_stat(5), proc_pid_status(5), proc_pid_cmdline(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...facts import Process
from .held import Held
from .text import UnreadableError, number

COMMAND_LINE_LIMIT = 4096
"""Bytes of a command line that are kept: a process can make its own megabytes long."""

DEAD = frozenset("ZXx")
"""States of a process that has ended and waits for its parent to notice."""

_FIELD = re.compile(r"^(State|Uid|NSpid|CapEff|CapBnd|NoNewPrivs|Seccomp):[ \t]*(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat tells."""

    name: str
    state: str
    parent: int
    group: int
    terminal: int
    started: int
    processor: int


def parse_stat(text: str) -> Stat:
    """The line of /proc/PID/stat. The name may hold spaces and brackets itself: it ends at the last `)`."""
    head, closed, rest = text.rpartition(")")
    _, opened, name = head.partition("(")
    words = rest.split()
    if not closed or not opened or len(words) < 37:
        raise UnreadableError(f"/proc/PID/stat: {text[:40]!r} lacks a name in brackets or the 37 fields after it")
    parent, group = number(words[1], "ppid"), number(words[2], "pgrp")
    terminal, started, processor = number(words[4], "tty_nr"), number(words[19], "starttime"), number(words[36], "processor")
    return Stat(name, words[0], parent, group, terminal, started, processor)


def parse_status(text: str) -> dict[str, str]:
    """The fields of /proc/PID/status that facts are made of, by name; the file has sixty and is read of many processes."""
    return dict(_FIELD.findall(text))


def numbers_inside(status: dict[str, str]) -> tuple[int, ...]:
    """The process's number in each PID namespace that it is in, the reader's first, its own last (NSpid)."""
    inside = tuple(number(word, "NSpid") for word in status.get("NSpid", "").split())
    if not inside:
        raise UnreadableError("/proc/PID/status: there is no NSpid; PID namespaces are not in this kernel")
    return inside


def effective_uid(status: dict[str, str]) -> int:
    """The effective uid, which is what `ps` shows as the user: second of the four of `Uid`."""
    words = status.get("Uid", "").split()
    if len(words) != 4:
        raise UnreadableError("/proc/PID/status: Uid has not four numbers")
    return number(words[1], "Uid")


def parse_arguments(text: str) -> tuple[str, ...]:
    """The words of /proc/PID/cmdline; none for a kernel thread or a process that has ended."""
    return tuple(text.removesuffix("\0").split("\0")) if text else ()


def parse_process(pid: int, stat: str, status: dict[str, str], cmdline: str) -> Process:
    """A process of its three files."""
    seen = parse_stat(stat)
    return Process(
        pid=pid,
        inner=numbers_inside(status)[-1],
        parent=seen.parent,
        uid=effective_uid(status),
        name=seen.name,
        arguments=parse_arguments(cmdline),
        state=seen.state,
        terminal=seen.terminal,
        started=seen.started,
        group=seen.group,
        processor=seen.processor,
    )


def read_process(held: Held, status: dict[str, str]) -> Process:
    """The process that is held, with `status` read already; raises OSError or UnreadableError if it is gone."""
    return parse_process(held.pid, held.read("stat"), status, held.read("cmdline", COMMAND_LINE_LIMIT))
