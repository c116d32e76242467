"""Checks of the lesson on security: what keeps root in a container from being root on the host."""

from __future__ import annotations

import re

from workshop.facts import Container, Evidence, Facts, Namespaces
from workshop.judging import (
    CAP_SYS_ADMIN,
    OVERFLOW_UID,
    SECCOMP_FILTER,
    NotYet,
    Passed,
    Verdict,
    at_terminal,
    gone_of,
    interactive,
    is_new,
    mask,
    moment,
    new_of,
    none_new,
    not_a_shell,
    number,
    targets_of,
    typed,
    unanswered,
)

CAP_NET_BIND_SERVICE = 1 << 10
"""The capability to open ports below 1024."""
NO_LABEL = frozenset({"none", "no", "nothing", "empty", "-", "无", "没有", "空"})


def confined_container_started(seen: Evidence) -> Verdict:
    """A shell on a terminal became PID 1 of a container with a seccomp filter and without CAP_SYS_ADMIN."""
    ours = _confined(seen)
    for container in new_of(seen, ours):
        return Passed(container=container.name)
    for container in seen.appeared():
        return _lacking(container)
    return none_new(ours)


def _lacking(container: Container) -> NotYet:
    """What keeps a container that did start from being the one to look at."""
    if not at_terminal(container):
        return not_a_shell(container)
    return NotYet("not_confined", container=container.name, seccomp=container.security.seccomp)


def bounding_set_named(seen: Evidence) -> Verdict:
    """The answer is the container's bounding set, as the mask that CapBnd shows."""
    answered, ours = mask(seen.answer), _confined(seen)
    if not ours or answered is None:
        return unanswered(ours)
    for container in ours:
        if answered == container.security.bounding:
            return Passed(held=answered.bit_count(), mask=f"{answered:016x}")
    if answered == 0:
        return NotYet("empty_set")
    if answered & CAP_SYS_ADMIN:
        return NotYet("host_set", answered=f"{answered:x}", held=answered.bit_count())
    if number(seen.answer) == ours[0].security.bounding.bit_count():
        return NotYet("count_named")
    return NotYet("other_set", answered=f"{answered:x}")


def other_user_became(seen: Evidence) -> Verdict:
    """A process appeared in the container that has another uid than its PID 1."""
    ours = _confined(seen)
    if not ours:
        return NotYet("no_container")
    if "/mnt" in targets_of(seen.now) - targets_of(seen.before):
        return NotYet("mounted_on_host")
    strangers = [(one, process) for one in ours for process in one.processes if process.uid != one.init.uid]
    for container, process in strangers:
        if is_new(seen, container, process):
            return Passed(pid=process.inner, name=process.name, uid=_inside(container, process.uid))
    if strangers:
        return NotYet("already_there", pid=strangers[0][1].inner)
    others = [process for one in ours for process in one.processes if process.inner != 1]
    return NotYet("still_root", name=others[-1].name, pid=others[-1].inner) if others else NotYet("no_process")


def filter_read(seen: Evidence) -> Verdict:
    """The answer is what Seccomp and NoNewPrivs say of the container's PID 1, in this order."""
    answered, ours = _two_values(seen.answer), _confined(seen)
    if not ours or not answered:
        return unanswered(ours)
    if len(answered) != 2:
        return NotYet("two_wanted", given=len(answered))
    real = [[one.security.seccomp, int(one.security.no_new_privileges)] for one in ours]
    if answered in real:
        return Passed() if answered[1] else Passed("privileges_left")
    if answered[::-1] in real:
        return NotYet("other_way_round")
    return NotYet("host_values") if answered == [0, 0] else NotYet("other_values")


def masks_counted(seen: Evidence) -> Verdict:
    """The answer is how many mounts lie below the container's /proc."""
    answered, ours = number(seen.answer), _confined(seen)
    if not ours or answered is None:
        return unanswered(ours)
    if answered in {_masks(one) for one in ours}:
        return Passed(masks=answered, read_only=_masks(ours[0], read_only=True))
    return _other_count(seen, answered, ours[0])


