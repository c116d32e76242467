"""What `box` prints: tables, ages and sizes in the form that Docker's users know. Pure: values in, text out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..protocol import ContainerInfo, ImageInfo, NetworkInfo
from ..words import decimal_size, escaped

SHORT = 12  # digits of an id that are shown
COMMAND_WIDTH = 20
AGES = (
    (60, 1, "second"),
    (60 * 60, 60, "minute"),
    (48 * 3600, 3600, "hour"),
    (14 * 86400, 86400, "day"),
    (60 * 86400, 7 * 86400, "week"),
    (730 * 86400, 30 * 86400, "month"),
)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns three spaces apart, none narrower than Docker makes them."""
    lines = [headers, *([escaped(cell) for cell in row] for row in rows)]
    widths = [max(7, *(len(line[column]) for line in lines)) for column in range(len(headers))]
    return "\n".join("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def age(seconds: float) -> str:
    """A span of time in words, in Docker's steps."""
    if seconds < 1:
        return "Less than a second"
    limit_unit = next(((unit, word) for limit, unit, word in AGES if seconds < limit), (365 * 86400, "year"))
    unit, word = limit_unit
    count = int(seconds / unit)
    if count == 1 and word in ("minute", "hour"):
        return "About a minute" if word == "minute" else "About an hour"
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def container_table(found: Iterable[ContainerInfo], now: float, truncate: bool) -> str:
    """The table of `box ps`."""
    headers = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
    return table(headers, [_row(one, now, truncate) for one in found])


def _row(one: ContainerInfo, now: float, truncate: bool) -> Sequence[str]:
    """One line of `box ps`."""
    command = escaped(" ".join(one.command))
    if truncate and len(command) > COMMAND_WIDTH:
        command = command[: COMMAND_WIDTH - 3] + "..."
    created = f"{age(now - one.created)} ago"
    return (short(one.id, truncate), one.image, f'"{command}"', created, status(one, now), "", one.name)


def short(identity: str, truncate: bool = True) -> str:
    """An id as it is shown."""
    return identity.removeprefix("sha256:")[:SHORT] if truncate else identity


def status(one: ContainerInfo, now: float) -> str:
    """`Up 5 seconds`, `(Paused)` where it is frozen, or `Exited (0) 2 minutes ago`; `Created` while it is half made."""
    if one.state == "created":
        return "Created"
    if one.state in ("running", "paused"):
        return f"Up {age(now - one.created)}" + (" (Paused)" if one.state == "paused" else "")
    return f"Exited ({one.code}) {age(now - one.ended)} ago"


def image_table(found: Iterable[ImageInfo], now: float) -> str:
    """The table of `box images`."""
    rows = []
    for one in found:
        name, _, tag = one.name.partition(":")
        rows.append((name, tag or "latest", short(one.id), f"{age(now - one.created)} ago", decimal_size(one.size)))
    return table(("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"), rows)


def network_table(found: Iterable[NetworkInfo]) -> str:
    """The table of `box network ls`."""
    return table(("NETWORK ID", "NAME", "DRIVER", "SCOPE"), [(short(one.id), one.name, "bridge", "local") for one in found])


class HistoryLine(NamedTuple):
    """A step of an image's making: when and by what, as its configuration says, and the bytes of the layer that it made."""

    created: str
    created_by: str
    size: int


def history_table(lines: Iterable[HistoryLine]) -> str:
    """The table of `box history`."""
    rows = [(one.created, one.created_by, decimal_size(one.size)) for one in lines]
    return table(("CREATED", "CREATED BY", "SIZE"), rows)


def details(one: ContainerInfo) -> dict[str, object]:
    """One container under the keys of `docker inspect`, and where its cgroups are."""
    limits = one.limits
    running = one.state in ("running", "paused")
    return {
        "Id": one.id,
        "Created": moment(one.created),
        "Name": f"/{one.name}",
        "State": {
            "Status": one.state,
            "Running": running,
            "Paused": one.state == "paused",
            "Pid": one.pid,
            "ExitCode": 0 if running else one.code,
            "StartedAt": moment(one.created),
            "FinishedAt": moment(0 if running else one.ended),
        },
        "Config": {"Image": one.image, "Cmd": one.command, "Hostname": one.hostname, "Env": one.variables},
        "HostConfig": {
            "NanoCpus": limits.millicpus * 1_000_000,
            "Memory": limits.memory,
            "PidsLimit": limits.pids,
            "CpusetCpus": limits.cpus,
            "CpuShares": limits.shares,
            "CapDrop": one.dropped,
            "AutoRemove": one.remove,
        },
        "NetworkSettings": {"Networks": {one.network: {"IPAddress": one.address}} if one.address else {}},
        "Cgroups": one.cgroups,
    }


def moment(seconds: float) -> str:
    """A moment as Docker writes it, in UTC; its zero is the year 1."""
    if not seconds:
        return "0001-01-01T00:00:00Z"
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f"{seconds % 1:.6f}"[1:] + "Z"


class FormatError(Exception):
    """A format that cannot be filled in; the argument is the part that is at fault."""


def formatted(template: str, one: Mapping[str, object]) -> str:
    """The template with each `{{.State.Pid}}` replaced; raises FormatError for a key that is not there, or other forms."""
    text = re.sub(r"\{\{\s*(.*?)\s*\}\}", lambda part: _value(part[1], one), template)
    if "{{" in text:
        raise FormatError(template)
    return text


def _value(path: str, one: Mapping[str, object]) -> str:
    """What stands under a dotted path, text as it is and everything else as JSON."""
    value: object = one
    if not path.startswith("."):
        raise FormatError(path)
    for key in filter(None, path[1:].split(".")):
        if not isinstance(value, Mapping) or key not in value:
            raise FormatError(path)
        value = value[key]
    return escaped(value) if isinstance(value, str) else json.dumps(value)
