"""Checks of the lesson on the remaining namespaces: a container made by hand, by somebody who is not root."""

from __future__ import annotations

from workshop.facts import Container, Evidence, Facts, Queue
from workshop.judging import (
    NO_ENGINE,
    OVERFLOW_UID,
    NotYet,
    Passed,
    Verdict,
    at_terminal,
    has_own,
    interactive,
    moment,
    new_of,
    newest_first,
    not_by_hand,
    number,
    targets_of,
    unanswered,
)

OWN = ("ipc", "mnt", "pid", "user", "uts")
"""The namespaces that the command of the lesson makes."""
DAY = 86_400
"""Seconds of a day."""
MINUTE = 60
"""Seconds that an offset may be off: somebody may have reckoned with the uptime."""
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
    renamed = [one.hostname for one in ours if one.hostname != _earlier_name(seen, one)]
    if renamed and (called := seen.drawn.get("called", renamed[0])) in renamed:
        return Passed(name=called, host=seen.now.host.hostname)
    return NotYet("other_name", name=renamed[0]) if renamed else NotYet("same_name", name=ours[0].hostname, pid=ours[0].init.pid)


def _earlier_name(seen: Evidence, container: Container) -> str:
    """Its host name when the step began, the host's for a new one."""
    earlier = seen.before.same(container)
    return earlier.hostname if earlier else seen.now.host.hostname


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
    if any(_others_made(seen, one) for one in ours):
        return NotYet("other_kind")
    return NotYet("already_there", queue=ours[0].ipc.queues[0].id) if ours[0].ipc.queues else NotYet("no_queue")


def _others_made(seen: Evidence, container: Container) -> bool:
    """The container has a new IPC object that is no queue."""
    earlier = seen.before.same(container)
    return bool(_no_queues(container) - (_no_queues(earlier) if earlier else set()))


def _no_queues(container: Container) -> set[tuple[str, int]]:
    """Its IPC objects of the other two kinds."""
    ipc = container.ipc
    return {("segment", one.id) for one in ipc.segments} | {("semaphores", one.id) for one in ipc.semaphores}


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
    """A shell on a terminal became PID 1 of a container without real root, days older than the host, with a queue of its own."""
    host = seen.now.host.namespaces
    appeared = sorted(newest_first(seen.appeared()), key=lambda one: "time" in one.namespaces.shared_with(host))
    lacks = [(one, _not_older(seen, one)) for one in appeared]
    for container, lacking in lacks:
        if not lacking:
            days, queue = container.clocks.boottime // DAY, container.ipc.queues[0].id
            return Passed(days=days, container=container.name, queue=queue)
    return (lacks[0][1] if lacks else None) or NotYet("no_new_container")


def _not_older(seen: Evidence, container: Container) -> NotYet | None:
    """What keeps a new container from being the older one."""
    if "time" in (shared := container.namespaces.shared_with(seen.now.host.namespaces)):
        return NotYet("host_time", container=container.name)
    if not _ahead(seen, container):
        return NotYet("no_offset", container=container.name, seconds=container.clocks.boottime)
    if not at_terminal(container):
        return NotYet("no_shell", container=container.name)
    if not (root := container.users.host_uid(0)):
        return NotYet("no_map" if root is None else "real_root", container=container.name)
    if "ipc" in shared:
        return NotYet("host_queues", container=container.name)
    return None if container.ipc.queues else NotYet("no_queue", container=container.name)


def _ahead(seen: Evidence, container: Container) -> bool:
    """Its clock since boot is ahead by the days that this learner was given; any number of whole days where none were."""
    older = int(seen.drawn.get("older", container.clocks.boottime // DAY))
    return older > 0 and abs(container.clocks.boottime - older * DAY) < MINUTE


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