def _other_count(seen: Evidence, answered: int, container: Container) -> NotYet:
    """What was counted, if not the mounts below the container's /proc."""
    if answered == len(container.mounts):
        return NotYet("all_mounts", answered=answered)
    if answered - 1 == _masks(container):
        return NotYet("proc_itself", answered=answered)
    if answered == _masks(container, read_only=True):
        return NotYet("only_read_only", answered=answered)
    if answered == sum(one.target.startswith("/proc/") for one in seen.now.host.mounts):
        return NotYet("host_mounts", answered=answered)
    return NotYet("other_count", answered=answered)


def host_uid_named(seen: Evidence) -> Verdict:
    """The answer is the uid that the container's root has on the host."""
    answered, ours = _outside(seen.answer), _confined(seen)
    if not ours or answered is None:
        return unanswered(ours)
    if answered in {one.users.host_uid(0) for one in ours}:
        return Passed(uid=answered) if answered else Passed("same_root")
    if answered == 0:
        return NotYet("inside_number")
    if answered in {part.count for one in ours for part in one.users.uids}:
        return NotYet("length_named", answered=answered)
    return NotYet("nobody_named", answered=answered) if answered == OVERFLOW_UID else NotYet("other_uid", answered=answered)


def label_named(seen: Evidence) -> Verdict:
    """The answer is the label that a security module gave to the container's PID 1, or that there is none."""
    answered, ours = typed(seen.answer).lower(), _confined(seen)
    if not ours or not answered:
        return unanswered(ours)
    labels = {one.security.label.lower() for one in ours}
    if answered in NO_LABEL or "invalid argument" in answered or "no such file" in answered:
        return Passed("no_label") if "" in labels else NotYet("labelled")
    if answered.split()[0] in {one.split()[0] for one in labels if one}:
        return Passed(label=answered)
    return NotYet("not_labelled", answered=answered) if "" in labels else NotYet("other_label", answered=answered)


def unprotected_container_started(seen: Evidence) -> Verdict:
    """A shell on a terminal became PID 1 of a container without a filter, with the host's root and its capabilities."""
    ours, appeared, host = _by_hand(seen), seen.appeared(), seen.now.host.namespaces
    for container in ours:
        if container in appeared and "user" not in container.namespaces.apart_from(host):
            return Passed(container=container.name, held=container.security.bounding.bit_count())
    for container in ours:
        return NotYet("own_users", container=container.name) if container in appeared else NotYet("already_there")
    for container in appeared:
        if container.security.seccomp:
            return NotYet("filtered", container=container.name, seccomp=container.security.seccomp)
        return not_a_shell(container)
    return NotYet("no_container")


def hardened_container_started(seen: Evidence) -> Verdict:
    """A container made by hand appeared whose PID 1 can't mount and gains no new privileges."""
    appeared = seen.appeared()
    ours = new_of(seen, _by_hand(seen))
    for container in ours:
        if not container.security.bounding & CAP_SYS_ADMIN and container.security.no_new_privileges:
            return Passed(container=container.name, held=container.security.bounding.bit_count())
    for container in ours:
        if container.security.no_new_privileges:
            return NotYet("can_mount", container=container.name)
        if container.security.bounding & CAP_SYS_ADMIN:
            return NotYet("nothing_taken", container=container.name)
        return NotYet("new_privileges", container=container.name)
    return NotYet("not_by_hand", container=appeared[0].name) if appeared else NotYet("no_container")


