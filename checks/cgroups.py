"""Checks of the lesson on what control groups do: limit and tell, weigh, count, freeze."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from workshop.facts import Container, Evidence, Facts
from workshop.judging import (
    MEBIBYTE,
    SHELLS,
    NotYet,
    Passed,
    Verdict,
    cpu_gained,
    cpu_used,
    interactive,
    is_shell,
    left_of,
    memory_limit,
    moment,
    number,
    oom_kills,
    processors,
    typed,
    unanswered,
)

SMALL = 64 * MEBIBYTE
"""A memory limit that is soon reached."""
FEW = 64
"""A number of processes that is soon reached."""
WORKERS = SHELLS | {
    "timeout",
    "md5sum",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "yes",
    "dd",
    "cat",
    "stress",
    "stress-ng",
    "python3",
}
"""What a learner burns processor time with; a service that happens to run here is none of them."""
BUSY_US = 100_000
"""CPU time that says of a container that it works."""
WEIGHED_US = 500_000
"""So much the lighter one must have had before a ratio means anything."""
OTHER_LINES = re.compile(r"\b(under_oom|oom_kill_disable|oom_group_kill|oom|max|high|low)\b\s*[:=]?\s*\d")
"""Lines beside oom_kill in memory.oom_control and memory.events, as they are copied."""
NEAR = 1.6
"""How far from the weights' ratio the times' may be: the scheduler deals in slices of some milliseconds."""

STRANGER_MEMORY, STRANGER_PROCESSES, STRANGER_US = 40 * MEBIBYTE, 6, 1_000_000
"""What a container for an unknown program may have, and the CPU time that it is to have had."""
STRANGER_WEIGHT = {1: 256, 2: 35}
"""A quarter of what is usual; 35 is the most that engines make of 256 shares for version 2."""


def small_container(seen: Evidence) -> Verdict:
    """A container with a shell on a terminal has a small memory limit, which it did not have before."""
    ours, appeared = interactive(seen), seen.appeared()
    for container in ours:
        if 0 < memory_limit(container) <= SMALL and not _was_small(seen, container):
            return Passed(container=container.name, limit=memory_limit(container) // MEBIBYTE)
    for container in (one for one in appeared if one not in ours):
        return NotYet("no_terminal" if is_shell(container) else "not_a_shell", container=container.name)
    if any(_was_small(seen, one) for one in ours):
        return NotYet("already_there", container=ours[0].name)
    return NotYet("no_limit", container=ours[0].name) if ours else NotYet("no_container")


def _was_small(seen: Evidence, container: Container) -> bool:
    earlier = seen.before.same(container)
    return earlier is not None and 0 < memory_limit(earlier) <= SMALL


def killed_at_limit(seen: Evidence) -> Verdict:
    """The kernel killed a process of the container for want of memory since the step began."""
    ours = _small(seen)
    for container in ours:
        if (kills := oom_kills(container) - oom_kills(seen.before.same(container))) > 0:
            memory = container.cgroups.memory
            peak = (memory.peak or 0) // MEBIBYTE if memory else 0
            return Passed(kills=kills, peak=peak, limit=memory_limit(container) // MEBIBYTE)
    if not ours:
        return NotYet("no_container")
    used = ours[0].cgroups.memory
    return NotYet("not_killed", usage=used.usage // MEBIBYTE if used else 0, limit=memory_limit(ours[0]) // MEBIBYTE)


def kills_read(seen: Evidence) -> Verdict:
    """The answer is how many processes of the container the kernel has killed for want of memory."""
    ours, answered = _small(seen), number(seen.answer)
    if not ours or answered is None:
        return unanswered(ours)
    if OTHER_LINES.search(typed(seen.answer).lower()):
        return NotYet("other_line", answered=typed(seen.answer))
    for container in ours:
        if answered and oom_kills(seen.before.same(container)) <= answered <= oom_kills(container):
            return Passed(kills=answered)
    return _misread(ours, answered)


def _misread(ours: Sequence[Container], answered: int) -> NotYet:
    """What the number is, if it is not the counter's."""
    if not any(map(oom_kills, ours)):
        return NotYet("none_yet")
    if answered == 137:
        return NotYet("exit_code")
    return NotYet("other_line", answered=answered) if answered == 0 else NotYet("other_number", answered=answered)


def fork_refused(seen: Evidence) -> Verdict:
    """The kernel refused the container a new process since the step began."""
    ours = interactive(seen)
    for container in ours:
        if (refused := _refused(container) - _refused(seen.before.same(container))) > 0:
            return Passed(refused=refused, limit=container.cgroups.pids.limit or 0 if container.cgroups.pids else 0)
    if not ours:
        return NotYet("no_container")
    pids = next((one.cgroups.pids for one in ours if one.cgroups.pids and 0 < (one.cgroups.pids.limit or 0) <= FEW), None)
    if pids is None:
        return NotYet("no_limit", container=ours[0].name)
    return NotYet("none_refused", current=pids.current, limit=pids.limit or 0)


