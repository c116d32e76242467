"""What an operation gives its caller, and what it knows of one."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from .images.transfers import Transfer
from .sandboxes import Execution, Sandbox


@dataclass(frozen=True)
class Answer:
    """Values for the caller, and descriptors that are closed once they are sent."""

    values: dict[str, Any] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()


class Caller(Protocol):
    """A connection, as an operation sees it: who it is, what it started and reads, and how to answer it later."""

    uid: int
    pid: int
    sandboxes: dict[str, Sandbox]
    executions: dict[int, Execution]
    transfer: Transfer | None
    followed: tuple[str, Sandbox] | None

    def answer_later(self) -> Callable[[Answer | Exception], None]:
        """What to call with the answer, or the refusal, that the caller waits for."""

    def is_open(self) -> bool:
        """False once it has gone away."""


def memory_file(value: dict[str, Any]) -> int:
    """A descriptor of a memory file with this as JSON, sealed so that it can never change under its reader."""
    descriptor = os.memfd_create("answer", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace"))
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    return descriptor
