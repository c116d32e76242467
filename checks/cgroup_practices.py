"""Checks of the lesson on what control groups are used for: a core, memory, a disk, devices, and what tc does for the network."""

from __future__ import annotations

import re

from workshop.facts import Container, Evidence, Facts, Throttle, Transfer
from workshop.judging import (
    MEBIBYTE,
    NotYet,
    Passed,
    Verdict,
    cpu_gained,
    interactive,
    is_shell,
    memory_limit,
    memory_used,
    new_of,
    none_new,
    oom_kills,
    processors,
    typed,
)

SMALL = 256 * MEBIBYTE
"""Less than an engine allows without being asked: the container is one of this lesson's."""
FULL = 40 * MEBIBYTE
"""What the container is to hold in memory."""
ROOM = 64 * MEBIBYTE
"""The limit that is enough for that."""
HOUSE, HELD, BUSY_US = 80 * MEBIBYTE, 50 * MEBIBYTE, 1_000_000
"""What the last task's container may have at most, what it is to hold, and the CPU time that it is to have had."""
WORK_US = 300_000
"""CPU time that is work."""
STRAY = 0.05
"""So much of the work may be on other processors: a shell that was there before it was held to one."""
READ = 12 * 64 * 1024
"""Bytes that the container reads from its disk."""
SENT = 2 * MEBIBYTE
"""Bytes that go through the network interface."""
RATE_BITS = 4_000_000
"""What the interface may send in a second."""
EARLIEST, LATEST = 0.7, 3.0
"""How far from what a limit makes of it a measured time may be: a bucket is full at first, a machine is slow."""
ZERO = re.compile(r"a |c (1|\*):(5|\*) .*r")
"""Lines of devices.list that let a group read /dev/zero."""


