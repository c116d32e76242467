"""A lesson's words as the learner reads them: in their language, with their engine and what was seen filled in. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from ..client.sight import registry
from ..course import Lesson, LessonText, Library, Step, StepText, Typed, drawn
from ..engines import Choice
from ..facts import Container, Facts
from ..judging import Verdict
from ..words import fill, say, words
from ..words.line_breaks import joined


@dataclass(frozen=True)
class Wording:
    """The words of this library, in this language, with this engine. Figures stay as `{name}`: who shows them knows how wide."""

    library: Library
    language: str
    engine: Choice
    learner: str = ""

    def text(self, step: Step, facts: Facts | None) -> StepText:
        """A step's words; those of a review's question with what it asks about at this moment."""
        text = self._text(step)
        asked = self._asked(step, facts)
        own = self.own(step.lesson)
        if step.ask and not asked:
            text = StepText(text.title, absent := say(self.language, "session.nothing_to_ask"), hints=(absent,), solution=absent)
        filled = partial(self._filled, {**own, **asked})
        return replace(
            text,
            body=filled(text.body), debrief=filled(text.debrief), solution=filled(text.solution) or self._measured_by(step),
            hints=tuple(map(filled, text.hints)), choices={name: filled(choice) for name, choice in text.choices.items()},
        )  # fmt: skip

    def own(self, lesson: str) -> dict[str, str | int]:
        """The values of the lesson of this id that are this learner's own."""
        return drawn(self.library.lesson(lesson), self.learner)

    def _text(self, step: Step) -> StepText:
        return step.text.get(self.language) or next(iter(step.text.values()), StepText(step.id, ""))

    def _measured_by(self, step: Step) -> str:
        """How a step is solved that leaves nothing to type; '' for every other one."""
        return say(self.language, "session.solved_by_measuring") if step.experiment else ""

    def _filled(self, values: Mapping[str, str | int | float], text: str) -> str:
        """What belongs to the engine, to the learner and to a question is filled in: other braces, such as awk's, stay."""
        text = self.engine.fill(text).replace("{registry}", registry.address(os.getuid()))
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def _asked(self, step: Step, facts: Facts | None) -> dict[str, str | int | float]:
        """The values that a question names, as they are in these facts; none where there is nothing to ask about."""
        asked = self.library.asked(step, facts) if step.ask and facts else None
        return {**asked.values, "right": self._worded(asked.right)} if asked else {}

    def _worded(self, right: str | int | float) -> str | int | float:
        """A right answer as the learner would give it: a yes or no in their language."""
        return say(self.language, f"session.{right}") if right in ("yes", "no") else right

    def lesson(self, lesson: Lesson) -> LessonText:
        """A lesson's title and introduction."""
        text = lesson.text.get(self.language) or next(iter(lesson.text.values()), LessonText(lesson.id, ""))
        return replace(text, introduction=self._filled(self.own(lesson.id), text.introduction))

    def lines(self, step: Step) -> tuple[Typed, ...]:
        """What to type to solve a step."""
        ours = (one for one in step.solution if one.engine in ("", self.engine.name))
        return tuple(replace(one, line=self._filled(self.own(step.lesson), one.line)) for one in ours)

    def choice(self, step: Step, name: str) -> str:
        """A choice by its id, as it is read."""
        return self._filled(self.own(step.lesson), self._text(step).choices[name])

    def message(self, step: Step, verdict: Verdict) -> str:
        """The sentence for a verdict, with what was seen filled in."""
        always = {"engine": self.engine.name, "registry": registry.address(os.getuid())}
        values = {**always, **self.own(step.lesson), **verdict.values}
        if verdict.kind == "impossible":
            reasons = words(self.language, "requirements")
            return joined(fill(reasons[verdict.slug], values), fill(reasons[f"{verdict.slug}_fix"], values))
        if verdict.kind == "blocked":
            earlier = self.library.lesson(step.lesson).step(str(verdict.values["step"]))
            return say(self.language, "session.blocked", step=self._text(earlier).title)
        own = self._text(step).verdicts.get(verdict.slug)
        if own is not None:
            return fill(own, {**values, **self._chosen(step, verdict)})
        known = words(self.language, "session")
        return fill(known.get(verdict.slug, known["unnamed"]), {**values, "slug": verdict.slug})

    def _chosen(self, step: Step, verdict: Verdict) -> dict[str, object]:
        """A choice's id shows as its text."""
        choices = self._text(step).choices
        return {"answer": choices[str(verdict.values["answer"])]} if verdict.values.get("answer") in choices else {}

    def others(self, other: Container | None) -> str:
        """Whose the container may be that would have passed the step, were it the learner's; '' where there is none."""
        if other is None:
            return ""
        whose = "nobodys_container" if not other.owners else "others_container"
        owners = ", ".join(map(str, other.owners))
        return say(self.language, f"session.{whose}", container=other.name, engine=other.engine, uid=owners)
