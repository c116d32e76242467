"""Checks of the article's first exercise: eight namespaces, seen from inside the container and from the host."""

from __future__ import annotations

from workshop.facts import KINDS, Container, Evidence, Facts, Host, Ipc, Mount, Namespaces
from workshop.judging import (
    NotYet,
    Passed,
    Verdict,
    at_terminal,
    gone_of,
    has_own,
    interactive,
    kinds_named,
    moment,
    mounted_at,
    new_of,
    none_new,
    not_at_terminal,
    number,
    shared_of,
    typed,
    unanswered,
)

OWN = ("pid", "mnt", "uts", "ipc", "net")
"""The namespaces that the exercise looks into; an engine may give a container more."""


def container_started(seen: Evidence) -> Verdict:
    """A shell on a terminal became PID 1 of a container with its own pid, mnt, uts, ipc and net namespaces."""
    ours = _ours(seen)
    for container in new_of(seen, ours):
        return Passed(container=container.name, pid=container.init.pid)
    for container in seen.appeared():
        return _lacking(container, seen.now.host.namespaces)
    return none_new(ours)


def _lacking(container: Container, host: Namespaces) -> NotYet:
    """What keeps a container that did start from being the one that the exercise needs."""
    if not at_terminal(container):
        return not_at_terminal(container)
    shared = shared_of(container, host, OWN)
    return NotYet("shares_namespaces", container=container.name, names=", ".join(shared))


def pid_namespace_named(seen: Evidence) -> Verdict:
    """The answer is the number of the container's PID namespace."""
    answered, ours, host = number(seen.answer), _ours(seen), seen.now.host.namespaces
    if not ours or answered is None:
        return unanswered(ours)
    if answered in {one.namespaces.pid for one in ours}:
        return Passed(namespace=answered, host=host.pid)
    if answered == host.pid:
        return NotYet("host_namespace", answered=answered)
    return _other_number(seen, answered, ours[0])


def _other_number(seen: Evidence, answered: int, container: Container) -> NotYet:
    """What the number is, if it is not that of a PID namespace of this moment."""
    if kind := _kind_of(answered, container.namespaces):
        return NotYet("other_kind", answered=answered, kind=kind)
    if kind := _kind_of(answered, seen.now.host.namespaces):
        return NotYet("host_other_kind", answered=answered, kind=kind)
    if answered in {pid for one in (container.init, *container.processes) for pid in (one.inner, one.pid)}:
        return NotYet("process_number", answered=answered)
    if any(answered == one.namespaces.pid for one in seen.gone()):
        return NotYet("container_replaced", answered=answered)
    return NotYet("no_such_namespace", answered=answered)


def shared_namespaces_named(seen: Evidence) -> Verdict:
    """The answer names the namespaces that host and container share, all of them and no others."""
    answered, ours, host = kinds_named(seen.answer), _ours(seen), seen.now.host.namespaces
    if not ours or answered is None:
        return unanswered(ours)
    for container in ours:
        if answered == set(shared := container.namespaces.shared_with(host)):
            return Passed(names=", ".join(shared) or "-", own=len(container.namespaces.apart_from(host)))
    return _wrongly_shared(answered, ours[0].namespaces, host)


def _wrongly_shared(answered: frozenset[str], container: Namespaces, host: Namespaces) -> NotYet:
    """The first thing to put right in a list of shared namespaces."""
    shared, apart = set(container.shared_with(host)), set(container.apart_from(host))
    if not answered:
        return NotYet("none_named")
    if answered == apart:
        return NotYet("other_way_round", names=", ".join(sorted(apart)))
    if wrong := sorted(answered - shared):
        kind = wrong[0]
        return NotYet("not_shared", kind=kind, container=getattr(container, kind), host=getattr(host, kind))
    return NotYet("missed_some", missed=len(shared - answered))


def processes_counted(seen: Evidence) -> Verdict:
    """The answer is how many processes `ps` shows in the container: those that are there, and `ps` itself."""
    answered, ours = number(seen.answer), _ours(seen)
    if not ours or answered is None:
        return unanswered(ours)
    there = [len(one.processes) for one in ours]
    if answered - 1 in there:
        return Passed(processes=answered, host=seen.now.host.process_count)
    if answered in there:
        return NotYet("ps_not_counted", answered=answered)
    if answered - 2 in there:
        return NotYet("header_counted", answered=answered)
    if answered > seen.now.host.process_count // 2:
        return NotYet("host_processes", answered=answered)
    return NotYet("other_count", answered=answered)


