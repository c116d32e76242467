"""One visit to a step: what the screen remembers of it and the record need not know. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ...judging import Verdict


@dataclass
class Visit:
    """`deeds` is True once the learner did something here; `passed` once the step's debrief is shown; `lacking` while
    the learner has been told that something which the step needs is gone."""

    passed: bool = False
    solution_shown: bool = False
    deeds: bool = False
    lacking: bool = False
    first: Verdict | None = None

    def is_news(self, verdict: Verdict) -> bool:
        """False while nothing was done and nothing changed: that there is no container yet is no news, and takes room."""
        if self.first is None:
            self.first = verdict
        waiting = verdict.kind == "not_yet" and verdict.slug == self.first.slug and verdict.slug != "no_answer"
        return self.deeds or not waiting
