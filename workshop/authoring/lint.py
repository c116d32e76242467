"""`workshop lint`: holds lessons to what a lesson must be. What it finds says where it is and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ..course import ContentError, Lesson, Library, Step, content_folder, load_library
from ..words import LANGUAGES, say
from .lint_answers import choice_problems
from .lint_cases import case_problems
from .lint_checks import CheckFile, import_problems, slug_problems
from .lint_names import introduction_problems, name_problems
from .lint_steps import prose_problems, step_problems
from .lint_terms import term_problems
from .problem import Problem, problem

IGNORED = frozenset({"__pycache__"})


def lint(folder: Path | None = None) -> list[Problem]:
    """All problems of the lessons below a folder that holds lessons/ and checks/; by default of the workshop's own."""
    root = folder or content_folder()
    try:
        library = load_library(root)
    except ContentError as error:
        return [problem(str(root), "not_loadable", message=str(error))]
    lessons = (one for lesson in library.lessons for one in _lesson(library, lesson))
    return [*_stray_files(library), *_numbers(library), *lessons, *term_problems(library)]


def render(problems: list[Problem], language: str) -> str:
    """The problems as lines, and how many there are."""
    lines = [one.sentence(language) for one in problems]
    summary = say(language, "lint.found", count=len(problems)) if problems else say(language, "lint.fine")
    return "\n".join([*lines, summary])


def _lesson(library: Library, lesson: Lesson) -> Iterator[Problem]:
    for language in LANGUAGES:
        if language not in lesson.text:
            yield problem(library.folder(lesson).name, "no_language", file=f"{language}.md")
    if not lesson.steps:
        yield problem(library.folder(lesson).name, "no_steps")
    path = library.checks_folder / f"{lesson.id}.py"
    try:
        checks = CheckFile.read(path)
    except (OSError, SyntaxError) as error:
        yield problem(str(path), "checks_unreadable", message=str(error))
        return
    yield from import_problems(checks)
    yield from _unused_functions(lesson, checks)
    yield from introduction_problems(lesson)
    yield from choice_problems(lesson)
    for step in lesson.steps:
        yield from _step(library, lesson, step, checks)


def _step(library: Library, lesson: Lesson, step: Step, checks: CheckFile) -> Iterator[Problem]:
    broken = [*step_problems(lesson, step), *_missing_functions(library, step)]
    yield from broken
    yield from prose_problems(step)
    yield from name_problems(step, checks, lesson.values)
    if not broken:  # else these would only repeat it
        yield from slug_problems(step, checks, lesson.values)
        yield from case_problems(library, lesson, step, checks)


def _missing_functions(library: Library, step: Step) -> Iterator[Problem]:
    for name in (step.check, step.answer, step.ask):
        try:
            if name:
                library.function(step.lesson, name)
        except ContentError as error:
            yield problem(step.where, "no_function", message=str(error))


def _unused_functions(lesson: Lesson, checks: CheckFile) -> Iterator[Problem]:
    """A function without a leading underscore is there for a step."""
    used = {name for step in lesson.steps for name in (step.check, step.answer, step.ask)}
    for name in sorted(checks.functions.keys() - used):
        if not name.startswith("_"):
            yield problem(str(checks.path), "unused_function", function=name)


def _numbers(library: Library) -> Iterator[Problem]:
    twice = [order for order, count in Counter(lesson.order for lesson in library.lessons).items() if count > 1]
    for lesson in library.lessons:
        if lesson.order in twice:
            yield problem(library.folder(lesson).name, "same_number", number=lesson.order)


def _stray_files(library: Library) -> Iterator[Problem]:
    """Files and folders that no lesson is made of: a slip in a name would otherwise go unnoticed."""
    folders = {library.folder(lesson): lesson for lesson in library.lessons}
    for path in _entries(library.lessons_folder):
        if path not in folders:
            yield problem(str(path), "stray_lesson")
    for folder, lesson in folders.items():
        expected = {"lesson.toml", "facts", *(f"{language}.md" for language in LANGUAGES)}
        yield from (problem(str(path), "stray_file") for path in _entries(folder) if path.name not in expected)
        cases = _entries(folder / "facts")
        steps = {step.id for step in lesson.steps}
        yield from (problem(str(path), "stray_case") for path in cases if path.suffix != ".json" or _step_of(path) not in steps)
    ids = {lesson.id for lesson in library.lessons}
    for path in _entries(library.checks_folder):
        if path.suffix != ".py" or path.stem not in ids:
            yield problem(str(path), "stray_check")


def _step_of(path: Path) -> str:
    return path.stem.partition("__")[0]


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name not in IGNORED) if folder.is_dir() else []
