"""Checks of the first lesson on namespaces: one container's processes, as they look from inside and from outside."""

from __future__ import annotations

from workshop.facts import Container, Evidence, Facts, Process
from workshop.judging import (
    NotYet,
    Passed,
    Verdict,
    gone_of,
    interactive,
    is_new,
    moment,
    new_of,
    none_new,
    not_at_terminal,
    number,
    typed,
    unanswered,
)


def container_started(seen: Evidence) -> Verdict:
    """A shell on a terminal became PID 1 of a container."""
    ours = interactive(seen)
    for container in new_of(seen, ours):
        return Passed(container=container.name, namespace=container.namespaces.pid)
    for container in seen.appeared():
        return not_at_terminal(container)
    return none_new(ours)


def host_pid_named(seen: Evidence) -> Verdict:
    """The answer is the host's number of a container's PID 1."""
    answered, ours = number(seen.answer), interactive(seen)
    if not ours or answered is None:
        return unanswered(ours)
    for container in ours:
        if answered == container.init.pid:
            return Passed(pid=answered, container=container.name)
    if answered == 1:
        return NotYet("inside_number")
    if answered in {one.init.parent for one in ours}:
        return NotYet("parent_named", answered=answered)
    if answered in {one.namespaces.pid for one in ours}:
        return NotYet("namespace_named", answered=answered)
    return NotYet("other_pid", answered=answered)


def cgroup_path_named(seen: Evidence) -> Verdict:
    """The answer is the path of the container's control group from the host's root, in whichever hierarchy it has one."""
    answered, ours = typed(seen.answer), interactive(seen)
    if not ours or not answered:
        return unanswered(ours)
    path = answered.split(":", 2)[-1]
    for container in ours:
        if path in _own_paths(container):
            same = "cgroup" in container.namespaces.shared_with(seen.now.host.namespaces)
            return Passed("same_path", path=path) if same else Passed(path=path)
    if path == "/":
        return NotYet("top_named")
    return NotYet("other_path", path=path) if path.startswith("/") else NotYet("not_a_path", answered=answered)


def entered(seen: Evidence) -> Verdict:
    """A process appeared in a container whose parent is outside of it: somebody entered the namespace."""
    ours = interactive(seen)
    if not ours:
        return NotYet("no_container")
    visitors = [(one, process) for one in ours for process in _visitors(one)]
    for container, process in visitors:
        if is_new(seen, container, process):
            return Passed(pid=process.inner, outside=process.pid, parent=process.parent)
    if visitors:
        return NotYet("already_there", pid=visitors[0][1].inner)
    born = [process for process in _others(ours[0]) if is_new(seen, ours[0], process)]
    return NotYet("born_inside", name=born[0].name, pid=born[0].inner) if born else NotYet("nobody_entered")


def visitor_named(seen: Evidence) -> Verdict:
    """The answer is the number that the process which entered has inside."""
    answered, ours = number(seen.answer), interactive(seen)
    visitors = [process for one in ours for process in _visitors(one)]
    if not visitors or answered is None:
        return NotYet("no_answer") if visitors else NotYet("nobody_inside")
    if answered in {one.inner for one in visitors}:
        return Passed(pid=answered)
    if answered in {one.pid for one in visitors}:
        return NotYet("outside_number", answered=answered)
    if answered == 0:
        return NotYet("parent_named")
    return NotYet("first_named") if answered == 1 else NotYet("other_pid", answered=answered)


def grandchild_started(seen: Evidence) -> Verdict:
    """A process runs in a container whose parent is a process of that container, but not its PID 1."""
    ours = interactive(seen)
    if not ours:
        return NotYet("no_container")
    found = [(one, process) for one in ours for process in _others(one) if _inner_parent(one, process) > 1]
    new = [one for one in found if is_new(seen, *one)]
    for container, process in new:
        if _is_asked_for(seen, process):
            return Passed(name=process.name, pid=process.inner, parent=_inner_parent(container, process))
    if new:
        return NotYet("other_program", name=new[0][1].name, pid=new[0][1].inner)
    if found:
        return NotYet("already_there", name=found[0][1].name, pid=found[0][1].inner)
    children = [process for one in ours for process in _others(one) if _inner_parent(one, process) == 1]
    if not children:
        return NotYet("no_child")
    last = children[-1]
    return NotYet("only_shell", pid=last.inner) if last.name == ours[0].init.name else NotYet("child_of_first", name=last.name)


