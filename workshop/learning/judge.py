"""Looking and judging: what was seen of the kernel when a step began, what is seen now, and what the check says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..course import Library, Step, drawn
from ..facts import Container, Evidence, Facts, Measured, own, unclaimed
from ..judging import Blocked, NotYet, Others, Passed, Verdict, attempt, would_pass

ObserveKernel = Callable[[Sequence[str]], Facts]
PICTURE_SUBJECTS = frozenset({"processes", "hostname"})
"""What the live pictures need, looked at whatever the step asks for."""
UNDO_SUBJECTS = ("ipc", "images", "handmade", "lxc")


@dataclass(frozen=True)
class Judged:
    """A verdict, the evidence for it, and whether it says something new of the step."""

    verdict: Verdict
    evidence: Evidence
    is_news: bool


class Judge:
    """Judges one step at a time by what `observe` shows; what that raises comes through every look."""

    def __init__(self, library: Library, observe: ObserveKernel, learner: str) -> None:
        """Nothing is looked at yet; `learner` is the id that values are drawn for."""
        self._library = library
        self._observe = observe
        self._learner = learner
        self.facts: Facts | None = None
        self.before: Facts | None = None
        self.verdict: Verdict | None = None
        self.other: Container | None = None
        """Somebody else's, or nobody's, with which the latest verdict would have been a pass."""
        self.results: dict[str, Measured] = {}
        """What experiments came to, by their names: part of what is seen."""
        self._answer: str | None = None
        self._others = Others()

    def forget(self, results: Iterable[Measured]) -> None:
        """Another step comes: of it nothing was seen yet but these results."""
        self.before = self.verdict = self._answer = None
        self.results = {one.experiment: one for one in results}

    def keep(self, result: Measured) -> None:
        """A new result is judged anew."""
        self.results[result.experiment] = result
        self.verdict = None

    def begin(self, step: Step) -> Facts:
        """What there is now is what the check compares with."""
        self.before = self._look(step)
        self._others = Others(self._others.now, self._others.now)
        return self.before

    def look(self, step: Step) -> Facts:
        """What the kernel shows now, without judging it; the step begins with the first look."""
        if self.before is None:
            self.begin(step)
        return self._look(step)

    def _look(self, step: Step) -> Facts:
        needed = (subject for one in needs(self._library, step) for subject in one.subjects)
        seen = self._observe(sorted({*step.subjects, *needed, *PICTURE_SUBJECTS, *UNDO_SUBJECTS}))
        self._others = replace(self._others, now=unclaimed(seen))
        self.facts = replace(own(seen), measured=tuple(self.results.values()))
        return self.facts

    def judge(self, step: Step, now: Facts, answer: str | None, undone: Step | None) -> Judged:
        """What the step's check says of this look; blocked where an earlier step is undone. An answer stands until the next."""
        self._answer = answer if answer is not None else self._answer
        evidence = self.evidence(step, now)
        verdict = Blocked(undone.id) if undone else attempt(self._library, step, evidence)
        news = answer is not None or self._differs(verdict)
        self.verdict = verdict
        self.other = would_pass(self._library, step, evidence, self._others) if isinstance(verdict, NotYet) else None
        return Judged(verdict, evidence, news)

    def evidence(self, step: Step, now: Facts) -> Evidence:
        """What there is to judge the step by, with this look."""
        return Evidence(self.before or now, now, self._answer, drawn(self._library.lesson(step.lesson), self._learner))

    def _differs(self, verdict: Verdict) -> bool:
        """Values such as counters move with every look: a verdict is another one by its slug."""
        known = self.verdict
        return known is None or (known.kind, known.slug) != (verdict.kind, verdict.slug)

    @property
    def has_passed(self) -> bool:
        """True while the latest verdict on the step is a pass."""
        return isinstance(self.verdict, Passed)


def needs(library: Library, step: Step) -> list[Step]:
    """The steps of its lesson whose results a step builds on."""
    return [library.lesson(step.lesson).step(name) for name in step.needs]