def cell_made(seen: Evidence) -> Verdict:
    """A new container keeps one capability at most, gains no privileges, and has a filter or a root of its own."""
    shells, host = interactive(seen), seen.now.host.namespaces
    fresh = new_of(seen, shells)
    gaps = [(one, _gap(one, host)) for one in fresh]
    for container, gap in gaps:
        if gap is None:
            return Passed(container=container.name, held=container.security.bounding.bit_count())
    if gaps and gaps[0][1]:
        return gaps[0][1]
    old = [one for one in shells if not _gap(one, host)]
    return NotYet("already_there", container=old[0].name) if old else NotYet("no_container")


def _gap(container: Container, host: Namespaces) -> NotYet | None:
    """The first wall that a container for a server lacks, None where all three stand."""
    security = container.security
    if security.bounding & ~CAP_NET_BIND_SERVICE:
        return NotYet("too_many", container=container.name, held=security.bounding.bit_count())
    if not security.no_new_privileges:
        return NotYet("gains", container=container.name)
    walled = security.seccomp == SECCOMP_FILTER or "user" in container.namespaces.apart_from(host)
    return None if walled else NotYet("no_third", container=container.name)


def containers_gone(seen: Evidence) -> Verdict:
    """The engine's container was there when the step began and is gone; so are those made by hand."""
    earlier = moment(seen.before)
    there = _confined(earlier)
    if not there:
        return NotYet("was_not_there")
    for container in _by_hand(earlier):
        if seen.now.same(container):
            return NotYet("by_hand_left", container=container.name, pid=container.init.pid)
    gone = gone_of(seen, there)
    return Passed(container=gone[0].name) if gone else NotYet("still_running", container=there[0].name)


def bounding_set(facts: Facts) -> str:
    """The container's bounding set as CapBnd shows it."""
    return f"{_one(facts).security.bounding:016x}"


def filter_values(facts: Facts) -> str:
    """Seccomp and NoNewPrivs of the container's PID 1."""
    security = _one(facts).security
    return f"{security.seccomp} {int(security.no_new_privileges)}"


def mask_count(facts: Facts) -> str:
    """How many mounts lie below the container's /proc."""
    return str(_masks(_one(facts)))


def host_uid(facts: Facts) -> str:
    """The host's uid of the container's root."""
    return str(_one(facts).users.host_uid(0))


def label(facts: Facts) -> str:
    """The label of the container's PID 1, or "none"."""
    return _one(facts).security.label or "none"


def _confined(seen: Evidence) -> list[Container]:
    """Containers with a shell on a terminal that an engine has locked in: filtered, and without CAP_SYS_ADMIN."""
    filtered = [one for one in interactive(seen) if one.security.seccomp == SECCOMP_FILTER]
    return [one for one in filtered if not one.security.bounding & CAP_SYS_ADMIN]


def _by_hand(seen: Evidence) -> list[Container]:
    """Containers with a shell on a terminal and without a seccomp filter."""
    return [one for one in interactive(seen) if not one.security.seccomp]


def _one(facts: Facts) -> Container:
    return _confined(moment(facts))[0]


def _two_values(answer: str | None) -> list[int]:
    """Two numbers in the order asked for; where their names are given as well, the names decide."""
    text = typed(answer).lower()
    named = {name: int(value) for name, value in re.findall(r"(seccomp|nonewprivs)\W*(\d+)", text)}
    return [named["seccomp"], named["nonewprivs"]] if len(named) == 2 else [int(one) for one in re.findall(r"\d+", text)]


def _outside(answer: str | None) -> int | None:
    """One number, or the second of a whole line of uid_map."""
    fields = typed(answer).split()
    return number(fields[1]) if len(fields) == 3 else number(answer)


def _masks(container: Container, read_only: bool = False) -> int:
    """Mounts below /proc; only those that are read-only where this is asked for."""
    return sum(one.target.startswith("/proc/") and (not read_only or "ro" in one.options) for one in container.mounts)


def _inside(container: Container, uid: int) -> int:
    """A host's uid as the container counts."""
    for part in container.users.uids:
        if part.outside <= uid < part.outside + part.count:
            return part.inside + uid - part.outside
    return OVERFLOW_UID
