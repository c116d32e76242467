"""Files in memory that carry an answer to a caller, sealed so that they can never change under their reader (memfd_create(2))."""

from __future__ import annotations

import fcntl
import json
import os

from ...protocol import safe_bytes

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def create() -> int:
    """A descriptor of an empty one, which can be written to until it is sealed; raises OSError."""
    return os.memfd_create("answer", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def write_json(descriptor: int, value: object) -> None:
    """Write this as JSON; raises OSError."""
    text = safe_bytes(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
    with open(descriptor, "wb", closefd=False) as file:
        file.write(text)


def seal(descriptor: int) -> None:
    """Nobody can change it any more, whoever holds it; raises OSError."""
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)


def holding(value: object) -> int:
    """A descriptor of a sealed one with this as JSON; raises OSError, and leaves none open then."""
    descriptor = create()
    try:
        write_json(descriptor, value)
        seal(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