def rivals_started(seen: Evidence) -> Verdict:
    """Two containers of unequal weight want one and the same processor, and did not when the step began."""
    busy = [one for one in _workers(seen.now) if cpu_used(one) > BUSY_US]
    if len(busy) < 2:
        return NotYet("not_two")
    rivals = [pair for pair in combinations(busy, 2) if _pinned(pair[0]) and pair[0].cgroups.cpus == pair[1].cgroups.cpus]
    if not rivals:
        return NotYet("two_processors")
    for light, heavy in (sorted(pair, key=_weight) for pair in rivals):
        if _weight(light) < _weight(heavy) and not _were_rivals(seen, light, heavy):
            return Passed(heavy=heavy.name, light=light.name, wanted=f"{_wanted(light, heavy):.1f}")
    if all(_weight(one) == _weight(other) for one, other in rivals):
        return NotYet("same_weight", weight=_weight(rivals[0][0]))
    return NotYet("already_there")


def _were_rivals(seen: Evidence, light: Container, heavy: Container) -> bool:
    earlier = seen.before.same(light), seen.before.same(heavy)
    return any((one.name, other.name) == (light.name, heavy.name) for one, other in _rivals(seen.before)) and None not in earlier


def _rivals(facts: Facts) -> list[tuple[Container, Container]]:
    """Pairs that want one processor, the lighter one first; where the machine has one only, idle ones seem to, and come last."""
    pairs = sorted(
        (sorted(pair, key=_weight) for pair in combinations(_workers(facts), 2)), key=lambda pair: -min(map(cpu_used, pair))
    )
    return [
        (one, two) for one, two in pairs if _pinned(one) and one.cgroups.cpus == two.cgroups.cpus and _weight(one) < _weight(two)
    ]


def _wanted(light: Container, heavy: Container) -> float:
    return _weight(heavy) / max(_weight(light), 1)


def ratio_named(seen: Evidence) -> Verdict:
    """The answer is how many times as much of a processor the heavier one got since the step began."""
    rivals = _rivals(seen.now)
    answered = re.search(r"\d+(\.\d+)?", typed(seen.answer))
    if not rivals:
        return NotYet("no_rivals")
    if not answered:
        return NotYet("no_answer")
    judged = [_judge_ratio(seen, light, heavy, float(answered[0])) for light, heavy in rivals]
    return next((one for one in judged if isinstance(one, Passed)), judged[0])


