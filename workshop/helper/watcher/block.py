"""What a cgroup may do to block devices and has done, of both versions in one shape (cgroup-v1/blkio-controller, cgroup-v2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ...facts import Io, Throttle, Transfer
from .text import UnreadableError, limit, number

V1_LIMITS = {
    "blkio.throttle.read_bps_device": "read_bytes",
    "blkio.throttle.write_bps_device": "written_bytes",
    "blkio.throttle.read_iops_device": "reads",
    "blkio.throttle.write_iops_device": "writes",
}
"""Each file's lines are `MAJOR:MINOR LIMIT`."""
V1_COUNTERS = {
    ("blkio.throttle.io_service_bytes", "Read"): "read_bytes",
    ("blkio.throttle.io_service_bytes", "Write"): "written_bytes",
    ("blkio.throttle.io_serviced", "Read"): "reads",
    ("blkio.throttle.io_serviced", "Write"): "writes",
}
"""Each file's lines are `MAJOR:MINOR KIND COUNT`, and a last one `Total COUNT`."""
V1_FILES = (*V1_LIMITS, "blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced")
V2_LIMITS = {"rbps": "read_bytes", "wbps": "written_bytes", "riops": "reads", "wiops": "writes"}
V2_COUNTERS = {"rbytes": "read_bytes", "wbytes": "written_bytes", "rios": "reads", "wios": "writes"}
"""Lines are `MAJOR:MINOR KEY=VALUE...`."""
V2_FILES = ("io.max", "io.stat")


class Value(NamedTuple):
    """One number that a file tells of a device; None is `max`."""

    device: str
    name: str
    value: int | None


def parse_io(texts: Mapping[str, str]) -> Io | None:
    """The io controller, None where the cgroup has none; raises UnreadableError."""
    if "blkio.throttle.io_service_bytes" in texts:
        limits, counts = _limits_v1(texts), _counts_v1(texts)
    elif "io.stat" in texts:
        limits, counts = _values_v2(texts, "io.max", V2_LIMITS), _values_v2(texts, "io.stat", V2_COUNTERS)
    else:
        return None
    throttles = tuple(Throttle(device, **values) for device, values in _by_device(limits).items())
    transfers = tuple(Transfer(device, **values) for device, values in _by_device(counts).items())
    return Io(throttles, transfers)


def _by_device(values: list[Value]) -> dict[str, dict[str, int]]:
    """What is known of each device; a `max` is left out."""
    found: dict[str, dict[str, int]] = {}
    for device, name, value in values:
        if value is not None:
            found.setdefault(device, {})[name] = value
    return found


def _limits_v1(texts: Mapping[str, str]) -> list[Value]:
    found = []
    for file, name in V1_LIMITS.items():
        for line in texts.get(file, "").splitlines():
            device, value = _words(line, 2, file)
            found.append(Value(device, name, number(value, file)))
    return found


def _counts_v1(texts: Mapping[str, str]) -> list[Value]:
    found = []
    for file in ("blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced"):
        for line in texts.get(file, "").splitlines():
            if not line.startswith("Total"):
                device, kind, value = _words(line, 3, file)
                if name := V1_COUNTERS.get((file, kind)):
                    found.append(Value(device, name, number(value, file)))
    return found


def _values_v2(texts: Mapping[str, str], file: str, names: Mapping[str, str]) -> list[Value]:
    found = []
    for line in texts.get(file, "").splitlines():
        device, *pairs = line.split() or [""]
        for pair in pairs:
            key, _, value = pair.partition("=")
            if name := names.get(key):
                found.append(Value(device, name, limit(value, file)))
    return found


def _words(line: str, count: int, where: str) -> list[str]:
    """The words of a line that has to have just so many; raises UnreadableError."""
    words = line.split()
    if len(words) != count:
        raise UnreadableError(f"{where}: {line[:40]!r} has not {count} words")
    return words
