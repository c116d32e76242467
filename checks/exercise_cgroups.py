"""Checks of the article's second exercise: the container's own cgroup, its quota, and what happens at the quota."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from workshop.facts import Container, Cpu, Evidence, Facts, Hierarchy, Membership
from workshop.judging import (
    NO_ENGINE,
    NotYet,
    Passed,
    Verdict,
    at_terminal,
    gone_of,
    interactive,
    moment,
    new_of,
    none_new,
    not_at_terminal,
    number,
    typed,
    unanswered,
)

ENOUGH_PERIODS = 5
"""Throttled periods that no accident explains: half a second of a loop at a fifth of a CPU."""
NAME = "lab"
"""What the lesson's lines call the container."""
IDLE_US = 20_000
"""CPU time that a waiting shell may use while its learner thinks."""
SHARED_GROUP = re.compile(r"session-.*\.scope|init\.scope|.*\.slice|.*\.service")
"""Names that systemd gives to groups of a login or a service: a container in one of them has none of its own."""


def cpu_version_named(seen: Evidence) -> Verdict:
    """The answer is the version of the hierarchy that holds the cpu controller."""
    answered = {int(one) for one in re.findall(r"(?<!\d)[12](?!\d)", typed(seen.answer))}
    if not answered:
        return NotYet("no_answer")
    if len(answered) == 2:
        return NotYet("only_one_holds_it")
    real = _cpu_hierarchy(seen.now)
    if answered == {real.version}:
        return Passed(version=real.version, mounted=real.mounted)
    return NotYet("other_version", answered=min(answered))


def group_of_its_own(seen: Evidence) -> Verdict:
    """A shell on a terminal became PID 1 of a container that has a cgroup of its own for the cpu controller."""
    ours = _ours(seen)
    for container in new_of(seen, ours):
        if container.engine not in NO_ENGINE and container.name != NAME:
            return Passed("other_name", container=container.name, path=_place(container).path)
        return Passed(container=container.name, path=_place(container).path)
    for container in seen.appeared():
        return _lacking(container)
    return none_new(ours)


def _lacking(container: Container) -> NotYet:
    """What keeps a container that did start from being one to work in."""
    if not at_terminal(container):
        return not_at_terminal(container)
    return NotYet("no_own_cgroup", container=container.name, path=_place(container).path)


def directory_named(seen: Evidence) -> Verdict:
    """The answer is the directory of the container's cgroup in the hierarchy of the cpu controller."""
    answered, ours = _directory(seen.answer), _ours(seen)
    if not ours or answered is None:
        return unanswered(ours)
    for container in ours:
        if answered in _spellings(_place(container)):
            return Passed(directory=str(answered), container=container.name)
    return _other_directory(answered, ours[0], _cpu_hierarchy(seen.now))


def _other_directory(answered: PurePosixPath, container: Container, hierarchy: Hierarchy) -> NotYet:
    """Whose directory it is, or what else the answer is."""
    place, text = _place(container), str(answered)
    if any(answered == one.parent for one in _spellings(place)):
        return NotYet("parent_cgroup", answered=text)
    if text in ("/", hierarchy.mounted):
        return NotYet("root_cgroup", answered=text)
    if text == place.path:
        return NotYet("path_in_hierarchy", answered=text, mounted=hierarchy.mounted)
    for other in container.cgroups.memberships:
        if answered in _spellings(other):
            return NotYet("other_controller", controllers=", ".join(other.controllers) or f"v{other.version}")
    if text.strip("/") in (container.id, container.id[:12], container.name):
        return NotYet("only_the_name", answered=text)
    return NotYet("no_such_directory", answered=text)


def quota_v1_read(seen: Evidence) -> Verdict:
    """The answer is what cpu.cfs_quota_us says of a container without a limit: -1."""
    answered, ours = number(seen.answer), _ours(seen)
    if typed(seen.answer).lower().split()[:1] == ["max"]:
        return NotYet("word_of_v2")
    if not ours or answered is None:
        return unanswered(ours)
    if all(_cpu(one).quota_us is not None for one in ours):
        return NotYet("already_limited", quota=_cpu(ours[0]).quota_us or 0)
    return Passed() if answered == -1 else _other_value(answered, _cpu(ours[0]))


