"""Checks of the capstone: a container made one system call at a time, and compared with those of other engines."""

from __future__ import annotations

from workshop.facts import Container, Evidence, Facts
from workshop.judging import (
    CAP_SYS_ADMIN,
    OVERFLOW_UID,
    SECCOMP_FILTER,
    NotYet,
    Passed,
    Verdict,
    interactive,
    kinds_named,
    mask,
    moment,
    new_of,
    none_new,
    not_a_shell,
    number,
    typed,
)


def first_process_there(seen: Evidence) -> Verdict:
    """A container is being made step by step, and the process that becomes it is there."""
    one = _process(seen.now)
    if one:
        return Passed(pid=one.init.pid) if _went_on(seen) else NotYet("stands_still")
    for half in seen.now.half_made:
        return NotYet("no_process", number=half.number, total=half.total)
    made = new_of(seen, interactive(seen))
    return NotYet("made_at_once", container=made[0].name) if made else NotYet("no_half_made")


def left_the_hosts_namespaces(seen: Evidence) -> Verdict:
    """The process that becomes the container has left namespaces of the host's, that of the name among them."""
    one = _process(seen.now)
    if one is None:
        return NotYet("no_half_made")
    own = one.namespaces.apart_from(seen.now.host.namespaces)
    if "uts" not in own:
        return NotYet("not_unshared", pid=one.init.pid)
    if not _went_on(seen):
        return NotYet("stands_still")
    return Passed(pid=one.init.pid, hostname=one.hostname, own=len(own))


def shared_kinds_named(seen: Evidence) -> Verdict:
    """The answer names the namespaces that the process still shares with the host, between unshare and its second fork."""
    one, host, named = _process(seen.now), seen.now.host.namespaces, kinds_named(seen.answer)
    if one is None:
        return NotYet("no_half_made")
    shared, own = one.namespaces.shared_with(host), one.namespaces.apart_from(host)
    if "uts" not in own:
        return NotYet("not_unshared", pid=one.init.pid)
    if "pid" in own:
        return NotYet("forked_already")
    if named is None:
        return NotYet("no_answer")
    if named == set(shared):
        return Passed(kinds=", ".join(shared))
    return _other_kinds(named, set(shared), set(own))


def _other_kinds(named: frozenset[str], shared: set[str], own: set[str]) -> NotYet:
    """What was named, if not the namespaces that are shared."""
    if named == own:
        return NotYet("own_named")
    if named == shared - {"pid"}:
        return NotYet("pid_forgotten")
    if not named:
        return NotYet("none_named")
    wrong = sorted(named & own)
    return NotYet("not_shared", kinds=", ".join(wrong)) if wrong else NotYet("too_few", count=len(named))


def outer_uid_named(seen: Evidence) -> Verdict:
    """The answer is the uid that the host gives to the process, which is root inside by now."""
    one, answered = _process(seen.now), number(seen.answer)
    if one is None:
        return NotYet("no_half_made")
    outside = one.users.host_uid(0)
    if outside is None:
        return NotYet("no_map")
    if one.init.uid != outside:
        return NotYet("not_root_yet", uid=one.init.uid)
    if answered is None:
        return NotYet("no_answer")
    return _judge_uid(answered, outside, seen.now.caller)


def _judge_uid(answered: int, outside: int, caller: int) -> Verdict:
    if answered == outside:
        return Passed("own_uid", uid=outside) if outside == caller else Passed(uid=outside)
    if answered == 0:
        return NotYet("inside_number")
    return NotYet("nobody_named", answered=answered) if answered == OVERFLOW_UID else NotYet("other_uid", answered=answered)


def outer_number_named(seen: Evidence) -> Verdict:
    """The answer is the host's number of the process that is PID 1 inside and still has the host's root directory."""
    one, host, answered = _process(seen.now), seen.now.host, number(seen.answer)
    if one is None:
        return NotYet("no_half_made")
    if "pid" in one.namespaces.shared_with(host.namespaces):
        return NotYet("not_forked", pid=one.init.pid)
    if one.root.apart(host.root):
        return NotYet("root_changed_already")
    if len(one.mounts) <= len(host.mounts):
        return NotYet("not_mounted")
    return _judge_number(answered, one)


def _judge_number(answered: int | None, one: Container) -> Verdict:
    if answered is None:
        return NotYet("no_answer")
    if answered == one.init.pid:
        return Passed(pid=one.init.pid, mounts=len(one.mounts))
    return NotYet("inside_number") if answered == 1 else NotYet("other_number", answered=answered)


def root_changed(seen: Evidence) -> Verdict:
    """The process has another root directory than the host."""
    one = _process(seen.now)
    if one is None:
        return NotYet("no_half_made")
    if not one.root.apart(seen.now.host.root):
        return NotYet("hosts_root", mounts=len(one.mounts))
    return Passed(hostname=one.hostname, mounts=len(one.mounts)) if _went_on(seen) else NotYet("stands_still")


def power_named(seen: Evidence) -> Verdict:
    """The answer is the effective set of capabilities, or how many are in it, before anything was taken from it."""
    one = _process(seen.now)
    if one is None:
        return NotYet("no_half_made")
    if not one.root.apart(seen.now.host.root):
        return NotYet("hosts_root", mounts=len(one.mounts))
    held = one.security.effective
    if not held & CAP_SYS_ADMIN:
        return NotYet("bounded_already", held=held.bit_count())
    if not typed(seen.answer):
        return NotYet("no_answer")
    if number(seen.answer) == held.bit_count() or mask(seen.answer) == held:
        return Passed(held=held.bit_count(), mask=f"{held:x}")
    return NotYet("other_set", answered=typed(seen.answer)[:40])


