"""What lint reads off a checks file without running it: which verdicts each check can return, and what it imports.

A check returns its own verdicts and those of the vocabulary that it uses, so the source of `workshop.judging` is read as well.
"""

from __future__ import annotations

import ast
import string
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Self

from .. import judging
from ..course import Step
from ..words import LANGUAGES, words
from .problem import Problem, problem

IMPORTABLE = ("workshop.facts", "workshop.judging", "workshop.verdict")
PURE = frozenset(
    {
        "__future__",
        "collections",
        "dataclasses",
        "enum",
        "functools",
        "ipaddress",
        "itertools",
        "math",
        "operator",
        "re",
        "statistics",
    }
    | {"string", "types", "typing", "unicodedata"}
)
"""What of the standard library a check may use: nothing that reads, writes or tells the time."""
PURE_NAMES = frozenset({"PurePath", "PurePosixPath"})
FORBIDDEN = frozenset({"open", "exec", "eval", "compile", "__import__", "input", "print", "breakpoint"})
ALWAYS_KNOWN = frozenset({"engine", "registry"})
"""Values that every verdict's text may name."""


@dataclass(frozen=True)
class Said:
    """A verdict that a check's source contains: its slug, '' where that is no literal, and the values given to it."""

    slug: str
    values: frozenset[str]
    line: int


@dataclass(frozen=True)
class CheckFile:
    """The source of a lesson's checks, parsed."""

    path: Path
    tree: ast.Module

    @classmethod
    def read(cls, path: Path) -> Self:
        """Parse a file; raises OSError or SyntaxError."""
        return cls(path, ast.parse(path.read_text("utf-8"), str(path)))

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """The module's functions by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}

    @cached_property
    def borrowed(self) -> dict[str, str]:
        """What it calls each function of the vocabulary that it imports, with the function's own name."""
        return {said: name for node in ast.walk(self.tree) for said, name in _borrowed(node)}

    def said_by(self, name: str) -> list[Said]:
        """The verdicts that a function and those it uses can return, in the order of the source; the vocabulary's come last."""
        return [one for used in self.used_by(name) for one in sorted(_said(used), key=lambda said: said.line)]

    def used_by(self, name: str) -> list[ast.FunctionDef]:
        """A function, every one of this module that it or those name, and every one of the vocabulary that these use."""
        own = sorted(_reached({name}, self.functions), key=lambda one: one.lineno)
        named = {self.borrowed[one] for function in own for one in _named_in(function) if one in self.borrowed}
        return own + _reached(named, vocabulary())


@cache
def vocabulary() -> dict[str, ast.FunctionDef]:
    """The functions of `workshop.judging` by name, parsed."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(Path(judging.__file__).parent.glob("*.py"))]
    return {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def _borrowed(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Pairs of how an import lets a function of the vocabulary be called, and its own name."""
    if isinstance(node, ast.Import):
        modules = [alias.asname or alias.name for alias in node.names if alias.name.startswith(IMPORTABLE)]
        yield from ((f"{module}.{name}", name) for module in modules for name in vocabulary())
    elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(IMPORTABLE):
        names = {alias.asname or alias.name: alias.name for alias in node.names}
        yield from ({name: name for name in vocabulary()} if "*" in names else names).items()


def _reached(names: set[str], functions: dict[str, ast.FunctionDef]) -> list[ast.FunctionDef]:
    """The functions of these names, and every one that they or those name."""
    found: dict[str, ast.FunctionDef] = {}
    waiting = sorted(names)
    while waiting:
        if (one := waiting.pop()) in functions and one not in found:
            found[one] = functions[one]
            waiting += _named_in(functions[one])
    return [*found.values()]


def _named_in(function: ast.FunctionDef) -> list[str]:
    """The names that stand in a function, those of a module's contents with the module's (`judging.unanswered`)."""
    return [ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.Name | ast.Attribute)]


