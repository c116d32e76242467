"""All facts of one moment: the processes are gone over once, and of each container only what was asked for is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ...facts import SUBJECTS, Facts
from .ancestors import Ancestors
from .asked import Asker, Sandboxed
from .components import read_components, read_sockets
from .containers import Recognition, describe_all
from .groups import read_groups
from .half_made import half_made
from .held import read_or
from .host import complete, machine, read_host
from .interior import Room, look_inside
from .roots import read_chrooted
from .starters import persons
from .survey import running, survey
from .visibility import Question

__all__ = ["Asker", "Sandboxed", "observe"]


def observe(
    subjects: Collection[str], caller: Asker, sandboxes: Mapping[str, Sandboxed], instance: str, helper: int = 0
) -> Facts:
    """What the kernel shows now of the `subjects`, to the `caller`.

    `sandboxes` holds the helper's own boxes by container id; `helper` is the pid of the helper itself, 0 where there is none.
    `complete` is True where this process could look at every process and enter every namespace. Raises OSError only where there
    is no /proc.
    """
    ancestors = Ancestors()
    question = Question(subjects, caller.uid, persons(caller, ancestors), sandboxes, instance)
    there = running(question.not_to_be_read())
    with machine() as seen, survey(seen.own.pid, subjects, there.pids) as found, half_made(question, seen.trees) as halves:
        known = Recognition(question, seen.paths, ancestors).recognise(found)
        containers = describe_all(known, question, seen.trees)
        host = read_host(seen, subjects, there.count)
        if "cgroups" in subjects:
            host = replace(host, groups=read_groups(seen, question))
        if "processes" in subjects:
            members = [process for one in known for process in one.group.members]
            host = replace(host, processes=ancestors.outside(members, found.inside()))
        if "components" in subjects:
            components = read_components(seen.own.pid, there.pids, ancestors, helper)
            host = replace(host, components=components, sockets=read_or(read_sockets, ()))
        chrooted = read_chrooted(seen.first, there.pids, question, ancestors) if "roots" in subjects else ()
        root = complete(seen.observer)
        unfinished = [(one.seen, held) for one, held in halves if one.seen and held]
        rooms = [Room(host.namespaces, seen.first), *(Room(one.namespaces, held) for one, held in (*containers, *unfinished))]
        interior = look_inside(subjects, seen.own, rooms, root)
    asked = tuple(name for name in SUBJECTS if name in subjects)
    filled = tuple(interior.fill(container) for container, _ in containers)
    made = tuple(replace(one, seen=interior.fill(one.seen) if one.seen else None) for one, _ in halves)
    return Facts(interior.fill(host), filled, asked, root, caller.uid, chrooted, made, persons=question.persons)
