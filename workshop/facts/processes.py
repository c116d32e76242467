"""Processes, with their identity on both sides of a PID namespace (proc(5), pid_namespaces(7))."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    """One process: `pid` as the host counts, `inner` as its own PID namespace counts (last number of NSpid)."""

    pid: int
    inner: int
    parent: int
    uid: int
    name: str
    arguments: tuple[str, ...] = ()
    state: str = "S"
    terminal: int = 0
    """Device number of its controlling terminal, 0 for none (tty_nr of proc_pid_stat(5))."""
    started: int = 0
    """Clock ticks between boot and its start (starttime of proc_pid_stat(5))."""
    group: int = 0
    """Host's number of its process group's leader, which may have ended (pgrp of proc_pid_stat(5))."""
    processor: int = 0
    """The processor that it last ran on."""
