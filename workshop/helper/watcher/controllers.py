"""What the files of a cgroup say, of both versions in one shape (the kernel's cgroup-v1 and cgroup-v2 documents)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...facts import Cgroups, Cpu, Membership, Memory, Pids
from . import block
from .held import read
from .text import UnreadableError, counters, limit, number, numbers_listed

Texts = Mapping[str, str]
"""Text by file name. Names of the two versions never clash where they differ in meaning, but cpu.stat: see `V1_CPU_STAT`."""

V1_CPU_STAT = "cpu.stat (version 1)"
"""Key of version 1's cpu.stat: on a hybrid machine the process is in a cgroup of each version, and each has a cpu.stat."""

UNLIMITED = 2**62
"""Version 1 writes 'no limit' as the largest multiple of a page: anything this large is none."""

_V1_FILES = {
    "cpu": ("cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares", "cpu.stat"),
    "cpuacct": ("cpuacct.usage", "cpuacct.usage_percpu"),
    "cpuset": ("cpuset.effective_cpus",),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"),
    "pids": ("pids.max", "pids.current", "pids.events"),
    "freezer": ("freezer.state",),
    "blkio": block.V1_FILES,
    "devices": ("devices.list",),
}
_V2_FILES = {
    "cpu": ("cpu.max", "cpu.weight", "cpu.stat"),
    "memory": ("memory.max", "memory.current", "memory.peak", "memory.events"),
    "pids": ("pids.max", "pids.current", "pids.events"),
    "cpuset": ("cpuset.cpus.effective",),
    "io": block.V2_FILES,
}


def read_texts(memberships: Sequence[Membership]) -> dict[str, str]:
    """Every file of these cgroups that says something; one that is absent or gone is left out."""
    texts: dict[str, str] = {}
    for membership in memberships:
        for name in _files(membership):
            key = V1_CPU_STAT if (membership.version, name) == (1, "cpu.stat") else name
            try:
                texts[key] = read(f"{membership.directory}/{name}")
            except OSError:
                continue
    return texts


def _files(membership: Membership) -> list[str]:
    if not membership.directory:
        return []
    table = _V1_FILES if membership.version == 1 else _V2_FILES
    names = [name for controller in membership.controllers for name in table.get(controller, ())]
    return names if membership.version == 1 else [*names, "cgroup.events"]


def parse_controllers(memberships: tuple[Membership, ...], texts: Texts) -> Cgroups:
    """The whole in one shape; raises UnreadableError."""
    return Cgroups(
        memberships,
        cpu=parse_cpu(texts),
        memory=parse_memory(texts),
        pids=parse_pids(texts),
        frozen=parse_frozen(texts),
        cpus=parse_cpus(texts),
        io=block.parse_io(texts),
        devices=tuple(texts["devices.list"].splitlines()) if "devices.list" in texts else None,
    )


def parse_cpu(texts: Texts) -> Cpu | None:
    """The cpu controller, None where the cgroup has none."""
    if "cpu.cfs_quota_us" in texts:
        return _cpu_v1(texts)
    return _cpu_v2(texts) if "cpu.max" in texts else None


def _cpu_v1(texts: Texts) -> Cpu:
    quota = number(texts["cpu.cfs_quota_us"], "cpu.cfs_quota_us")
    stat = counters(texts.get(V1_CPU_STAT, ""), "cpu.stat")
    return Cpu(
        quota_us=None if quota < 0 else quota,
        period_us=number(texts.get("cpu.cfs_period_us", "100000"), "cpu.cfs_period_us"),
        weight=number(texts.get("cpu.shares", "0"), "cpu.shares"),
        usage_us=number(texts.get("cpuacct.usage", "0"), "cpuacct.usage") // 1000,
        periods=stat.get("nr_periods", 0),
        throttled=stat.get("nr_throttled", 0),
        throttled_us=stat.get("throttled_time", 0) // 1000,
        each_us=tuple(number(word, "cpuacct.usage_percpu") // 1000 for word in texts.get("cpuacct.usage_percpu", "").split()),
    )


def _cpu_v2(texts: Texts) -> Cpu:
    words = texts["cpu.max"].split()
    if len(words) != 2:
        raise UnreadableError(f"cpu.max: {texts['cpu.max'][:40]!r} is not a quota and a period")
    stat = counters(texts.get("cpu.stat", ""), "cpu.stat")
    return Cpu(
        quota_us=limit(words[0], "cpu.max"),
        period_us=number(words[1], "cpu.max"),
        weight=number(texts.get("cpu.weight", "0"), "cpu.weight"),
        usage_us=stat.get("usage_usec", 0),
        periods=stat.get("nr_periods", 0),
        throttled=stat.get("nr_throttled", 0),
        throttled_us=stat.get("throttled_usec", 0),
    )


def parse_memory(texts: Texts) -> Memory | None:
    """The memory controller, None where the cgroup has none."""
    if "memory.limit_in_bytes" in texts:
        return _memory_v1(texts)
    return _memory_v2(texts) if "memory.max" in texts else None


def _memory_v1(texts: Texts) -> Memory:
    most = number(texts["memory.limit_in_bytes"], "memory.limit_in_bytes")
    return Memory(
        limit=None if most >= UNLIMITED else most,
        usage=number(texts.get("memory.usage_in_bytes", "0"), "memory.usage_in_bytes"),
        peak=_optional(texts, "memory.max_usage_in_bytes"),
        oom_kills=counters(texts.get("memory.oom_control", ""), "memory.oom_control").get("oom_kill", 0),
    )


def _memory_v2(texts: Texts) -> Memory:
    return Memory(
        limit=limit(texts["memory.max"], "memory.max"),
        usage=number(texts.get("memory.current", "0"), "memory.current"),
        peak=_optional(texts, "memory.peak"),
        oom_kills=counters(texts.get("memory.events", ""), "memory.events").get("oom_kill", 0),
    )


def _optional(texts: Texts, name: str) -> int | None:
    return number(texts[name], name) if name in texts else None


def parse_pids(texts: Texts) -> Pids | None:
    """The pids controller, None where the cgroup has none."""
    if "pids.max" not in texts:
        return None
    return Pids(
        limit(texts["pids.max"], "pids.max"),
        number(texts.get("pids.current", "0"), "pids.current"),
        counters(texts.get("pids.events", ""), "pids.events").get("max", 0),
    )


def parse_cpus(texts: Texts) -> tuple[int, ...] | None:
    """The processors that the cpuset controller allows, None where there is none."""
    for name in ("cpuset.effective_cpus", "cpuset.cpus.effective"):
        if name in texts:
            return numbers_listed(texts[name], name)
    return None


def parse_frozen(texts: Texts) -> bool | None:
    """True where either version keeps the cgroup frozen; None where neither can."""
    states = []
    if "freezer.state" in texts:
        states.append(texts["freezer.state"].strip() == "FROZEN")
    if "cgroup.events" in texts and "frozen" in (events := counters(texts["cgroup.events"], "cgroup.events")):
        states.append(events["frozen"] == 1)
    return any(states) if states else None
