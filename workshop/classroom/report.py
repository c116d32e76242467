"""Who passed what, where each is and on what they are stuck, from many learners' events. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..course import Library, Step
from ..progress import Event
from ..progress.exports import Export
from ..words import clean
from .forgery import Doubt, doubts, marks


@dataclass(frozen=True)
class Handed:
    """An export, and the file that it was read from."""

    file: str
    export: Export


@dataclass(frozen=True)
class Refused:
    """A file that is no whole export, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class StepResult:
    """One learner at one step. `state` is passed, doubtful, tried, begun, impossible or open.

    `verdict` is the slug of the latest verdict; `tries` counts verdicts before the first pass, `hints` hints taken.
    """

    where: str
    state: str
    tries: int = 0
    hints: int = 0
    verdict: str = ""


@dataclass(frozen=True)
class Learner:
    """One learner: a result for every step in the lessons' order; `current` is '' where everything is passed."""

    file: str
    name: str
    machine: str
    current: str
    steps: tuple[StepResult, ...]
    doubts: tuple[Doubt, ...]

    def at(self, where: str) -> StepResult:
        """The result at a step, an untouched one for '' or a step that there is not."""
        return next((one for one in self.steps if one.where == where), StepResult(where, "open"))

    @property
    def passed(self) -> int:
        """How many steps are passed beyond doubt."""
        return sum(one.state == "passed" for one in self.steps)


@dataclass(frozen=True)
class ClassReport:
    """The whole class. `older` are files whose events all stand in a later export of the same learner as well."""

    learners: tuple[Learner, ...]
    refused: tuple[Refused, ...] = ()
    older: tuple[str, ...] = ()

    def stuck(self) -> list[tuple[str, str, int]]:
        """Step, verdict and how many learners are there with it now, the most first; verdicts that passed left out."""
        now = [one.at(one.current) for one in self.learners]
        counted = Counter((one.where, one.verdict) for one in now if one.state == "tried")
        return [(where, verdict, number) for (where, verdict), number in counted.most_common()]


def report(handed: Sequence[Handed], library: Library, refused: Sequence[Refused] = ()) -> ClassReport:
    """The report on these exports, every verdict judged again with the library's checks."""
    cleaned = list(map(_cleaned, handed))
    places = range(len(cleaned))
    older = {place for place in places if any(_continues(cleaned, later, place) for later in places)}
    latest = [cleaned[place] for place in places if place not in older]
    holders = _holders(latest, library)
    learners = []
    for one in latest:
        shared = {
            mark: next(other.file for other in who if other is not one)
            for mark, who in holders.items()
            if any(one is other for other in who)
        }
        learners.append(_learner(one, library, shared))
    refusals = tuple(Refused(shown(one.file), shown(one.reason)) for one in refused)
    return ClassReport(tuple(learners), refusals, tuple(cleaned[place].file for place in sorted(older)))


def _continues(handed: Sequence[Handed], later: int, earlier: int) -> bool:
    """True where one is the same learner's export with all of the other's events and more, or with the same and given later."""
    new, old = handed[later].export, handed[earlier].export
    if later == earlier or (new.learner, new.machine) != (old.learner, old.machine):
        return False
    more, fewer = {one.id for one in new.events}, {one.id for one in old.events}
    return more > fewer or (more == fewer and later > earlier)


def _holders(handed: Sequence[Handed], library: Library) -> dict[str, list[Handed]]:
    """Whose files hold a mark that only one learner's can hold, where several do."""
    found: dict[str, list[Handed]] = {}
    for one in handed:
        for mark in {mark for event in one.export.events for mark in marks(event, library)}:
            found.setdefault(mark, []).append(one)
    return {mark: who for mark, who in found.items() if len(who) > 1}


def _learner(handed: Handed, library: Library, elsewhere: dict[str, str]) -> Learner:
    events = handed.export.events
    found = tuple(doubts(handed.export, library, elsewhere))
    doubted = {one.sequence for one in found if one.slug != "numbers_missing"}  # what is missing says nothing of what is there
    steps = [step for lesson in library.lessons for step in lesson.steps]
    results = tuple(_result(step, [one for one in events if one.where == step.where], doubted) for step in steps)
    return Learner(handed.file, handed.export.learner, handed.export.machine, _current(events, results), results, found)


def _result(step: Step, events: Sequence[Event], doubted: set[int]) -> StepResult:
    if not events:
        return StepResult(step.where, "open")
    verdicts = [one for one in events if one.kind == "verdict"]
    claimed = [one for one in events if one.verdict == "passed"]
    first = next((one.sequence for one in claimed if one.sequence not in doubted), None)
    tried = [one for one in verdicts if one.verdict != "passed" and (first is None or one.sequence < first)]
    latest = verdicts[-1] if verdicts else None
    return StepResult(
        step.where,
        _state(claimed, first, latest),
        tries=len(tried),
        hints=sum(one.kind == "hint" for one in events),
        verdict=latest.slug if latest else "",
    )


def _state(claimed: Sequence[Event], first: int | None, latest: Event | None) -> str:
    if first is not None:
        return "passed"
    if claimed:
        return "doubtful"
    if latest is None:
        return "begun"
    return "impossible" if latest.verdict == "impossible" else "tried"


def _current(events: Sequence[Event], results: Sequence[StepResult]) -> str:
    """The step of the latest event, or if it is done the next one after it that is not; '' where all are done."""
    names = [one.where for one in results]
    here = next((names.index(one.where) for one in reversed(events) if one.where in names), 0)
    onwards = [*results[here:], *results[:here]]
    return next((one.where for one in onwards if one.state not in ("passed", "impossible")), "")


def shown(text: str) -> str:
    """Text from outside fit to be shown, on one line and not endless."""
    return " ".join(clean(text).split())[:200]


def _cleaned(handed: Handed) -> Handed:
    """The export with every name in it fit to be shown."""
    events = tuple(
        replace(one, lesson=shown(one.lesson), step=shown(one.step), slug=shown(one.slug), verdict=shown(one.verdict))
        for one in handed.export.events
    )
    export = Export(shown(handed.export.learner), shown(handed.export.machine), events, handed.export.id)
    return Handed(shown(handed.file), export)