def _is_asked_for(seen: Evidence, process: Process) -> bool:
    """It sleeps as long as this learner was told; whatever runs will do where nothing was told."""
    nap = seen.drawn.get("nap")
    return nap is None or {"sleep", str(nap)} <= {one.rpartition("/")[2] for one in process.arguments}


def orphan_adopted(seen: Evidence) -> Verdict:
    """A process whose parent was another, or whose group's leader has ended, is now the child of its container's PID 1."""
    ours = interactive(seen)
    if not ours:
        return NotYet("no_container")
    for container in ours:
        for process in _others(container):
            if _inner_parent(container, process) == 1 and _lost_its_parent(seen, container, process):
                return Passed(name=process.name, pid=process.inner, container=container.name)
    for container in ours:
        for process in _others(container):
            if (parent := _inner_parent(container, process)) > 1:
                return NotYet("parent_lives", name=process.name, pid=process.inner, parent=parent)
    others = _others(ours[0])
    return NotYet("never_orphaned", name=others[-1].name, pid=others[-1].inner) if others else NotYet("all_gone")


def _lost_its_parent(seen: Evidence, container: Container, process: Process) -> bool:
    """It had another parent when the step began, or was started in a group whose leader is gone since."""
    earlier = seen.before.same(container)
    known = {_identity(one): one.parent for one in earlier.processes} if earlier else {}
    if _identity(process) in known:
        return known[_identity(process)] != process.parent
    return process.group not in {0, *(one.pid for one in container.processes)}


def container_died(seen: Evidence) -> Verdict:
    """The container was there when the step began, and is not now."""
    there = interactive(moment(seen.before))
    if not there:
        return NotYet("was_not_there")
    gone = gone_of(seen, there)
    if not gone:
        return NotYet("still_there", pid=there[0].init.pid, container=there[0].name)
    for one in new_of(seen, interactive(seen)):
        return NotYet("another_there", container=one.name, pid=one.init.pid)
    others = len(_others(gone[0]))
    return Passed(pid=gone[0].init.pid, others=others) if others else Passed("died_alone", pid=gone[0].init.pid)


def host_pid(facts: Facts) -> str:
    """The host's number of the container's PID 1."""
    return str(_one(facts).init.pid)


def cgroup_path(facts: Facts) -> str:
    """The path of the container's control group as the host sees it."""
    return _own_paths(_one(facts))[0]


def visitor(facts: Facts) -> str:
    """The number inside of the process that entered."""
    return str(_visitors(_one(facts))[0].inner)


def _own_paths(container: Container) -> list[str]:
    """Its paths in all hierarchies; the root's only where it is in no other group."""
    paths = [one.path for one in container.cgroups.memberships]
    return [path for path in paths if path != "/"] or paths


def _others(container: Container) -> list[Process]:
    """All of its processes but PID 1, the oldest first."""
    return [one for one in container.processes if one.inner != 1]


def _visitors(container: Container) -> list[Process]:
    """Its processes whose parent is none of its own, the newest first: they were not born here."""
    found = [one for one in _others(container) if not _inner_parent(container, one)]
    return sorted(found, key=lambda one: -one.started)


def _inner_parent(container: Container, process: Process) -> int:
    """The number that a process's parent has inside; 0, as the kernel shows it there, where the parent is outside."""
    return next((one.inner for one in container.processes if one.pid == process.parent), 0)


def _identity(process: Process) -> tuple[int, int]:
    return process.pid, process.started


def _one(facts: Facts) -> Container:
    return interactive(moment(facts))[0]