def container_started(seen: Evidence) -> Verdict:
    """A container with a shell on a terminal and a memory limit of its own appeared."""
    ours, appeared = interactive(seen), seen.appeared()
    fit = new_of(seen, _ours(seen))
    if fit:
        return Passed(container=fit[0].name, limit=memory_limit(fit[0]) // MEBIBYTE)
    for container in (one for one in ours if one in appeared):
        return NotYet("no_limit", container=container.name)
    for container in appeared:
        return NotYet("no_terminal" if is_shell(container) else "not_a_shell", container=container.name)
    return none_new(ours)


def pinned(seen: Evidence) -> Verdict:
    """A container may run on one processor only, and might run on more, or was not there, when the step began."""
    ours = _ours(seen)
    for container in ours:
        if len(processors(container)) == 1 and len(processors(seen.before.same(container))) != 1:
            return Passed(container=container.name, cpu=processors(container)[0])
    if not ours:
        return NotYet("no_container")
    if len(processors(ours[0])) == 1:
        return NotYet("already_pinned", container=ours[0].name)
    return NotYet("many", container=ours[0].name, cpus=", ".join(map(str, processors(ours[0]))))


def worked_there(seen: Evidence) -> Verdict:
    """All work of a container since the step began was done by the one processor that it is held to."""
    ours = _ours(seen)
    held = [one for one in ours if len(processors(one)) == 1]
    for container in held:
        work = cpu_gained(seen, container)
        if work > WORK_US:
            return _where(seen, container, work)
    if not ours:
        return NotYet("no_container")
    if not held:
        return NotYet("not_pinned", container=ours[0].name)
    return NotYet("idle", used_ms=cpu_gained(seen, held[0]) // 1000)


def _where(seen: Evidence, container: Container, work: int) -> Verdict:
    """Which processors did the work: version 1 counts for each; of version 2 the running processes tell where they are."""
    cpu, each = processors(container)[0], _each_us(seen, container)
    if each:
        elsewhere = sum(each) - each[cpu]
        if elsewhere > work * STRAY:
            return NotYet("elsewhere", cpu=cpu, other_ms=elsewhere // 1000)
        return Passed(cpu=cpu, work_ms=each[cpu] // 1000, other_ms=elsewhere // 1000)
    running = [one for one in container.processes if one.state == "R"]
    if not running or any(one.processor != cpu for one in running):
        return NotYet("none_running", cpu=cpu)
    return Passed("passed_v2", cpu=cpu, work_ms=work // 1000, running=len(running))


def room_enough(seen: Evidence) -> Verdict:
    """A container holds more in memory than it did when the step began, more than its first limit, and nothing was killed."""
    ours = _ours(seen)
    for container in ours:
        if memory_used(container) >= FULL > memory_used(seen.before.same(container)):
            if memory_limit(container) > ROOM:
                return NotYet("roomy", limit=memory_limit(container) // MEBIBYTE)
            return Passed(usage=memory_used(container) // MEBIBYTE, limit=memory_limit(container) // MEBIBYTE)
    if not ours:
        return NotYet("no_container")
    container = ours[0]
    if memory_used(container) >= FULL:
        return NotYet("full_before")
    if 0 < memory_limit(container) < FULL:
        return _too_small(seen, container)
    return NotYet("not_filled", usage=memory_used(container) // MEBIBYTE)


def _too_small(seen: Evidence, container: Container) -> NotYet:
    """With or without the kernel having said so."""
    kills = oom_kills(container) - oom_kills(seen.before.same(container))
    limit = memory_limit(container) // MEBIBYTE
    return NotYet("killed", limit=limit) if kills > 0 else NotYet("still_small", limit=limit)


def disk_slowed(seen: Evidence) -> Verdict:
    """The answer is how long a read took that the kernel held to the group's limit for the disk."""
    ours, answered = _ours(seen), _seconds(seen.answer)
    slowed = [(one, limit) for one in ours if (limit := _throttle(one))]
    if not slowed:
        return NotYet("no_throttle", container=ours[0].name) if ours else NotYet("no_container")
    container, limit = slowed[0]
    read = _transfer(container, limit.device).read_bytes - _transfer(seen.before.same(container), limit.device).read_bytes
    if read < READ:
        return NotYet("not_read", device=limit.device, kib=read // 1024)
    passed = Passed(device=limit.device, kib=read // 1024, limit=(limit.read_bytes or 0) // 1024)
    return _time_missed(answered, READ / (limit.read_bytes or READ)) or passed


def _time_missed(answered: float | None, wanted: float) -> NotYet | None:
    """What is wrong with a time, None if it is about what the limit makes of it."""
    if answered is None:
        return NotYet("no_answer")
    if answered < wanted * EARLIEST:
        return NotYet("too_fast", answered=f"{answered:g}", wanted=f"{wanted:.1f}")
    return NotYet("too_slow", answered=f"{answered:g}", wanted=f"{wanted:.1f}") if answered > wanted * LATEST else None


def device_refused(seen: Evidence) -> Verdict:
    """The answer is what is said to a group that tries a device which it may not use."""
    ours, answered = _ours(seen), typed(seen.answer).lower()
    listed = [one for one in ours if one.cgroups.devices is not None]
    if not listed:
        return NotYet("no_container")
    refused = [one for one in listed if not any(ZERO.match(line) for line in one.cgroups.devices or ())]
    if not refused:
        return NotYet("still_allowed", container=listed[0].name)
    if not answered:
        return NotYet("no_answer")
    if "not permitted" in answered or "eperm" in answered:
        return Passed(container=refused[0].name)
    return NotYet("file_mode" if "denied" in answered or "eacces" in answered else "other_words")


def network_shaped(seen: Evidence) -> Verdict:
    """The answer is how long it took to send through an interface that a queue holds to its rate."""
    answered = _seconds(seen.answer)
    sent = max((_sent(seen, one) for one in interactive(seen)), default=0)
    if sent < SENT:
        return NotYet("nothing_sent", kib=sent // 1024)
    return _time_missed(answered, SENT * 8 / RATE_BITS) or Passed(kib=sent // 1024, seconds=f"{answered:g}")


def database_housed(seen: Evidence) -> Verdict:
    """A new container is held to a processor of its own, has worked only there, and holds much of its small memory."""
    ours = interactive(seen)
    fresh = new_of(seen, ours)
    if not fresh:
        return none_new(ours)
    missing = [_missing(seen, one) for one in fresh]
    if all(missing):
        return next(one for one in missing if one)
    container = fresh[missing.index(None)]
    return Passed(
        container=container.name, cpu=processors(container)[0], work_ms=cpu_gained(seen, container) // 1000,
        usage=memory_used(container) // MEBIBYTE, limit=memory_limit(container) // MEBIBYTE,
    )  # fmt: skip


def _missing(seen: Evidence, container: Container) -> NotYet | None:
    """What a container for a database lacks, in the order in which it is set."""
    cpus = processors(container)
    if not 0 < memory_limit(container) <= HOUSE:
        return NotYet("roomy", container=container.name)
    if len(cpus) != 1:
        return NotYet("many", container=container.name, cpus=", ".join(map(str, cpus)))
    return NotYet("shared", container=container.name) if cpus[0] == 0 else _unproved(seen, container)


def _unproved(seen: Evidence, container: Container) -> NotYet | None:
    """What the account of a container that is set up right does not show yet."""
    cpu, work, each = processors(container)[0], cpu_gained(seen, container), _each_us(seen, container)
    if work < BUSY_US:
        return NotYet("idle", container=container.name, used_ms=work // 1000)
    elsewhere = sum(each) - each[cpu] if each else 0
    if elsewhere > work * STRAY:
        return NotYet("elsewhere", container=container.name, cpu=cpu, other_ms=elsewhere // 1000)
    usage = memory_used(container)
    return NotYet("not_filled", container=container.name, usage=usage // MEBIBYTE) if usage < HELD else None


def disk_seconds(facts: Facts) -> str:
    """What the limit makes of the read."""
    limits = (_throttle(one) for one in facts.containers)
    return next(f"{READ / (one.read_bytes or READ):.2f}" for one in limits if one)


def refusal(_: Facts) -> str:
    """What the kernel's EPERM reads as."""
    return "Operation not permitted"


def network_seconds(_: Facts) -> str:
    """What the rate makes of the transfer."""
    return f"{SENT * 8 / RATE_BITS:.2f}"


def _seconds(answer: str | None) -> float | None:
    """The time in an answer such as 4.4, `real 0m 4.43s` or `4,4 s`."""
    found = re.search(r"(?:(\d+)m\s*)?(\d+(?:[.,]\d+)?)", typed(answer).lower())
    return int(found[1] or 0) * 60 + float(found[2].replace(",", ".")) if found else None


def _ours(seen: Evidence) -> list[Container]:
    """The containers that may be the learner's: a shell on a terminal, and a small memory limit."""
    return [one for one in interactive(seen) if 0 < memory_limit(one) <= SMALL]


def _each_us(seen: Evidence, container: Container) -> list[int]:
    """The same on each processor, empty where the kernel does not tell."""
    earlier = seen.before.same(container)
    now = container.cgroups.cpu.each_us if container.cgroups.cpu else ()
    past = earlier.cgroups.cpu.each_us if earlier and earlier.cgroups.cpu else (0,) * len(now)
    return [one - other for one, other in zip(now, past, strict=False)]


def _throttle(container: Container) -> Throttle | None:
    """Its first limit on reading from a disk."""
    io = container.cgroups.io
    return next((one for one in io.throttles if one.read_bytes), None) if io else None


def _transfer(container: Container | None, device: str) -> Transfer:
    io = container.cgroups.io if container else None
    return next((one for one in io.transfers if one.device == device), Transfer(device)) if io else Transfer(device)


def _sent(seen: Evidence, container: Container) -> int:
    """Bytes that the container's busiest interface has sent since the step began."""
    earlier = seen.before.same(container)
    past = {one.name: one.sent for one in earlier.interfaces} if earlier else {}
    return max((one.sent - past.get(one.name, 0) for one in container.interfaces), default=0)
