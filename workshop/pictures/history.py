"""What the latest looks at one container's processor use showed, for a chart that moves. Pure, and bounded."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..facts import Cpu, Facts

MOST_MOMENTS = 60
"""So many looks are kept: about a minute, as the workshop looks once a second where nothing happens."""
CLOSEST_SECONDS = 0.5
"""Looks that follow each other faster than this, as while a program writes, count as one."""


@dataclass(frozen=True)
class Moment:
    """One look: when, in seconds of any clock that never goes back, and the counters that it found."""

    time: float
    cpu: Cpu


@dataclass(frozen=True)
class History:
    """Looks at one container (by PID namespace, PID 1 and its start), the oldest first."""

    container: tuple[int, int, int] | None = None
    name: str = ""
    moments: tuple[Moment, ...] = ()


def own_first(facts: Facts) -> Facts:
    """The same, with those containers first that somebody sits at, and of those the newest: the learner's own, most likely."""
    return replace(facts, containers=tuple(sorted(facts.containers, key=lambda one: (not one.init.terminal, -one.init.started))))


def recorded(past: History, time: float, facts: Facts) -> History:
    """The history with one more look at the learner's own container; a new one where that is another than before."""
    container = next(iter(own_first(facts).containers), None)
    if container is None or container.cgroups.cpu is None:
        return History()
    identity = (container.namespaces.pid, container.init.pid, container.init.started)
    moments = _thinned(past.moments, time) if past.container == identity else ()
    moments = (*moments, Moment(time, container.cgroups.cpu))
    if moments[0].cpu.usage_us == moments[-1].cpu.usage_us:  # all that time it did nothing: there is nothing that moves
        moments = moments[-1:]
    return History(identity, container.name or container.id[:12], moments[-MOST_MOMENTS:])


def _thinned(moments: tuple[Moment, ...], time: float) -> tuple[Moment, ...]:
    """Without the last one where it and the next would both follow the one before it within CLOSEST_SECONDS."""
    crowded = len(moments) > 1 and time - moments[-2].time < CLOSEST_SECONDS
    return moments[:-1] if crowded else moments