def _said(function: ast.FunctionDef) -> Iterator[Said]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and (name := _called(node)) in ("Passed", "NotYet"):
            default = "passed" if name == "Passed" else ""
            values = frozenset(one.arg for one in node.keywords if one.arg)
            for slug in _literals(node.args[0]) if node.args else [default]:
                yield Said(slug, values, node.lineno)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _literals(node: ast.expr) -> list[str]:
    """The strings that an expression can be: a literal, or those of both branches of a condition."""
    if isinstance(node, ast.IfExp):
        return _literals(node.body) + _literals(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else [""]


def asks_with(step: Step, checks: CheckFile) -> tuple[frozenset[str], bool]:
    """The values that a question of the review gives to its words wherever it is asked, and whether it knows a slip."""
    calls = [node for used in checks.used_by(step.ask) for node in ast.walk(used) if isinstance(node, ast.Call)]
    made = [call for call in calls if _called(call) == "Asked"]
    given = [{key.value for key in one.keys if isinstance(key, ast.Constant)} for one in map(_values, made) if one]
    names = frozenset(str(name) for name in set.intersection(*given)) if given else frozenset[str]()
    return names, any(keyword.arg == "slip" for call in made for keyword in call.keywords)


def _values(call: ast.Call) -> ast.Dict | None:
    return next((one for one in call.args[1:2] if isinstance(one, ast.Dict)), None)


def _question_slugs(step: Step, checks: CheckFile) -> dict[str, frozenset[str]]:
    names, slips = asks_with(step, checks)
    given = names | {"answer"}
    return {"passed": given, "no_answer": frozenset(), "nothing_to_ask": frozenset(), "wrong": given} | (
        {"slip": given} if slips else {}
    )


def expected_slugs(step: Step, checks: CheckFile) -> dict[str, frozenset[str]]:
    """Every slug that the step's verdict can have, with the values that each is given wherever it is returned."""
    if step.ask:
        return _question_slugs(step, checks)
    if not step.check:
        wrong = [f"wrong_{choice}" for choice in step.choices if step.kind == "read" and choice != step.right]
        return {slug: frozenset({"answer"}) for slug in ["passed", "no_answer", *wrong]}
    slugs: dict[str, frozenset[str]] = {}
    for one in checks.said_by(step.check):
        slugs[one.slug] = slugs.get(one.slug, one.values) & one.values
    return slugs


def slug_problems(step: Step, checks: CheckFile, drawn: Collection[str]) -> Iterator[Problem]:
    """Slugs without a text in some language, texts without a slug, and values that a text names but does not get.

    A text may also name the lesson's `drawn` values.
    """
    slugs = expected_slugs(step, checks)
    if "" in slugs:
        lines = ", ".join(str(one.line) for one in checks.said_by(step.check) if not one.slug)
        yield problem(f"{checks.path.name}:{lines}", "slug_not_literal")
    if "passed" not in slugs and not any(slug for slug in slugs):
        yield problem(step.where, "never_judges", check=step.check)
    for language in [one for one in LANGUAGES if one in step.text]:
        where, texts = f"{step.where}, {language}.md", step.text[language].verdicts
        generic = words(language, "session").keys()
        yield from (problem(where, "no_verdict_text", slug=slug) for slug in slugs if slug and slug not in texts.keys() | generic)
        yield from (problem(where, "stray_verdict_text", slug=slug) for slug in texts if slug not in slugs)
        for slug, text in texts.items():
            yield from _unknown_values(where, slug, text, slugs.get(slug, frozenset()) | {*drawn})
    yield from _different_values(step)


def _unknown_values(where: str, slug: str, text: str, given: frozenset[str]) -> Iterator[Problem]:
    try:
        named = _named(text)
    except ValueError:
        yield problem(where, "braces", slug=slug)
        return
    for name in sorted(named - given - ALWAYS_KNOWN):
        yield problem(where, "unknown_value", slug=slug, used=name, known=", ".join(sorted(given | ALWAYS_KNOWN)))


def _different_values(step: Step) -> Iterator[Problem]:
    """What one language tells, the other tells as well."""
    first, *others = [step.text[language].verdicts for language in LANGUAGES if language in step.text] or [{}]
    for other in others:
        for slug in (one for one in first if one in other):
            try:
                if _named(first[slug]) != _named(other[slug]):
                    yield problem(step.where, "values_differ", slug=slug)
            except ValueError:  # told by _unknown_values
                continue


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def import_problems(checks: CheckFile) -> Iterator[Problem]:
    """Imports and calls that would let a check do more than judge."""
    for node in ast.walk(checks.tree):
        for module, name in _imports(node):
            if not (module.startswith(IMPORTABLE) or module.split(".", 1)[0] in PURE or name in PURE_NAMES):
                yield problem(f"{checks.path.name}:{node.lineno}", "import_refused", module=module)  # type: ignore[attr-defined]  # imports have lines
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN:
            yield problem(f"{checks.path.name}:{node.lineno}", "call_refused", function=node.func.id)


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from ((node.module or "", alias.name) for alias in node.names)
