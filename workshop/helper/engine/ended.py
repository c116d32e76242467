"""Ended sandboxes on disk: each is kept until it is removed, as in Docker, also when this helper has ended or crashed meanwhile.

A file a sandbox, in a directory that only the helper can look into. What can't be written, read or understood is told in the
log and is no reason to end, or not to start: then the sandbox is forgotten with the helper.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ...protocol import Limits, ProtocolError, Run, parse_request, read
from ..kernel import files
from ..kernel.troubles import tell
from .image_store import Image
from .logs import Log
from .loop import Loop
from .sandbox import Phase, Sandbox

FILE_NAME = re.compile(r"([0-9a-f]{64})\.json")
LARGEST = 1 << 20
"""Bytes of a file: what a sandbox was asked to be fits in a packet, and its log keeps 64 KiB."""
PLAIN: dict[str, type[Any]] = {"id": str, "owner": int, "code": int, "created": float, "ended": float, "cgroups": dict}
"""What is written down as it is, and of which type it must be when it is read."""


class Ended:
    """The files of ended sandboxes; no method raises anything."""

    def __init__(self, directory: str) -> None:
        """Keep them here; the directory is made when there is something to keep."""
        self.directory = directory

    def write(self, sandbox: Sandbox) -> None:
        """Write down a sandbox that has just ended."""
        try:
            files.make_private(self.directory)
            files.replace(self._place(sandbox.id), json.dumps(_record(sandbox)).encode())
        except OSError as error:
            tell(f"container {sandbox.name} of {sandbox.owner} will be forgotten with this helper: {error}")

    def remove(self, identity: str) -> None:
        """Remove what was written of a sandbox, if anything was."""
        try:
            os.unlink(self._place(identity))
        except FileNotFoundError:
            pass
        except OSError as error:
            tell(f"container {identity} will be known again to the next helper: {error}")

    def read(self, loop: Loop) -> list[Sandbox]:
        """All that were written down, the oldest first."""
        found = [one for path in self._paths() if (one := _read(path, loop))]
        return sorted(found, key=lambda one: one.created)

    def _paths(self) -> Iterator[str]:
        """Files that look like a sandbox's; what a crash left half written is removed."""
        try:
            names = os.listdir(self.directory) if os.path.isdir(self.directory) else []
        except OSError as error:
            tell(f"ended containers of earlier helpers are not known: {error}")
            return
        for name in names:
            if FILE_NAME.fullmatch(name):
                yield f"{self.directory}/{name}"
            elif name.endswith(".new"):
                with contextlib.suppress(OSError):
                    os.unlink(f"{self.directory}/{name}")
            else:
                tell(f"{self.directory}/{name} is left alone: it is no ended container")

    def _place(self, identity: str) -> str:
        return f"{self.directory}/{identity}.json"


def _record(sandbox: Sandbox) -> dict[str, Any]:
    """A sandbox as it is written down."""
    printed = [[stream, base64.b64encode(data).decode()] for stream, data in sandbox.log.since(0)]
    return {
        **{key: getattr(sandbox, key) for key in PLAIN},
        "wanted": asdict(sandbox.wanted),
        "image_id": sandbox.stack.id,
        "limits": sandbox.limits._asdict(),
        "printed": printed,
        "printed_in_all": sandbox.log.end,
    }


def _read(path: str, loop: Loop) -> Sandbox | None:
    """The sandbox in a file, None where there is none: that is told."""
    try:
        with open(path, "rb") as file:
            sandbox = _sandbox(json.loads(file.read(LARGEST)), loop)
        if path.rpartition("/")[2] != f"{sandbox.id}.json":
            raise ValueError("it is another container's")
    except (OSError, ValueError, TypeError, KeyError, RecursionError, ProtocolError) as error:
        tell(f"{path} is left alone, it can't be read as an ended container: {type(error).__name__}: {error}")
        return None
    return sandbox


def _sandbox(record: dict[str, Any], loop: Loop) -> Sandbox:
    """The sandbox of a record; raises KeyError, TypeError, ValueError or ProtocolError for one that `_record` did not write."""
    plain = {key: _typed(record[key], kind) for key, kind in PLAIN.items()}
    for text in plain["cgroups"].values():
        _typed(text, str)
    wanted = parse_request(json.dumps({**record["wanted"], "operation": "run"}).encode())
    if not isinstance(wanted, Run):
        raise ValueError("what was asked for is no container")
    limits = read(Limits, record["limits"])
    stack = Image(wanted.image, _typed(record["image_id"], str), [], [], "", 0, 0)
    pieces = [(_typed(stream, int), base64.b64decode(data, validate=True)) for stream, data in record["printed"]]
    log = Log(loop)
    log.recall(pieces, _typed(record["printed_in_all"], int))
    return Sandbox(**plain, wanted=wanted, limits=limits, stack=stack, log=log, remove=False, base=0, phase=Phase.EXITED)


def _typed(value: Any, kind: type[Any]) -> Any:
    """The value; raises TypeError where it is of another type: a bool is no int here."""
    if type(value) is not kind:
        raise TypeError(f"{str(value)[:40]} is no {kind.__name__}")
    return value
