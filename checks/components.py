"""Checks of the lesson on components: which processes an engine is made of, and which of them stays with a container."""

from __future__ import annotations

from workshop.facts import Container, Evidence, Facts, Process
from workshop.judging import SHELLS, NotYet, Passed, Verdict, left_of, newest_first, number, typed

SLEEP = "sleep"
TWO = 2
"""Containers that the lesson has run at a time."""
CLIENTS = frozenset({"box", "docker", "podman"})
SHORTEST_NAME = 4
"""Letters that a name must share with the kernel's, which is cut at 15 characters."""


def container_started(seen: Evidence) -> Verdict:
    """A container of an engine's appeared, whose PID 1 is a sleep or a shell."""
    appeared = seen.appeared()
    for container in _ours(appeared):
        return Passed(container=container.name, pid=container.init.pid)
    for container in appeared:
        return NotYet("by_hand" if container.engine == "unshare" else "other_program", container=container.name)
    return NotYet("already_there", container=_ours(seen.now.containers)[0].name) if _ours(seen.now.containers) else NotYet("none")


def parent_named(seen: Evidence) -> Verdict:
    """The answer is the name of the process above the container's PID 1."""
    ours = _ours(seen.now.containers)
    if not ours:
        return NotYet("no_container")
    answered = typed(seen.answer).split()
    if not answered:
        return NotYet("no_answer")
    for container in ours:
        parent = _above(seen.now, container.init)
        if parent and _same_name(answered[0], parent.name):
            return Passed(name=parent.name, pid=parent.pid, container=container.name)
    return _other_process(seen.now, ours, answered[0])


def _other_process(now: Facts, ours: tuple[Container, ...], answered: str) -> NotYet:
    """What was named, if not the process above PID 1."""
    if number(answered) is not None:
        return NotYet("number_named", number=answered)
    if any(_same_name(answered, one.init.name) for one in ours):
        return NotYet("own_name", name=answered)
    if answered.rpartition("/")[2].lower() in CLIENTS:
        return NotYet("client_named", name=answered)
    if any(one.parent == 0 and _same_name(answered, one.name) for one in now.host.processes):
        return NotYet("first_process", name=answered)
    if any(_same_name(answered, one.name) for one in now.host.components):
        return NotYet("other_component", name=answered)
    return NotYet("other_name", name=answered)


def second_started(seen: Evidence) -> Verdict:
    """One more container appeared beside the one that was there."""
    ours = _ours(seen.now.containers)
    if len(ours) == TWO and ours[0] in seen.appeared():
        return Passed(first=ours[1].name, second=ours[0].name)
    return NotYet("only_one") if ours else NotYet("no_container")


def parents_counted(seen: Evidence) -> Verdict:
    """The answer is how many different processes are the parents of the containers' PID 1s."""
    ours, answered = _ours(seen.now.containers), number(seen.answer)
    if len(ours) < TWO:
        return NotYet("too_few", count=len(ours))
    if answered is None:
        return NotYet("no_answer")
    count = len(_parents(ours))
    if answered == count:
        return Passed("one_each", count=count) if count == TWO else Passed("shared", count=count, containers=TWO)
    if answered == TWO:
        return NotYet("containers_counted", answered=answered)
    return NotYet("pid_given", answered=answered) if answered > TWO else NotYet("other_count", answered=answered)


def containers_gone(seen: Evidence) -> Verdict:
    """Every container that was there when the step began has ended."""
    there = _ours(seen.before.containers)
    if not there:
        return NotYet("was_not_there")
    left = left_of(seen, there)
    if left:
        return NotYet("still_running" if len(left) == len(there) else "one_left", container=left[0].name, count=len(left))
    started = [one for one in _ours(seen.now.containers) if one in seen.appeared()]
    return NotYet("another_there", container=started[0].name) if started else Passed(count=len(there))


def parent_name(facts: Facts) -> str:
    """The name of the process above the container's PID 1."""
    parent = _above(facts, _ours(facts.containers)[0].init)
    if parent is None:
        raise LookupError
    return parent.name


def parent_count(facts: Facts) -> str:
    """How many processes are parents of the containers."""
    return str(len(_parents(_ours(facts.containers))))


def _ours(containers: tuple[Container, ...]) -> tuple[Container, ...]:
    """What the lesson has started: containers of an engine's that sleep, or hold a shell; the newest two, newest first.

    More may be there: root sees those of others as well.
    """
    likely = (one for one in containers if one.engine != "unshare" and one.init.name in SHELLS | {SLEEP})
    return tuple(newest_first(likely)[:TWO])


def _above(facts: Facts, process: Process) -> Process | None:
    return next((one for one in facts.host.processes if one.pid == process.parent), None)


def _parents(containers: tuple[Container, ...]) -> set[int]:
    return {one.init.parent for one in containers}


def _same_name(answered: str, name: str) -> bool:
    """True for the kernel's name of a process, its whole name, or the path of its program."""
    said = answered.rpartition("/")[2].lower()
    return said == name or (min(len(said), len(name)) >= SHORTEST_NAME and (said.startswith(name) or name.startswith(said)))
