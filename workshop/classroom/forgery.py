"""Why a verdict in an export can't be believed: what is there twice, what is missing, what no kernel shows. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from ..course import ContentError, Library, Step, drawn
from ..facts import Container, Evidence, Facts, own_objects
from ..judging import Broken, attempt, content_version
from ..progress import Event
from ..progress.exports import Export

JUDGED_AGAIN = ("passed", "not_yet", "impossible")
"""Verdicts that follow from evidence alone; `blocked` also needs the steps before, `broken` the program of that day."""


@dataclass(frozen=True)
class Doubt:
    """Why one event can't be believed.

    `kind` is forged (no honest way leads there), copied (one of two learners did, and this may be the other) or differs (may
    be honest). Its text is `classroom.<slug>`.
    """

    where: str
    sequence: int
    kind: str
    slug: str
    values: Mapping[str, str | int] = field(default_factory=dict)


def doubts(export: Export, library: Library, elsewhere: Mapping[str, str]) -> list[Doubt]:
    """All doubts about one learner's events; `elsewhere` names another's file for each mark of an event found there."""
    by_themselves = (one for event in export.events for one in _event(event, library, elsewhere))
    return [*_numbering(export.events), *by_themselves, *_of_others(export, library)]


def _of_others(export: Export, library: Library) -> Iterator[Doubt]:
    """Evidence with values that were drawn for somebody else."""
    for event in export.events:
        step = known_step(event, library)
        if step is None or event.evidence is None or event.content != content_version(library, step):
            continue  # an earlier version of the lesson may have drawn from other values
        if event.evidence.drawn != drawn(library.lesson(step.lesson), export.id):
            yield _forged(event, "drawn_for_others")


def _numbering(events: Sequence[Event]) -> Iterator[Doubt]:
    """Events are numbered 1, 2, 3 and so on by the database, and each has an id of its own."""
    ids = Counter(event.id for event in events)
    expected = 1
    for event in events:
        if event.sequence < expected:
            yield _forged(event, "number_twice")
        elif event.sequence > expected:
            yield _forged(event, "numbers_missing", first=expected, last=event.sequence - 1)
        expected = max(expected, event.sequence + 1)
        if ids[event.id] > 1:
            yield _forged(event, "id_twice")


def _event(event: Event, library: Library, elsewhere: Mapping[str, str]) -> Iterator[Doubt]:
    """Doubts about one event by itself."""
    for other in dict.fromkeys(elsewhere[mark] for mark in marks(event, library) if mark in elsewhere):
        yield Doubt(event.where, event.sequence, "copied", "copied", {"file": other})
    if event.verdict not in JUDGED_AGAIN:
        return
    if event.evidence is None:
        yield _forged(event, "no_evidence")
        return
    step = known_step(event, library)
    if step is None:
        yield Doubt(event.where, event.sequence, "differs", "unknown_step")
        return
    if slug := contradiction(event.evidence):
        yield _forged(event, slug)
    if not {*step.subjects} <= {*event.evidence.now.subjects}:
        yield _forged(event, "not_looked_at")
    yield from _judged_again(event, step, event.evidence, library)


def _judged_again(event: Event, step: Step, evidence: Evidence, library: Library) -> Iterator[Doubt]:
    # Evidence of earlier versions holds the queues of everybody on that machine: only the learner's own count.
    owned = replace(evidence, before=own_objects(evidence.before), now=own_objects(evidence.now))
    verdict = attempt(library, step, owned)
    if (verdict.kind, verdict.slug) == (event.verdict, event.slug):
        return
    values = {"said": f"{event.verdict} ({event.slug})", "judged": f"{verdict.kind} ({verdict.slug})"}
    if event.content != content_version(library, step):
        yield Doubt(event.where, event.sequence, "differs", "other_content", values)
    elif isinstance(verdict, Broken):
        yield _forged(event, "check_raised", log=str(verdict.values["log"]).strip().splitlines()[-1])
    else:
        yield _forged(event, "does_not_follow", **values)


def _forged(event: Event, slug: str, **values: str | int) -> Doubt:
    return Doubt(event.where, event.sequence, "forged", slug, values)


def known_step(event: Event, library: Library) -> Step | None:
    """The event's step, None where this installation's lessons do not have it."""
    try:
        return library.step(event.where)
    except ContentError:
        return None


def marks(event: Event, library: Library) -> Iterator[str]:
    """What two learners' events can't have in common: the id, and evidence of something that the learner made.

    Two who share a machine may rightly see the same while nothing happens on it: such evidence is no mark. A box is seen
    by its owner alone, so evidence with one is.
    """
    yield event.id
    step = known_step(event, library)
    evidence = event.evidence
    if evidence is None or event.verdict != "passed" or step is None or step.kind in ("read", "predict"):
        return
    if evidence.now != evidence.before or any(one.engine == "box" for one in evidence.now.containers):
        yield hashlib.sha256(msgspec.json.encode((evidence.before, evidence.now))).hexdigest()


def contradiction(evidence: Evidence) -> str:
    """The slug of something in the evidence that no kernel shows, '' where nothing is."""
    before, now = evidence.before, evidence.now
    if before.host.boot != now.host.boot:
        return "two_boots"
    if any(map(_impossible, (before, now))):
        return "impossible_facts"
    pairs = ((old, new) for new in now.containers if (old := before.same(new)))
    return "counter_ran_back" if any(_ran_back(old, new) for old, new in pairs) else ""


def _impossible(facts: Facts) -> bool:
    """A container in the host's own PID namespace, two in one, one without PID 1, or two processes of one pid."""
    inodes = [one.namespaces.pid for one in facts.containers]
    return (
        len(set(inodes)) < len(inodes)
        or facts.host.namespaces.pid in inodes
        or any(one.init.inner != 1 or _pid_twice(one) for one in facts.containers)
    )


def _pid_twice(container: Container) -> bool:
    pids = [one.pid for one in container.processes]
    return len(set(pids)) < len(pids)


def _ran_back(old: Container, new: Container) -> bool:
    """True where one and the same container has used less processor time than before."""
    same = (old.init.pid, old.init.started) == (new.init.pid, new.init.started)
    return bool(same and old.cgroups.cpu and new.cgroups.cpu and new.cgroups.cpu.usage_us < old.cgroups.cpu.usage_us)
