"""Checks of the lesson on the remaining namespaces: a container made by hand, by somebody who is not root."""

from __future__ import annotations

from workshop.facts import Container, Evidence, Facts, Queue
from workshop.judging import (
    NO_ENGINE,
    OVERFLOW_UID,
    NotYet,
    Passed,
    Verdict,
    has_own,
    interactive,
    moment,
    new_of,
    not_by_hand,
    number,
    targets_of,
    unanswered,
)

OWN = ("ipc", "mnt", "pid", "user", "uts")
"""The namespaces that the command of the lesson makes."""
DAY = 86_400
"""Seconds of a day."""
KEY_BITS = 0xFFFFFFFF
"""The kernel lists keys as signed numbers, ipcs shows them in hexadecimal without a sign."""


def stranger_started(seen: Evidence) -> Verdict:
    """A shell on a terminal became PID 1 of a container made by hand whose root is not the host's root."""
    ours = _by_hand(seen)
    for container in new_of(seen, ours):
        return Passed(container=container.name, pid=container.init.pid)
    for container in seen.appeared():
        return _lacking(seen, container)
    return NotYet("already_there", pid=ours[0].init.pid) if ours else NotYet("no_container")


def _lacking(seen: Evidence, container: Container) -> NotYet:
    """What keeps a container that did start from being the one that the lesson needs."""
    if lacking := not_by_hand(container, seen.now.host.namespaces, OWN):
        return lacking
    return NotYet("real_root") if container.users.host_uid(0) == 0 else NotYet("no_map")


def owner_named(seen: Evidence) -> Verdict:
    """The answer is the uid that the container's root has on the host."""
    answered, ours = number(seen.answer), _by_hand(seen)
    if not ours or answered is None:
        return unanswered(ours)
    if answered in {one.users.host_uid(0) for one in ours}:
        return Passed(uid=answered)
    if answered == 0:
        return NotYet("inside_number")
    return NotYet("nobody_named") if answered == OVERFLOW_UID else NotYet("other_uid", answered=answered)


def mounted_inside(seen: Evidence) -> Verdict:
    """A file system appeared in the container's mounts, and the host has none there."""
    ours = _by_hand(seen)
    if not ours:
        return NotYet("no_container")
    for container in ours:
        earlier = seen.before.same(container)
        known = {one.target for one in (earlier.mounts if earlier else seen.now.host.mounts)}
        for mount in container.mounts:
            if mount.target not in known and mount.target not in targets_of(seen.now):
                return Passed(target=mount.target, type=mount.type, container=container.name)
    if strange := sorted(targets_of(seen.now) - targets_of(seen.before)):
        return NotYet("on_host", target=strange[0])
    return NotYet("no_mount")


def renamed_inside(seen: Evidence) -> Verdict:
    """The container has another host name than when the step began, and the host has kept its own."""
    ours = _by_hand(seen)
    if not ours:
        return NotYet("no_container")
    if seen.now.host.hostname != seen.before.host.hostname:
        return NotYet("host_renamed", name=seen.now.host.hostname, old=seen.before.host.hostname)
    for container in ours:
        earlier = seen.before.same(container)
        if container.hostname != (earlier.hostname if earlier else seen.now.host.hostname):
            return Passed(name=container.hostname, host=seen.now.host.hostname)
    return NotYet("same_name", name=ours[0].hostname, pid=ours[0].init.pid)


def queue_made(seen: Evidence) -> Verdict:
    """A message queue appeared in the container's IPC namespace."""
    ours = _by_hand(seen)
    if not ours:
        return NotYet("no_container")
    for container in ours:
        earlier = seen.before.same(container)
        if made := _new(earlier.ipc.queues if earlier else (), container.ipc.queues):
            return Passed(queue=made[0].id, namespace=container.namespaces.ipc)
    if stray := _new(seen.before.host.ipc.queues, seen.now.host.ipc.queues):
        return NotYet("on_host", queue=stray[0].id)
    return NotYet("already_there", queue=ours[0].ipc.queues[0].id) if ours[0].ipc.queues else NotYet("no_queue")


def key_named(seen: Evidence) -> Verdict:
    """The answer is the key of a queue in the container's IPC namespace."""
    answered, ours = number(seen.answer), _by_hand(seen)
    if not ours or answered is None:
        return unanswered(ours)
    queues = [queue for one in ours for queue in one.ipc.queues]
    if not queues:
        return NotYet("no_queue")
    if answered & KEY_BITS in {one.key & KEY_BITS for one in queues}:
        return Passed(key=f"0x{answered & KEY_BITS:08x}")
    if answered in {one.id for one in queues}:
        return NotYet("id_named", answered=answered)
    if answered & KEY_BITS in {one.key & KEY_BITS for one in seen.now.host.ipc.queues}:
        return NotYet("host_key")
    return NotYet("other_key", answered=f"0x{answered & KEY_BITS:x}")


def older_started(seen: Evidence) -> Verdict:
    """A shell on a terminal became PID 1 of a container whose clock since boot is ahead of the host's by days."""
    appeared = seen.appeared()
    for container in interactive(seen):
        if container in appeared and container.clocks.boottime >= DAY:
            return Passed(days=container.clocks.boottime // DAY, container=container.name)
    for container in appeared:
        if "time" in container.namespaces.shared_with(seen.now.host.namespaces):
            return NotYet("host_time", container=container.name)
        if container.clocks.boottime >= DAY:
            return NotYet("no_shell", container=container.name)
        return NotYet("no_offset", container=container.name, seconds=container.clocks.boottime)
    return NotYet("no_new_container")


def containers_gone(seen: Evidence) -> Verdict:
    """The containers made by hand were there when the step began, and none of them is now."""
    there = _by_hand(moment(seen.before))
    if not there:
        return NotYet("was_not_there")
    older = [one for one in seen.before.containers if one.clocks.boottime >= DAY]
    for container in [*there, *older]:
        if seen.now.same(container):
            return NotYet("still_there", pid=container.init.pid)
    return Passed(count=sum(len(one.ipc.queues) for one in there))


def owner(facts: Facts) -> str:
    """The host's uid of the container's root."""
    return str(_one(facts).users.host_uid(0))


def key(facts: Facts) -> str:
    """The key of the container's queue, as ipcs shows it."""
    return f"0x{_one(facts).ipc.queues[0].key & KEY_BITS:08x}"


def _by_hand(seen: Evidence) -> list[Container]:
    """Containers that may be the learner's: a shell on a terminal, made by no engine, its root a stranger on the host."""
    host = seen.now.host.namespaces
    found = [one for one in interactive(seen) if one.engine in NO_ENGINE and one.users.host_uid(0)]
    return [one for one in found if has_own(one, host, OWN)]


def _one(facts: Facts) -> Container:
    return _by_hand(moment(facts))[0]


def _new(before: tuple[Queue, ...], now: tuple[Queue, ...]) -> list[Queue]:
    known = {one.id for one in before}
    return [one for one in now if one.id not in known]