def _judge_ratio(seen: Evidence, light: Container, heavy: Container, answered: float) -> Passed | NotYet:
    """Whether the kernel has dealt the processor out as they weigh, and the answer says so."""
    much, little, wanted = cpu_gained(seen, heavy), cpu_gained(seen, light), _wanted(light, heavy)
    ratio = much / max(little, 1)
    if 10 < answered <= 100 and not wanted / NEAR < answered < wanted * NEAR:
        return NotYet("share_named", answered=f"{answered:g}")
    if little < WEIGHED_US or not wanted / NEAR < ratio < wanted * NEAR:
        return NotYet("too_early", heavy_ms=much // 1000, light_ms=little // 1000)
    if ratio / NEAR < answered < ratio * NEAR:
        return Passed(ratio=f"{ratio:.1f}", wanted=f"{wanted:.1f}", heavy=heavy.name, light=light.name)
    return NotYet("other_ratio", answered=f"{answered:g}")


def usage_read(seen: Evidence) -> Verdict:
    """The answer is a container's CPU time since its start, as its control group counts it."""
    answered = number(seen.answer)
    counted = [one for one in _workers(seen.now) if cpu_used(one) > BUSY_US]
    if not counted or answered is None:
        return unanswered(counted)
    for container in counted:
        least, most = cpu_used(seen.before.same(container)), cpu_used(container)
        if least <= answered <= most or least <= answered // 1000 <= most:
            return Passed(container=container.name, seconds=f"{most / 1_000_000:.1f}")
    return NotYet("other_number", answered=answered)


def frozen(seen: Evidence) -> Verdict:
    """A container is frozen that was not when the step began."""
    ours = _workers(seen.now)
    for container in ours:
        earlier = seen.before.same(container)
        if container.cgroups.frozen and not (earlier and earlier.cgroups.frozen):
            return Passed(container=container.name)
    stopped = next((one for one in ours if "T" in (one.init.state, *(each.state for each in one.processes))), None)
    if stopped:
        return NotYet("stopped_by_signal", container=stopped.name)
    if any(one.cgroups.frozen for one in ours):
        return NotYet("already_frozen")
    return NotYet("not_frozen") if ours else NotYet("no_container")


def standing_still(seen: Evidence) -> Verdict:
    """The answer is the CPU time of a frozen container, which is the same as when the step began."""
    answered = number(seen.answer)
    still = [one for one in _workers(seen.now) if one.cgroups.frozen]
    if not still:
        return NotYet("not_frozen")
    if answered is None:
        return NotYet("no_answer")
    for container in still:
        earlier, now = cpu_used(seen.before.same(container)), cpu_used(container)
        if now in (answered, answered // 1000) and earlier == now:
            return Passed(container=container.name, answered=answered)
    others = [one for one in _workers(seen.now) if not one.cgroups.frozen]
    for container in others:
        if cpu_used(seen.before.same(container)) <= max(answered // 1000, 1) <= cpu_used(container):
            return NotYet("one_that_runs", container=container.name)
    return NotYet("other_number", answered=answered)


def runs_on(seen: Evidence) -> Verdict:
    """A container that was frozen when the step began runs again: its CPU time moves."""
    were = [one for one in _workers(seen.before) if one.cgroups.frozen]
    if not were:
        return NotYet("was_not_frozen")
    here = [now for one in were if (now := seen.now.same(one))]
    for container in here:
        if not container.cgroups.frozen and (gained := cpu_gained(seen, container)) > BUSY_US:
            return Passed(container=container.name, gained_ms=gained // 1000)
    if not here:
        return NotYet("ended", container=were[0].name)
    if all(one.cgroups.frozen for one in here):
        return NotYet("still_frozen", container=here[0].name)
    return NotYet("idle", container=here[0].name)


def place_prepared(seen: Evidence) -> Verdict:
    """A container is limited, light, has worked and is frozen, and was not all of it when the step began."""
    ours = _workers(seen.now)
    ready = [one for one in ours if not _lacking(one)]
    for container in ready:
        earlier = seen.before.same(container)
        if earlier is None or _lacking(earlier):
            return Passed(container=container.name, used_ms=cpu_used(container) // 1000)
    if ready:
        return NotYet("already_there", container=ready[0].name)
    appeared = seen.appeared()
    likely = sorted(ours, key=lambda one: (len(_lacking(one)), one not in appeared))
    return _lacking(likely[0])[0] if likely else NotYet("no_container")


def _lacking(container: Container) -> list[NotYet]:
    """What a container lacks of what it is to be for a stranger's program."""
    name, pids, frozen_now = container.name, container.cgroups.pids, container.cgroups.frozen
    cpu = container.cgroups.of("cpu")
    most = STRANGER_WEIGHT[cpu.version if cpu else 2]
    lacking = {
        NotYet("much_memory", container=name): not 0 < memory_limit(container) <= STRANGER_MEMORY,
        NotYet("many_processes", container=name): not (pids and 0 < (pids.limit or 0) <= STRANGER_PROCESSES),
        NotYet("heavy", container=name, weight=_weight(container), most=most): not 0 < _weight(container) <= most,
        NotYet("idle", container=name, used_ms=cpu_used(container) // 1000): cpu_used(container) < STRANGER_US,
        NotYet("runs_on", container=name): not frozen_now,
    }
    return [verdict for verdict, lacks in lacking.items() if lacks]


def loops_gone(seen: Evidence) -> Verdict:
    """The two containers that worked without a terminal are gone, and their groups with them."""
    were = [one for one in _workers(seen.before) if not one.init.terminal and _pinned(one) and cpu_used(one) > BUSY_US]
    left = left_of(seen, were)
    if len(were) < 2:
        return NotYet("were_not_there")
    if len(were) - len(left) < 2:
        return NotYet("still_there", container=left[0].name)
    return Passed(first=were[0].name, second=were[1].name)


def kills(facts: Facts) -> str:
    """How many kills the kernel has counted."""
    return str(max(oom_kills(one) for one in _small(moment(facts))))


def ratio(facts: Facts) -> str:
    """What the weights of the two say."""
    return f"{_wanted(*_rivals(facts)[0]):.1f}"


def usage(facts: Facts) -> str:
    """The busiest container's CPU time in microseconds."""
    return str(max(map(cpu_used, _workers(facts))))


def frozen_usage(facts: Facts) -> str:
    """The frozen container's CPU time in microseconds."""
    return str(next(cpu_used(one) for one in _workers(facts) if one.cgroups.frozen))


def _workers(facts: Facts) -> list[Container]:
    """The containers that may be the learner's: PID 1 is a shell, or a program that computes for nobody."""
    return [one for one in facts.containers if one.init.name in WORKERS]


def _small(seen: Evidence) -> list[Container]:
    """The containers that may be the learner's, with a small memory limit."""
    return [one for one in interactive(seen) if 0 < memory_limit(one) <= SMALL]


def _refused(container: Container | None) -> int:
    return container.cgroups.pids.refused if container and container.cgroups.pids else 0


def _weight(container: Container) -> int:
    return container.cgroups.cpu.weight if container.cgroups.cpu else 0


def _pinned(container: Container) -> bool:
    """Held to one processor."""
    return len(processors(container)) == 1