def quota_v2_read(seen: Evidence) -> Verdict:
    """The answer is the first word of cpu.max for a container without a limit: max."""
    answered, ours = typed(seen.answer).lower().split(), _ours(seen)
    if not ours or not answered:
        return unanswered(ours)
    if all(_cpu(one).quota_us is not None for one in ours):
        return NotYet("already_limited", quota=_cpu(ours[0]).quota_us or 0)
    if answered[0] == "max":
        return Passed(period=_cpu(ours[0]).period_us)
    if answered == ["-1"]:
        return NotYet("number_of_v1")
    return _other_value(number(seen.answer), _cpu(ours[0]))


def _other_value(answered: int | None, cpu: Cpu) -> NotYet:
    """Which file a value comes from, if not from that of the quota."""
    if answered == 0:
        return NotYet("zero")
    if answered == cpu.period_us:
        return NotYet("period_named", answered=answered)
    if answered == cpu.weight:
        return NotYet("weight_named", answered=answered)
    return NotYet("other_value")


def quota_below_one_cpu(seen: Evidence) -> Verdict:
    """The container got a quota since the step began, and it is less than one CPU."""
    ours = _ours(seen)
    got = [cpu for cpu, was in ((_cpu(one), _cpu_before(seen, one)) for one in ours) if cpu.quota_us not in (None, was.quota_us)]
    for cpu in sorted(got, key=_cpus):
        quota, period = cpu.quota_us or 0, cpu.period_us
        if quota < period:
            return Passed(quota=quota, period=period, cpus=_cpus(cpu))
        return NotYet("too_generous", quota=quota, period=period, cpus=_cpus(cpu))
    return _changed_instead(seen, ours[0]) if ours else NotYet("no_container")


def _changed_instead(seen: Evidence, container: Container) -> NotYet:
    """What else changed where a quota was asked for."""
    earlier = seen.before.same(container) or container
    was, now = _cpu(earlier), _cpu(container)
    if was.weight != now.weight:
        return NotYet("weight_changed", was=was.weight, now=now.weight)
    if was.period_us != now.period_us:
        return NotYet("period_changed", was=was.period_us, now=now.period_us)
    old, new = earlier.cgroups.memory, container.cgroups.memory
    if old and new and old.limit != new.limit:
        return NotYet("memory_limited", limit=new.limit or 0)
    if now.quota_us is not None:
        return NotYet("already_limited", container=container.name, cpus=_cpus(now))
    for other in seen.now.containers:
        if _cpu(other).quota_us not in (None, _cpu_before(seen, other).quota_us):
            return NotYet("other_container_limited", limited=other.name, container=container.name)
    return NotYet("not_limited", container=container.name)


def loop_throttled(seen: Evidence) -> Verdict:
    """The container used up its quota in several periods since the step began, and was made to wait."""
    ours = _ours(seen)
    for container in ours:
        was, now = _cpu_before(seen, container), _cpu(container)
        if (throttled := now.throttled - was.throttled) >= ENOUGH_PERIODS:
            waited = (now.throttled_us - was.throttled_us) // 1000
            return Passed(throttled=throttled, periods=now.periods - was.periods, waited_ms=waited, cpus=_cpus(now))
    if not ours:
        return NotYet("no_container")
    return _why_not_throttled(_cpu_before(seen, ours[0]), _cpu(ours[0]))


