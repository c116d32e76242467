"""Checks of the lesson on what came before Docker: a container made by hand with chroot, then with unshare."""

from __future__ import annotations

from workshop.facts import Chrooted, Container, Evidence, Facts, Namespaces
from workshop.judging import (
    NO_ENGINE,
    SHELLS,
    NotYet,
    Passed,
    Verdict,
    gone_of,
    has_own,
    interactive,
    kinds_named,
    mask,
    moment,
    none_new,
    not_by_hand,
    number,
    typed,
    unanswered,
)

OWN = ("pid", "mnt", "uts", "ipc", "net")
"""The namespaces that the command of the lesson makes."""
CELL = "cell"
"""What the container of the last task is called."""


def chrooted_shell(seen: Evidence) -> Verdict:
    """A shell on a terminal appeared outside every container, with another root directory than the host's."""
    shells, before = _shells(seen), _identities(seen.before)
    for one in shells:
        if _identity(one) not in before:
            return Passed(pid=one.process.pid, path=one.root.path)
    for one in seen.now.chrooted:
        if _identity(one) not in before:
            return NotYet("not_a_shell", name=one.process.name, pid=one.process.pid)
    if made := seen.appeared():
        return NotYet("container_made", container=made[0].name)
    return NotYet("already_there", pid=shells[0].process.pid) if shells else NotYet("no_chroot")


def chrooted_pid_named(seen: Evidence) -> Verdict:
    """The answer is the number of the chrooted shell's process, which is the host's number."""
    answered, shells = number(seen.answer), _shells(seen)
    if not shells or answered is None:
        return NotYet("no_answer") if shells else NotYet("no_chroot")
    if answered in {one.process.pid for one in shells}:
        return Passed(pid=answered)
    if answered in {one.process.parent for one in shells}:
        return NotYet("shell_outside", answered=answered)
    return NotYet("number_one") if answered == 1 else NotYet("other_number", answered=answered)


def chrooted_namespaces_counted(seen: Evidence) -> Verdict:
    """The answer is how many of the chrooted shell's namespaces are not the host's."""
    answered, shells, host = number(seen.answer), _shells(seen), seen.now.host.namespaces
    if not shells or answered is None:
        return NotYet("no_answer") if shells else NotYet("no_chroot")
    own, shared = len(shells[0].namespaces.apart_from(host)), len(shells[0].namespaces.shared_with(host))
    if answered == own:
        return Passed(own=own, shared=shared)
    if answered == shared:
        return NotYet("same_counted", answered=answered)
    return NotYet("root_counted") if answered == own + 1 else NotYet("other_count", answered=answered)


def chrooted_shell_gone(seen: Evidence) -> Verdict:
    """The chrooted shell was there when the step began, and is not now."""
    there, now = _shells(moment(seen.before)), _shells(seen)
    if not there:
        return NotYet("was_not_there")
    gone = [one for one in there if _identity(one) not in _identities(seen.now)]
    if not gone:
        return NotYet("still_there", pid=there[0].process.pid)
    if now:
        return NotYet("another_there", pid=now[0].process.pid)
    return Passed(pid=gone[0].process.pid)


def container_made_by_hand(seen: Evidence) -> Verdict:
    """A shell on a terminal became PID 1 of a container with namespaces and a root of its own, and no engine made it."""
    ours, appeared = _by_hand(seen), seen.appeared()
    for container in appeared:
        if container in ours and _has_proc(container):
            return Passed(container=container.name, pid=container.init.pid, path=container.root.path)
    for container in appeared:
        return _lacking(seen, container)
    return none_new(ours)


def _lacking(seen: Evidence, container: Container) -> NotYet:
    """What keeps a container that did start from being the one that the lesson needs."""
    host = seen.now.host
    if lacking := not_by_hand(container, host.namespaces, OWN):
        return lacking
    return NotYet("no_proc") if container.root.apart(host.root) else NotYet("host_root", container=container.name)


def _has_proc(container: Container) -> bool:
    """True where it has a /proc, or has lost it together with its files."""
    return container.root.removed or any(one.type == "proc" for one in container.mounts)


def shared_namespaces_named(seen: Evidence) -> Verdict:
    """The answer names the namespaces that host and container share, all of them and no others."""
    answered, ours, host = kinds_named(seen.answer), _by_hand(seen), seen.now.host.namespaces
    if not ours or answered is None:
        return unanswered(ours)
    for container in ours:
        if answered == set(shared := container.namespaces.shared_with(host)):
            return Passed(names=", ".join(shared) or "-")
    return _wrongly_shared(answered, ours[0].namespaces, host)


def _wrongly_shared(answered: frozenset[str], container: Namespaces, host: Namespaces) -> NotYet:
    """The first thing to put right in a list of shared namespaces."""
    shared, apart = set(container.shared_with(host)), set(container.apart_from(host))
    if answered == apart:
        return NotYet("other_way_round", names=", ".join(sorted(apart)))
    if wrong := sorted(answered - shared):
        return NotYet("not_shared", kind=wrong[0])
    return NotYet("missed_some", missed=len(shared - answered))