def host_pid_named(seen: Evidence) -> Verdict:
    """The answer is the number that the host gives to the container's PID 1."""
    answered, ours = number(seen.answer), _ours(seen)
    if not ours or answered is None:
        return unanswered(ours)
    if answered in {one.init.pid for one in ours}:
        return Passed(pid=answered)
    if answered == 1:
        return NotYet("inside_number")
    if answered in {one.init.parent for one in ours}:
        return NotYet("parent_process", answered=answered)
    for one in (process for container in ours for process in container.processes):
        if answered == one.pid:
            return NotYet("other_process", answered=answered, name=one.name, inner=one.inner)
    return NotYet("not_in_container", answered=answered)


def root_type_named(seen: Evidence) -> Verdict:
    """The answer is the type of the file system that is mounted on the container's `/`."""
    answered, ours = _mounted_type(seen.answer), _ours(seen)
    if not ours or not answered:
        return unanswered(ours)
    if answered in {_root(one.mounts).type for one in ours}:
        return Passed(type=answered, host=_root(seen.now.host.mounts).type)
    if answered == _root(seen.now.host.mounts).type:
        return NotYet("host_root", answered=answered)
    for mount in ours[0].mounts:
        if answered == mount.type:
            return NotYet("other_mount", answered=answered, target=mount.target)
    if answered == _root(ours[0].mounts).source.lower():
        return NotYet("source_named", answered=answered)
    return NotYet("no_such_type", answered=answered)


def hostname_named(seen: Evidence) -> Verdict:
    """The answer is the host name that the container's UTS namespace holds."""
    answered, ours = typed(seen.answer).lower(), _ours(seen)
    if not ours or not answered:
        return unanswered(ours)
    if answered in {one.hostname.lower() for one in ours}:
        return Passed(hostname=answered, host=seen.now.host.hostname)
    if answered == seen.now.host.hostname.lower():
        return NotYet("host_hostname", answered=answered)
    if answered in {name.lower() for one in ours for name in (one.name, one.id)}:
        return NotYet("container_name", answered=answered)
    if answered in {one.hostname.lower() for one in seen.gone()}:
        return NotYet("container_replaced", answered=answered)
    return NotYet("other_hostname", answered=answered)


def ipc_objects_counted(seen: Evidence) -> Verdict:
    """The answer is how many System V objects `ipcs` lists in the container."""
    answered, ours = number(seen.answer), _ours(seen)
    if not ours or answered is None:
        return unanswered(ours)
    if answered in {one.ipc.count for one in ours}:
        return Passed(objects=answered, host=_objects_on(seen.now.host))
    if answered == _objects_on(seen.now.host):
        return NotYet("host_objects", answered=answered)
    return NotYet("other_count", answered=answered)


def queue_made_on_host(seen: Evidence) -> Verdict:
    """A message queue appeared in the host's IPC namespace."""
    made, host = _ids(seen.now.host.ipc) - _ids(seen.before.host.ipc), seen.now.host.namespaces.ipc
    if made:
        return Passed(queue=max(made), host_ipc=host)
    for container in seen.now.containers:
        if inside := _ids(container.ipc) - _ids_before(seen, container):
            inode = container.namespaces.ipc
            return NotYet("queue_in_container", queue=max(inside), container=container.name, container_ipc=inode, host_ipc=host)
    if others := set(seen.now.host.others.queues) - set(seen.before.host.others.queues):
        return NotYet("others_queue", queue=max(others))
    return _instead_of_a_queue(seen.before.host.ipc, seen.now.host.ipc)


def _instead_of_a_queue(before: Ipc, now: Ipc) -> NotYet:
    """What appeared on the host, or went, where a queue was asked for."""
    if segments := {one.id for one in now.segments} - {one.id for one in before.segments}:
        return NotYet("segment_made", segment=max(segments))
    if sets := {one.id for one in now.semaphores} - {one.id for one in before.semaphores}:
        return NotYet("semaphores_made", set=max(sets))
    if removed := _ids(before) - _ids(now):
        return NotYet("queue_removed", queue=max(removed))
    return NotYet("made_before", queue=max(_ids(now))) if now.queues else NotYet("no_queue")


def queue_named(seen: Evidence) -> Verdict:
    """The answer is the id of a message queue that the host has."""
    answered, host = number(seen.answer), seen.now.host.ipc
    if not host.queues:
        return NotYet("queue_removed") if seen.before.host.ipc.queues else NotYet("no_queue")
    if answered is None:
        return NotYet("no_answer")
    for queue in host.queues:
        if answered == queue.id:
            return Passed(queue=queue.id, key=f"0x{queue.key & 0xFFFFFFFF:08x}")
        if answered == queue.key & 0xFFFFFFFF:
            return NotYet("key_named", key=f"0x{answered:08x}")
    return _other_object(seen, answered)


