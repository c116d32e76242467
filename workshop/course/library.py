"""Finding and loading content: the one module that knows where lessons and checks lie."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ..facts import Asked, Facts
from ..words import LANGUAGES
from .lesson import ContentError, Lesson, Step, parse_lesson


@dataclass(frozen=True)
class Library:
    """Lessons in order, and the folders that they came from."""

    lessons: tuple[Lesson, ...]
    lessons_folder: Path
    checks_folder: Path

    @property
    def steps(self) -> list[Step]:
        """Every step of the course, as it is gone through."""
        return [step for lesson in self.lessons for step in lesson.steps]

    def lesson(self, lesson_id: str) -> Lesson:
        """The lesson of this id; raises ContentError with the ids that there are."""
        for lesson in self.lessons:
            if lesson.id == lesson_id:
                return lesson
        raise ContentError(f"there is no lesson {lesson_id!r}; there are {', '.join(one.id for one in self.lessons)}")

    def named(self, ids: Sequence[str]) -> list[Lesson]:
        """The lessons of these ids, all where none is named; raises ContentError."""
        return [self.lesson(one) for one in ids] or list(self.lessons)

    def step(self, where: str) -> Step:
        """The step named `lesson/step`; raises ContentError."""
        lesson_id, _, step_id = where.partition("/")
        return self.lesson(lesson_id).step(step_id)

    def folder(self, lesson: Lesson) -> Path:
        """The folder of a lesson, however many zeros its number begins with."""
        plain = f"{lesson.order}_{lesson.id}"
        found = (one for one in self.lessons_folder.glob(f"*{plain}") if one.name.lstrip("0") == plain)
        return next(found, self.lessons_folder / plain)

    def asked(self, step: Step, facts: Facts) -> Asked | None:
        """What a question of the review asks of these facts, None where they hold nothing to ask about."""
        return self.function(step.lesson, step.ask)(facts)  # type: ignore[return-value]  # lint tries each on recorded facts

    def function(self, lesson_id: str, name: str) -> Callable[..., object]:
        """A function of a lesson's checks file; raises ContentError with the names that there are."""
        path = self.checks_folder / f"{lesson_id}.py"
        module = load_checks(path)
        if not callable(found := getattr(module, name, None)):
            names = [one for one, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
            raise ContentError(f"{lesson_id}: the check {name!r} does not exist; {path.name} has {', '.join(names)}")
        return found  # type: ignore[no-any-return]  # callable was asked for just above


def content_folder() -> Path:
    """Where lessons/ and checks/ lie: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "content"
    return inside if (inside / "lessons").is_dir() else package.parent


def load_library(folder: Path | None = None) -> Library:
    """All lessons below a folder that holds lessons/ and checks/; raises ContentError where one is not as it must be."""
    root = folder or content_folder()
    lessons_folder = root / "lessons"
    if not lessons_folder.is_dir():
        raise ContentError(f"{root} holds no folder 'lessons'")
    found = sorted(path for path in lessons_folder.iterdir() if (path / "lesson.toml").is_file())
    lessons = sorted((_load_lesson(path) for path in found), key=lambda lesson: lesson.order)
    return Library(tuple(lessons), lessons_folder, root / "checks")


def _load_lesson(folder: Path) -> Lesson:
    texts = {language: folder / f"{language}.md" for language in LANGUAGES}
    present = {language: path.read_text("utf-8") for language, path in texts.items() if path.is_file()}
    return parse_lesson(folder.name, (folder / "lesson.toml").read_text("utf-8"), present)


def load_checks(path: Path) -> ModuleType:
    """A checks file as a module, loaded once; raises ContentError where it is missing or does not load."""
    name = f"workshop_checks.{path.resolve()}"
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise ContentError(f"{path} does not exist: every lesson has a checks file of its own name")
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # before it runs: dataclasses look their module up there
    try:
        # Not by an import, which would keep bytecode beside it, and take that for the file after a change within the same second.
        exec(compile(path.read_bytes(), path, "exec", dont_inherit=True), vars(module))  # noqa: S102  # a lesson's checks are code that its author wrote
    except Exception as error:
        del sys.modules[name]
        raise ContentError(f"{path} does not load: {type(error).__name__}: {error}") from error
    return module