def cgroup_path_named(seen: Evidence) -> Verdict:
    """The answer is the path of a control group that the container's PID 1 is in."""
    answered, ours = typed(seen.answer), _by_hand(seen)
    if not ours or not answered:
        return unanswered(ours)
    path = answered.split(":", 2)[-1]
    if path in {place.path for one in ours for place in one.cgroups.memberships}:
        return Passed(path=path)
    return NotYet("other_path", answered=answered) if path.startswith("/") else NotYet("not_a_path", answered=answered)


def capabilities_named(seen: Evidence) -> Verdict:
    """The answer is the set of capabilities that the container's PID 1 has in effect, in hexadecimal digits."""
    answered, ours = mask(seen.answer), _by_hand(seen)
    if not ours or not typed(seen.answer):
        return unanswered(ours)
    if answered is None:
        return NotYet("not_hexadecimal", answered=typed(seen.answer))
    for one in ours:
        if answered == one.security.effective:
            return Passed(mask=f"{answered:016x}", count=answered.bit_count())
    return NotYet("other_set", answered=f"{answered:016x}") if answered else NotYet("empty_set")


def walled_container_made(seen: Evidence) -> Verdict:
    """A container made by hand appeared with a user namespace of its own as well, and only it is called as the task says."""
    ours, appeared = _by_hand(seen), seen.appeared()
    for container in appeared:
        if container in ours and _has_proc(container):
            return _walls_of(seen, container)
    return _lacking(seen, appeared[0]) if appeared else none_new(ours)


def _walls_of(seen: Evidence, container: Container) -> Verdict:
    """Whether its root is root in there only, and its host name its own."""
    host = seen.now.host
    if not has_own(container, host.namespaces, ("user",)):
        return NotYet("user_shared")
    if host.hostname == CELL != seen.before.host.hostname:
        return NotYet("host_renamed", old=seen.before.host.hostname)
    if container.hostname != CELL:
        return NotYet("other_name", name=container.hostname)
    count = len(container.namespaces.apart_from(host.namespaces))
    return Passed(container=container.name, pid=container.init.pid, count=count)


def files_removed(seen: Evidence) -> Verdict:
    """The root directory of the container was removed while its shell goes on."""
    ours = _by_hand(seen)
    for container in ours:
        before = seen.before.same(container)
        if container.root.removed and not (before and before.root.removed):
            return Passed(path=container.root.path, pid=container.init.pid)
    if ours and ours[0].root.removed:
        return NotYet("removed_before", path=ours[0].root.path)
    if ours:
        return NotYet("files_there", path=ours[0].root.path)
    return NotYet("left_first") if _by_hand(moment(seen.before)) else NotYet("no_container")


def container_gone(seen: Evidence) -> Verdict:
    """The container made by hand was there when the step began, and is not now."""
    there, now = _by_hand(moment(seen.before)), _by_hand(seen)
    if not there:
        return NotYet("was_not_there")
    gone = gone_of(seen, there)
    if not gone:
        return NotYet("still_running", pid=there[0].init.pid)
    if now:
        return NotYet("another_running", pid=now[0].init.pid)
    if left := [one.root.path for one in gone if not one.root.removed]:
        return Passed("files_left", path=left[0])
    return Passed(namespace=gone[0].namespaces.pid)


def chrooted_pid(facts: Facts) -> str:
    """The number of the chrooted shell's process."""
    return str(_shells(moment(facts))[0].process.pid)


def chrooted_own_namespaces(facts: Facts) -> str:
    """How many namespaces the chrooted shell has of its own."""
    return str(len(_shells(moment(facts))[0].namespaces.apart_from(facts.host.namespaces)))


def shared_namespaces(facts: Facts) -> str:
    """The kinds of namespace that host and container share."""
    return " ".join(_one(facts).namespaces.shared_with(facts.host.namespaces)) or "none"


def cgroup_path(facts: Facts) -> str:
    """The path in the last line of the container's /proc/self/cgroup."""
    return _one(facts).cgroups.memberships[-1].path


def capabilities(facts: Facts) -> str:
    """The container's effective capabilities as /proc/self/status writes them."""
    return f"{_one(facts).security.effective:016x}"


def _shells(seen: Evidence) -> list[Chrooted]:
    """Chrooted shells on a terminal: those that appeared since the step began first, then the newest."""
    before = _identities(seen.before)
    found = [one for one in seen.now.chrooted if one.process.name in SHELLS and one.process.terminal]
    return sorted(found, key=lambda one: (_identity(one) in before, -one.process.started))


def _identity(one: Chrooted) -> tuple[int, int]:
    return one.process.pid, one.process.started


def _identities(facts: Facts) -> set[tuple[int, int]]:
    return {_identity(one) for one in facts.chrooted}


def _by_hand(seen: Evidence) -> list[Container]:
    """The containers that may be the learner's: a shell on a terminal, apart from the host, and made by no engine."""
    host = seen.now.host
    return [
        one
        for one in interactive(seen)
        if one.engine in NO_ENGINE and one.root.apart(host.root) and has_own(one, host.namespaces, OWN)
    ]


def _one(facts: Facts) -> Container:
    return _by_hand(moment(facts))[0]