def _other_object(seen: Evidence, answered: int) -> NotYet:
    """What the number is, if no queue of the host has it."""
    host = seen.now.host.ipc
    if answered in seen.now.host.others.queues:
        return NotYet("others_queue", answered=answered)
    if answered in {one.id for one in host.segments} | {one.id for one in host.semaphores}:
        return NotYet("not_a_queue", answered=answered)
    for container in seen.now.containers:
        if answered in _ids(container.ipc):
            return NotYet("queue_in_container", answered=answered, container=container.name)
    return NotYet("no_such_queue", answered=answered)


def container_queues_counted(seen: Evidence) -> Verdict:
    """The answer is how many message queues the container sees while the host has at least one."""
    answered, ours, host = number(seen.answer), _ours(seen), seen.now.host.ipc.queues
    if not ours:
        return NotYet("no_container")
    if not host:
        return NotYet("no_queue")
    if answered is None:
        return NotYet("no_answer")
    for one in ours:
        if answered == len(one.ipc.queues):
            return Passed(
                queues=answered, host=len(host), container_ipc=one.namespaces.ipc, host_ipc=seen.now.host.namespaces.ipc
            )
    if answered == len(host) + len(seen.now.host.others.queues):
        return NotYet("host_queues", answered=answered)
    return NotYet("other_count", answered=answered)


def queue_removed_from_host(seen: Evidence) -> Verdict:
    """A message queue that the host had when the step began is gone."""
    before, now = _ids(seen.before.host.ipc), _ids(seen.now.host.ipc)
    if removed := before - now:
        return Passed("others_left", queue=max(removed), left=len(now)) if now else Passed(queue=max(removed))
    if not before:
        return NotYet("nothing_to_remove")
    if more := now - before:
        return NotYet("another_made", queue=max(more))
    return NotYet("still_there", queues=", ".join(str(one) for one in sorted(now)))


def container_gone(seen: Evidence) -> Verdict:
    """The container with the shell on a terminal was there when the step began, and is not now."""
    there = _ours(moment(seen.before))
    if not there:
        return NotYet("was_not_there")
    gone = gone_of(seen, there)
    if not gone:
        return NotYet("still_running", container=there[0].name, pid=there[0].init.pid)
    if started := new_of(seen, _ours(seen)):
        return NotYet("another_running", container=started[0].name, pid=started[0].init.pid)
    return Passed(container=gone[0].name, namespace=gone[0].namespaces.pid)


def pid_namespace(facts: Facts) -> str:
    """The number of the container's PID namespace."""
    return str(_one(facts).namespaces.pid)


def shared_namespaces(facts: Facts) -> str:
    """The kinds of namespace that host and container share."""
    return " ".join(_one(facts).namespaces.shared_with(facts.host.namespaces)) or "none"


def process_count(facts: Facts) -> str:
    """How many processes `ps` shows in the container, itself among them."""
    return str(len(_one(facts).processes) + 1)


def host_pid(facts: Facts) -> str:
    """The host's number of the container's PID 1."""
    return str(_one(facts).init.pid)


def root_type(facts: Facts) -> str:
    """The type of the file system on the container's `/`."""
    return _root(_one(facts).mounts).type


def hostname(facts: Facts) -> str:
    """The container's host name."""
    return _one(facts).hostname


def ipc_object_count(facts: Facts) -> str:
    """How many queues, segments and semaphore sets the container sees together."""
    return str(_one(facts).ipc.count)


def queue_id(facts: Facts) -> str:
    """The id of the host's message queue, the highest where it has several."""
    return str(max(_ids(facts.host.ipc)))


def container_queue_count(facts: Facts) -> str:
    """How many message queues the container sees."""
    return str(len(_one(facts).ipc.queues))


def _ours(seen: Evidence) -> list[Container]:
    """The containers that may be the learner's: a shell on a terminal, and every namespace of the exercise its own."""
    host = seen.now.host.namespaces
    return [one for one in interactive(seen) if has_own(one, host, OWN)]


def _one(facts: Facts) -> Container:
    return _ours(moment(facts))[0]


def _kind_of(inode: int, namespaces: Namespaces) -> str:
    return next((kind for kind in KINDS if getattr(namespaces, kind) == inode), "")


def _root(mounts: tuple[Mount, ...]) -> Mount:
    """What is mounted on `/`: the last one there, as later mounts cover earlier ones."""
    return mounted_at(mounts, "/") or Mount("/", "", "")


def _mounted_type(answer: str | None) -> str:
    """The answer itself, or the third field where a whole line of /proc/mounts was copied."""
    fields = typed(answer).lower().split()
    return fields[2] if len(fields) >= 3 else " ".join(fields)


def _ids(ipc: Ipc) -> set[int]:
    return {one.id for one in ipc.queues}


def _ids_before(seen: Evidence, container: Container) -> set[int]:
    earlier = seen.before.same(container)
    return _ids(earlier.ipc) if earlier else set()


def _objects_on(host: Host) -> int:
    """How many `ipcs` lists there: other users' as well."""
    return host.ipc.count + host.others.count