def restricted(seen: Evidence) -> Verdict:
    """Capabilities are bounded, no new privileges can be had, and a filter is on; the program is not there yet."""
    one = _process(seen.now)
    if one is None:
        return NotYet("no_half_made")
    rights = one.security
    if rights.bounding & CAP_SYS_ADMIN:
        return NotYet("all_powers", held=rights.bounding.bit_count())
    if not rights.no_new_privileges:
        return NotYet("can_gain", held=rights.bounding.bit_count())
    if rights.seccomp != SECCOMP_FILTER:
        return NotYet("no_filter")
    return Passed(held=rights.bounding.bit_count()) if _went_on(seen) else NotYet("stands_still")


def runs(seen: Evidence) -> Verdict:
    """What was half made when the step began is a container whose PID 1 is a shell on a terminal."""
    half = {one.id for one in seen.before.half_made}
    for container in interactive(seen):
        if container.id in half or (not half and container in seen.appeared()):
            return Passed(container=container.name, pid=container.init.pid)
    for one in seen.now.half_made:
        return NotYet("still_half", left=one.total - one.number + 1)
    return NotYet("given_up") if half else NotYet("no_half_made")


def made_by_hand(seen: Evidence) -> Verdict:
    """A second container, made by another engine or by hand, with a shell on a terminal."""
    appeared = seen.appeared()
    for container in interactive(seen):
        if container in appeared and container.engine != "box":
            return Passed(container=container.name, engine=container.engine)
    for container in appeared:
        if container.engine == "box":
            return NotYet("box_again", container=container.name)
        return not_a_shell(container)
    others = [one for one in interactive(seen) if one.engine != "box"]
    return none_new(others)


def missing_kinds_named(seen: Evidence) -> Verdict:
    """The answer names the namespaces that the box has of its own and the other container has not."""
    both, named, host = _both(seen), kinds_named(seen.answer), seen.now.host.namespaces
    if both is None:
        return NotYet("not_both")
    if named is None:
        return NotYet("no_answer")
    ours, theirs = ({*one.namespaces.apart_from(host)} for one in both)
    missing = ours - theirs
    if named == missing:
        return Passed(kinds=", ".join(sorted(missing)), count=len(missing)) if missing else Passed("none_missing")
    if named and named <= ours & theirs:
        return NotYet("common_named")
    if named - ours:
        return NotYet("hosts_named", kinds=", ".join(sorted(named - ours)))
    return NotYet("too_few", count=len(named)) if named < missing else NotYet("other_kinds")


def made_by_runc(seen: Evidence) -> Verdict:
    """A container of runc's appeared, with a shell on a terminal."""
    appeared = seen.appeared()
    for container in interactive(seen):
        if container in appeared and container.engine == "runc":
            return Passed(container=container.name, held=container.security.bounding.bit_count(), mounts=len(container.mounts))
    for container in appeared:
        if container.engine == "runc":
            return not_a_shell(container)
        return NotYet("other_engine", container=container.name, engine=container.engine)
    ours = [one for one in interactive(seen) if one.engine == "runc"]
    return none_new(ours)


def all_gone(seen: Evidence) -> Verdict:
    """The newest box that was there when the step began is gone, and so is the newest container of another engine."""
    there = interactive(moment(seen.before))
    boxes, others = ([one for one in there if (one.engine == "box") is of_box] for of_box in (True, False))
    if not boxes:
        return NotYet("was_not_there")
    for container in (*boxes[:1], *others[:1]):
        if seen.now.same(container):
            return NotYet("still_running", container=container.name)
    return Passed(container=boxes[0].name)


def shared_kinds(facts: Facts) -> str:
    """The namespaces that the half-made container's process shares with the host."""
    return " ".join(_here(facts).namespaces.shared_with(facts.host.namespaces))


def outer_uid(facts: Facts) -> str:
    """The host's uid of the half-made container's root, once it is root."""
    one = _here(facts)
    if one.init.uid != one.users.host_uid(0):
        raise LookupError
    return str(one.init.uid)


def outer_number(facts: Facts) -> str:
    """The host's number of the half-made container's PID 1."""
    return str(_here(facts).init.pid)


def power(facts: Facts) -> str:
    """The effective set of the half-made container's process."""
    return f"{_here(facts).security.effective:016x}"


def missing_kinds(facts: Facts) -> str:
    """The namespaces that the box has of its own and the other container has not, or "none"."""
    both = _both(moment(facts))
    if both is None:
        raise LookupError
    ours, theirs = ({*one.namespaces.apart_from(facts.host.namespaces)} for one in both)
    return " ".join(sorted(ours - theirs)) or "none"


def _process(facts: Facts) -> Container | None:
    """The process that becomes the container which was begun last, None while there is none."""
    return next((half.seen for half in reversed(facts.half_made) if half.seen), None)


def _went_on(seen: Evidence) -> bool:
    """A step was made of what is half made since the step of the lesson began, or all of it."""
    earlier = {(one.id, one.number) for one in seen.before.half_made}
    return any((one.id, one.number) not in earlier for one in seen.now.half_made)


def _here(facts: Facts) -> Container:
    """The same; raises LookupError where there is none."""
    if one := _process(facts):
        return one
    raise LookupError


def _both(seen: Evidence) -> tuple[Container, Container] | None:
    """The newest box and the newest container of another engine, each with a shell on a terminal."""
    there = interactive(moment(seen.now))
    ours, others = ([one for one in there if (one.engine == "box") is of_box] for of_box in (True, False))
    return (ours[0], others[0]) if ours and others else None
