"""The class report as a table for people, and as JSON and CSV for programs."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import unicodedata
from collections.abc import Iterator
from pathlib import PurePath

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..words import say
from .report import ClassReport, Learner, shown

MARKS = {"passed": "+", "doubtful": "?", "tried": "~", "begun": "~", "impossible": "-", "open": "."}
MOST_REASONS = 4
"""Reasons shown for one learner: who forged one verdict often forged them all."""
FORMULA = ("=", "+", "-", "@", "\N{MINUS SIGN}")
"""What a formula begins with; other forms of these signs, such as U+FF1D, are compatible with them (Unicode's NFKC)."""


def show(report: ClassReport, language: str, console: Console | None = None) -> None:
    """Print the report: learners, where the class is stuck, doubts, and the files that could not be read."""
    screen = console or Console(markup=False, emoji=False, highlight=False)
    if report.learners:
        screen.print(_learners(report, language))
        screen.print(say(language, "classroom.legend"), markup=False)
    sections = {
        "stuck": [say(language, "classroom.stuck_line", step=w, verdict=v, learners=n) for w, v, n in report.stuck()],
        "doubts": [line for one in report.learners for line in _doubt_lines(one, language)],
        "not_read": list(refusals(report, language)),
        "older": list(report.older),
    }
    for name, lines in sections.items():
        if lines:
            screen.print(f"\n{say(language, f'classroom.{name}_title')}", markup=False)
            for line in lines:
                screen.print(Text(f"  {line}"))


def refusals(report: ClassReport, language: str) -> Iterator[str]:
    """A line for each file that is no whole export."""
    for one in report.refused:
        yield say(language, "classroom.refused", file=one.file, reason=one.reason)


def _learners(report: ClassReport, language: str) -> Table:
    """A table that fits into 80 columns: what is long stands in lines of its own within a cell."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("learner", "passed", "steps", "here", "tries", "hints", "doubts"):
        heading = say(language, f"classroom.{column}")
        table.add_column(Text(heading), overflow="fold", min_width=cell_len(heading), no_wrap=column == "steps")
    for one in report.learners:
        table.add_row(*map(Text, _row(one, language)))
    return table


def _row(one: Learner, language: str) -> list[str]:
    here = one.at(one.current)
    sees = say(language, "classroom.sees", verdict=here.verdict) if here.state == "tried" else ""
    place = one.current.replace("/", "/\n") or say(language, "classroom.finished")
    return [
        f"{one.name}@{one.machine}\n{PurePath(one.file).name}",
        f"{one.passed}/{len(one.steps)}",
        progress_marks(one),
        "\n".join(filter(None, (place, sees))),
        str(here.tries),
        str(here.hints),
        str(len(one.doubts)),
    ]


def progress_marks(one: Learner) -> str:
    """A character a step, a lesson a line: `+` passed, `?` doubtful, `~` tried, `-` impossible there, `.` not begun."""
    lessons: dict[str, str] = {}
    for step in one.steps:
        lesson = step.where.partition("/")[0]
        lessons[lesson] = lessons.get(lesson, "") + MARKS[step.state]
    return "\n".join(lessons.values())


def _doubt_lines(one: Learner, language: str) -> Iterator[str]:
    """A line for each reason, with all the steps that it holds for; after MOST_REASONS of them, how many are left out."""
    steps: dict[tuple[str, str], list[str]] = {}
    for doubt in one.doubts:
        kind, reason = say(language, f"classroom.kind_{doubt.kind}"), say(language, f"classroom.{doubt.slug}", **doubt.values)
        steps.setdefault((kind, shown(reason)), []).append(doubt.where)
    values = {"learner": f"{one.name}@{one.machine}", "file": one.file}
    for (kind, reason), where in list(steps.items())[:MOST_REASONS]:
        named = ", ".join(dict.fromkeys(where))
        yield say(language, "classroom.doubt_line", kind=kind, reason=reason, steps=named, **values)
    if len(steps) > MOST_REASONS:
        yield say(language, "classroom.more_doubts", number=len(steps) - MOST_REASONS, **values)


def as_json(report: ClassReport) -> str:
    """The whole report as one JSON object, each doubt with its English text."""
    whole = dataclasses.asdict(report)
    for told, learner in zip(whole["learners"], report.learners, strict=True):
        told["passed"] = [one.where for one in learner.steps if one.state == "passed"]
        for entry, doubt in zip(told["doubts"], learner.doubts, strict=True):
            entry["text"] = say("en", f"classroom.{doubt.slug}", **doubt.values)
    whole["stuck"] = [{"step": where, "verdict": verdict, "learners": number} for where, verdict, number in report.stuck()]
    return json.dumps(whole, ensure_ascii=False, indent=2)


def as_csv(report: ClassReport) -> str:
    """A row for each learner and step, with a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file", "learner", "machine", "step", "state", "here", "tries", "hints", "verdict", "doubts"])
    for one in report.learners:
        for step in one.steps:
            doubts = " ".join(dict.fromkeys(doubt.slug for doubt in one.doubts if doubt.where == step.where))
            here = "yes" if step.where == one.current else ""
            cells: list[str | int] = [
                one.file,
                one.name,
                one.machine,
                step.where,
                step.state,
                here,
                step.tries,
                step.hints,
                step.verdict,
                doubts,
            ]
            writer.writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cell(value: str | int) -> str | int:
    """A cell that no spreadsheet takes for a formula, which some begin with full-width signs as well."""
    first = unicodedata.normalize("NFKC", value[:1]) if isinstance(value, str) else ""
    return f"'{value}" if first.startswith(FORMULA) else value
