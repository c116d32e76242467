"""What of all that was seen is the learner's own: only that passes steps, is drawn, undone, recorded and handed in. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from .components import Component
from .ipc import Ipc, Others
from .mounts import Mount
from .processes import Process
from .seen import Container, Facts, Host

SERVING = ("daemon", "containerd", "helper")
"""Parts of an engine that are there for everybody who may ask it."""

_USERS_PLACE = re.compile(r"/run/user/(\d+)(?=/|$)")
_ENGINES_PLACE = re.compile(r"/(?:run|var/lib)/(?:docker|containerd|containers)/")


def own(seen: Facts) -> Facts:
    """The same without what others have on this machine, as far as a learner can be told apart from them.

    Containers and engines' processes are whose started them, System V objects whose owner says so. Of others' objects it is
    told how many there are and which queues: `ipcs` lists those as well.
    """
    persons = frozenset(seen.persons or (seen.caller,))
    containers = tuple(_without_others(one, seen.host, persons) for one in seen.containers if persons & {*one.owners})
    strangers = {one.id for one in seen.containers} - {one.id for one in containers}
    return own_objects(replace(seen, containers=containers, host=_host(seen.host, containers, persons, strangers)))


def own_objects(seen: Facts) -> Facts:
    """The same with the learner's own System V objects on the host, and of the others' what is told of those."""
    ipc, others = _divided(seen.host.ipc, frozenset(seen.persons or (seen.caller,)))
    told = seen.host.others
    both = Others(told.queues + others.queues, told.count + others.count)
    return replace(seen, host=replace(seen.host, ipc=ipc, others=both))


def unclaimed(seen: Facts) -> tuple[Container, ...]:
    """Containers that others started, or of which nothing shows who did: they pass nothing, but may be taken for one's own."""
    persons = frozenset(seen.persons or (seen.caller,))
    return tuple(one for one in seen.containers if not persons & {*one.owners} and one.engine != "box")


def _host(host: Host, containers: Collection[Container], persons: Collection[int], strangers: Collection[str]) -> Host:
    return replace(
        host,
        processes=_above(host.processes, containers),
        components=tuple(one for one in host.components if _is_own(one, containers, persons)),
        groups=tuple(path for path in host.groups if not any(one in path for one in strangers)),
        sockets=tuple(path for path in host.sockets if not _elsewhere(path, persons)),
        mounts=tuple(_visible(host.mounts, persons)),
    )


def _without_others(container: Container, host: Host, persons: Collection[int]) -> Container:
    """A container that shares the host's IPC namespace sees what is there of everybody's, too."""
    shares = container.namespaces.ipc == host.namespaces.ipc
    return replace(container, ipc=_divided(container.ipc, persons)[0]) if shares else container


def _divided(ipc: Ipc, persons: Collection[int]) -> tuple[Ipc, Others]:
    """The objects of these persons, and what is told of the others'."""
    mine = Ipc(
        tuple(one for one in ipc.queues if one.owner in persons),
        tuple(one for one in ipc.segments if one.owner in persons),
        tuple(one for one in ipc.semaphores if one.owner in persons),
    )
    queues = tuple(one.id for one in ipc.queues if one not in mine.queues)
    return mine, Others(queues, ipc.count - mine.count)


def _above(processes: Collection[Process], containers: Collection[Container]) -> tuple[Process, ...]:
    """Of the host's processes those that stand above the processes of these containers."""
    by_pid, found = {one.pid: one for one in processes}, set[int]()
    for inside in (process for one in containers for process in (one.init, *one.processes)):
        pid = inside.parent
        while pid in by_pid and pid not in found:
            found.add(pid)
            pid = by_pid[pid].parent
    return tuple(one for one in processes if one.pid in found)


def _is_own(component: Component, containers: Collection[Container], persons: Collection[int]) -> bool:
    """A server that root runs is everybody's; what waits for a container is that container's; all else is whose started it."""
    if component.part in SERVING:
        return component.uid in (0, *persons)
    if component.part in ("shim", "runtime"):
        return any(one.init.parent == component.pid for one in containers)
    return bool({*persons} & {*(component.owners or (component.uid,))})


def _elsewhere(path: str, persons: Collection[int]) -> bool:
    """True for a place that is another user's by its name."""
    found = _USERS_PLACE.match(path)
    return found is not None and int(found[1]) not in persons


def _visible(mounts: Collection[Mount], persons: Collection[int]) -> Iterator[Mount]:
    """Mounts but those that engines make of containers' layers, and those of other users' places."""
    return (one for one in mounts if not _ENGINES_PLACE.match(one.target) and not _elsewhere(one.target, persons))
