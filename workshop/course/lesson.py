"""Lesson and Step, parsed from a folder's texts. Pure: text in, frozen dataclasses out, ContentError for what is wrong."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields

STEP_KINDS = ("read", "predict", "do", "answer", "measure", "review")


class ContentError(Exception):
    """A lesson is not as it must be; the message says where and what to do."""


@dataclass(frozen=True)
class Typed:
    """One line of a solution: what to type into which terminal (1 or 2), with this engine only if one is named.

    `{engine}` stands for the engine's command, `{socket}` for the path of its socket.
    """

    terminal: int
    line: str
    engine: str = ""


@dataclass(frozen=True)
class StepText:
    """One step in one language. Hints climb: where to look, the idea, almost the command."""

    title: str
    body: str
    choices: dict[str, str] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    solution: str = ""
    verdicts: dict[str, str] = field(default_factory=dict)
    debrief: str = ""


@dataclass(frozen=True)
class Step:
    """One thing to do or think about; `where` is `lesson/step`.

    `check` names a function Evidence -> Verdict in the lesson's checks file ('' for choices, which have a right one or none).
    `answer` names a function Facts -> str there: the true answer on the live system, for `solve`.
    `needs` names steps whose verdict must hold *now* for this one to be possible: what is rebuilt on return.
    `experiment` names what the workshop runs for a measure step (workshop/learning/experiments/); '' where the learner measures.
    `ask` names a function Facts -> Asked | None there, for a question of the review, and `about` the lesson that it is about.
    `settles` names the predict step whose `right` choice this step shows to be so.
    `covers` names parts of the live picture that would answer it: they stay covered from the lesson's begin until it is passed.
    `requires` names requirements of the machine (workshop/judging/requirements.py); `subjects` what is observed for the check.
    """

    lesson: str
    id: str
    kind: str
    check: str = ""
    answer: str = ""
    ask: str = ""
    about: str = ""
    subjects: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    settles: str = ""
    choices: tuple[str, ...] = ()
    right: str = ""
    solution: tuple[Typed, ...] = ()
    experiment: str = ""
    covers: tuple[str, ...] = ()
    text: dict[str, StepText] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The step's stable name."""
        return f"{self.lesson}/{self.id}"

    @property
    def takes_answer(self) -> bool:
        """Whether an answer is typed."""
        return self.kind in ("answer", "review")


STEP_KEYS = frozenset(one.name for one in fields(Step)) - {"lesson", "text"}
"""What a step's table in lesson.toml may say."""


@dataclass(frozen=True)
class LessonText:
    """A lesson's own words in one language."""

    title: str
    introduction: str


@dataclass(frozen=True)
class Lesson:
    """One chapter: `id` without the number that orders it. Of each of its `values` every learner gets one: see `drawn`."""

    id: str
    order: int
    minutes: int
    steps: tuple[Step, ...]
    text: dict[str, LessonText]
    values: dict[str, tuple[str | int, ...]] = field(default_factory=dict)

    @property
    def questions(self) -> tuple[Step, ...]:
        """Its questions of the review, which have no order: what is due comes first."""
        return tuple(step for step in self.steps if step.ask)

    def step(self, step_id: str) -> Step:
        """The step of this id; raises ContentError with the ids that there are."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise ContentError(f"{self.id} has no step {step_id!r}; it has {', '.join(step.id for step in self.steps)}")


def parse_lesson(folder: str, toml: str, texts: dict[str, str]) -> Lesson:
    """A lesson from its folder's name (`10_name`), lesson.toml, and prose by language; raises ContentError."""
    matched = re.fullmatch(r"(\d+)_([a-z][a-z0-9_]*)", folder)
    if not matched:
        raise ContentError(f"{folder}: a lesson's folder is named NUMBER_NAME, such as 10_exercise_namespaces")
    try:
        table = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise ContentError(f"{folder}/lesson.toml: {error}") from error
    lesson_id = matched[2]
    prose = {language: parse_prose(f"{folder}/{language}.md", text) for language, text in texts.items()}
    entries, minutes = table.get("step", []), table.get("minutes", 10)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ContentError(f"{folder}/lesson.toml: each step is a table that begins with [[step]]")
    if not isinstance(minutes, int):
        raise ContentError(f"{folder}/lesson.toml: minutes must be a number, such as minutes = 10")
    steps = tuple(_step(lesson_id, entry, prose) for entry in entries)
    _unique(folder, steps)
    _no_strays(folder, steps, prose)
    text = {language: LessonText(title, introduction) for language, (title, introduction, _) in prose.items()}
    return Lesson(lesson_id, int(matched[1]), minutes, steps, text, _values(folder, table.get("values", {})))


def _values(folder: str, table: object) -> dict[str, tuple[str | int, ...]]:
    """The table `[values]`: names with lists of two or more texts or numbers; raises ContentError."""
    match table:
        case dict() if all(isinstance(one, list) and len(one) > 1 for one in table.values()):
            values = {str(name): tuple(choices) for name, choices in table.items()}
            if all(type(one) in (str, int) for choices in values.values() for one in choices):
                return values
    raise ContentError(f"{folder}/lesson.toml: each of [values] is a list to draw from, such as limit = [24, 32, 40]")