def _why_not_throttled(was: Cpu, now: Cpu) -> NotYet:
    """What keeps the kernel from making the container wait."""
    used = now.usage_us - was.usage_us
    if now.quota_us is None:
        return NotYet("no_limit", used_ms=used // 1000)
    if used < IDLE_US:
        return NotYet("idle", used_ms=used // 1000)
    return NotYet("hardly_throttled", used_ms=used // 1000, throttled=now.throttled - was.throttled)


def throttled_periods_read(seen: Evidence) -> Verdict:
    """The answer is the container's nr_throttled: the present one, or one that it had since the step began."""
    answered, ours = number(seen.answer), _ours(seen)
    if not ours or answered is None:
        return unanswered(ours)
    for container in ours:
        was, now = _cpu_before(seen, container), _cpu(container)
        if max(1, was.throttled) <= answered <= now.throttled:
            return Passed(throttled=answered, periods=now.periods, waited_ms=now.throttled_us // 1000)
    return _other_counter(answered, _cpu_before(seen, ours[0]), _cpu(ours[0]))


def _other_counter(answered: int, was: Cpu, now: Cpu) -> NotYet:
    """Which line of which cpu.stat the number comes from."""
    if not now.throttled:
        return NotYet("never_throttled")
    if answered == 0:
        return NotYet("parent_counter")
    if answered in (now.periods, was.periods):
        return NotYet("periods_named", answered=answered)
    if now.throttled_us in (answered, answered // 1000):  # v1 counts nanoseconds, v2 microseconds
        return NotYet("time_named", answered=answered)
    if answered < was.throttled:
        return NotYet("older_value", answered=answered)
    return NotYet("other_counter", answered=answered)


def container_gone(seen: Evidence) -> Verdict:
    """The container with the shell on a terminal was there when the step began, and neither it nor its directory is now."""
    there = _ours(moment(seen.before))
    if not there:
        return NotYet("was_not_there")
    gone = gone_of(seen, there)
    if started := [one for one in _ours(seen) if gone and one in seen.appeared()]:
        return NotYet("another_running", container=started[0].name, pid=started[0].init.pid)
    if gone:
        return _directory_gone(seen.now, gone[0])
    running = seen.now.same(there[0]) or there[0]
    return NotYet("paused" if running.cgroups.frozen else "still_running", container=running.name, pid=running.init.pid)


def _directory_gone(now: Facts, ended: Container) -> Verdict:
    """Whether the group of a container that has ended was removed: its engine does that, else whoever made it must."""
    directory = _place(ended).directory
    if directory in now.host.groups:
        return NotYet("directory_left", container=ended.name, directory=directory)
    return Passed(container=ended.name, directory=directory)


def cpu_version(facts: Facts) -> str:
    """The version of the hierarchy that holds the cpu controller."""
    return f"v{_cpu_hierarchy(facts).version}"


def directory(facts: Facts) -> str:
    """The directory of the container's cgroup for the cpu controller."""
    return _place(_one(facts)).directory


def quota_v1(facts: Facts) -> str:
    """What cpu.cfs_quota_us says."""
    quota = _cpu(_one(facts)).quota_us
    return "-1" if quota is None else str(quota)


def quota_v2(facts: Facts) -> str:
    """What cpu.max says."""
    cpu = _cpu(_one(facts))
    return f"{'max' if cpu.quota_us is None else cpu.quota_us} {cpu.period_us}"


def throttled_periods(facts: Facts) -> str:
    """The container's nr_throttled."""
    return str(_cpu(_one(facts)).throttled)


def _ours(seen: Evidence) -> list[Container]:
    """The containers that may be the learner's: a shell on a terminal, and a cgroup of its own."""
    return [one for one in interactive(seen) if _own_group(one)]


def _one(facts: Facts) -> Container:
    return _ours(moment(facts))[0]


def _place(container: Container) -> Membership:
    """Where the container is in the hierarchy of the cpu controller, its root if nowhere."""
    return container.cgroups.of("cpu") or Membership(0, (), "/", "/")


def _own_group(container: Container) -> Membership | None:
    """Its group for the cpu controller, unless that is the root's or one that systemd shares out."""
    place = _place(container)
    name = PurePosixPath(place.path).name
    return place if name and not SHARED_GROUP.fullmatch(name) else None


def _cpu(container: Container) -> Cpu:
    return container.cgroups.cpu or Cpu()


def _cpu_before(seen: Evidence, container: Container) -> Cpu:
    """Its counters when the step began; those of a container that is newer begin at nothing."""
    earlier = seen.before.same(container)
    return _cpu(earlier) if earlier else Cpu()


def _cpus(cpu: Cpu) -> float:
    return round((cpu.quota_us or 0) / cpu.period_us, 2)


def _cpu_hierarchy(facts: Facts) -> Hierarchy:
    """The hierarchy of the cpu controller; the step requires that there is one."""
    return next(one for one in facts.host.hierarchies if "cpu" in one.controllers)


def _directory(answer: str | None) -> PurePosixPath | None:
    """The directory that an answer names; a file in it stands for it. None for no answer."""
    path = PurePosixPath(typed(answer))
    if not path.name and not path.root:
        return None
    return path.parent if path.name.startswith(("cpu.", "cgroup.", "memory.", "pids.")) else path


def _spellings(place: Membership) -> set[PurePosixPath]:
    """The group's directory, and the same through the name of each controller (`cpu` for `cpu,cpuacct`)."""
    directory = PurePosixPath(place.directory)
    mounted = PurePosixPath(place.directory.removesuffix(place.path.rstrip("/")))
    inside = place.path.lstrip("/")
    return {directory, *(mounted.parent / name / inside for name in place.controllers if place.version == 1)}