def _step(lesson: str, entry: dict[str, object], prose: dict[str, tuple[str, str, dict[str, StepText]]]) -> Step:
    where = f"{lesson}/{entry.get('id', '?')}"
    if unknown := entry.keys() - STEP_KEYS:
        raise ContentError(
            f"{where}: unknown key {sorted(unknown)[0]!r} in lesson.toml; known are {', '.join(sorted(STEP_KEYS))}"
        )
    _shape(where, entry)
    if entry.get("kind") not in STEP_KINDS:
        raise ContentError(f"{where}: kind is {entry.get('kind')!r}; it must be one of {', '.join(STEP_KINDS)}")
    ready: dict[str, object] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    ready["solution"] = tuple(_typed(where, line) for line in ready.get("solution", ()))  # type: ignore[attr-defined]  # a tuple by now
    text = {language: steps[str(entry["id"])] for language, (_, _, steps) in prose.items() if entry.get("id") in steps}
    try:
        return Step(lesson=lesson, text=text, **ready)  # type: ignore[arg-type]  # keys were checked above, types by lint
    except TypeError as error:
        raise ContentError(f"{where}: {error}") from error


def _shape(where: str, entry: dict[str, object]) -> None:
    """A step's values are texts and lists of texts; raises ContentError."""
    for key, value in entry.items():
        if key == "solution":
            fine, wanted = isinstance(value, list), "a list of lines"
        elif key in ("subjects", "requires", "needs", "choices", "covers"):
            fine, wanted = isinstance(value, list) and all(isinstance(one, str) for one in value), 'a list, such as ["ipc"]'
        else:
            fine, wanted = isinstance(value, str), 'a text, such as "name"'
        if not fine:
            raise ContentError(f"{where}: {key} must be {wanted}, not {value!r}")


def _typed(where: str, line: object) -> Typed:
    """A solution's line is `{terminal = 1, line = "…"}`, with `engine` where only one of the two types it."""
    match line:
        case {"terminal": 1 | 2 as terminal, "line": str() as typed, **rest} if not rest:
            return Typed(terminal, typed)
        case {"terminal": 1 | 2 as terminal, "line": str() as typed, "engine": "box" | "docker" as engine, **rest} if not rest:
            return Typed(terminal, typed, engine)
    raise ContentError(f'{where}: a line of a solution is {{terminal = 1, line = "…"}}, not {line!r}')


def _unique(folder: str, steps: tuple[Step, ...]) -> None:
    ids = [step.id for step in steps]
    if twice := [one for one in ids if ids.count(one) > 1]:
        raise ContentError(f"{folder}/lesson.toml: the step id {twice[0]!r} is there twice")


def _no_strays(folder: str, steps: tuple[Step, ...], prose: dict[str, tuple[str, str, dict[str, StepText]]]) -> None:
    ids = {step.id for step in steps}
    for language, (_, _, sections) in prose.items():
        if stray := sections.keys() - ids:
            raise ContentError(f"{folder}/{language}.md: section {sorted(stray)[0]!r} is no step of lesson.toml")


def parse_prose(where: str, text: str) -> tuple[str, str, dict[str, StepText]]:
    """Title, introduction, and text by step id.

    `# Title`, an introduction, then a section a step: `## id: Title`, prose, and under it any of `### choices`
    (`- id: text`), `### hints` (a list), `### solution` (prose), `### verdicts` (`- slug: text`), `### debrief` (prose).
    """
    head, *sections = _split(text, "## ")
    title, _, introduction = head.strip().partition("\n")
    if not title.startswith("# "):
        raise ContentError(f"{where}: the first line must be '# ' and the lesson's title")
    steps = {}
    for section in sections:
        heading, _, body = section.partition("\n")
        step_id, colon, step_title = heading.partition(":")
        if not colon:
            raise ContentError(f"{where}: the heading '## {heading}' must be '## step_id: title'")
        steps[step_id.strip()] = _step_text(f"{where}, {step_id.strip()}", step_title.strip(), body)
    return title[2:].strip(), introduction.strip(), steps


def _split(text: str, mark: str) -> list[str]:
    """Parts of a text at the lines that begin with `mark`, which is left out; lines inside ``` fences do not count."""
    parts: list[str] = []
    for piece in f"\n{text}".split(f"\n{mark}"):
        if parts and parts[-1].count("\n```") % 2:  # the mark stands in a fence that is still open
            parts[-1] += f"\n{mark}{piece}"
        else:
            parts.append(piece)
    return parts


def _step_text(where: str, title: str, text: str) -> StepText:
    body, *parts = _split(text, "### ")
    named: dict[str, str] = {}
    for part in parts:
        name, _, content = part.partition("\n")
        if name.strip() not in ("choices", "hints", "solution", "verdicts", "debrief"):
            raise ContentError(f"{where}: '### {name}' must be choices, hints, solution, verdicts or debrief")
        named[name.strip()] = content.strip()
    return StepText(
        title,
        body.strip(),
        choices=_pairs(where, named.get("choices", "")),
        hints=tuple(_items(named.get("hints", ""))),
        solution=named.get("solution", ""),
        verdicts=_pairs(where, named.get("verdicts", "")),
        debrief=named.get("debrief", ""),
    )


def _items(text: str) -> list[str]:
    """Items of a Markdown list, their continuation lines joined by a line break."""
    return [item.strip() for item in re.split(r"(?m)^(?:-|\d+\.) +", text) if item.strip()]


def _pairs(where: str, text: str) -> dict[str, str]:
    """`- name: text` items as a dictionary; the text may go on over indented lines, which are joined."""
    pairs = {}
    for item in _items(text):
        name, colon, value = item.partition(":")
        if not colon or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ContentError(f"{where}: the item {item.splitlines()[0]!r} must be '- name: text'")
        pairs[name] = _joined(value)
    return pairs


def _joined(text: str) -> str:
    """Lines joined into one; no space where both sides are Chinese."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return re.sub(r"(?<=[⺀-￯])\n(?=[⺀-￯])", "", "\n".join(lines)).replace("\n", " ")
