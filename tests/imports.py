"""What modules of ours import, read off their source: for the test of the floors, and for the picture of them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Import:
    """One import: who imports, which module, which name of it ('' for all), and where in the file."""

    importer: str
    imported: str
    name: str
    line: int

    @property
    def ours(self) -> bool:
        """True where what is imported is this project's."""
        return self.imported.split(".", maxsplit=1)[0] in ("workshop", "checks", "tests")


@cache
def trees(root: Path = ROOT) -> dict[str, tuple[Path, ast.Module]]:
    """Every module of ours by name, with its file and its syntax tree; `root` is the checkout that is read."""
    files = [*(root / "workshop").rglob("*.py"), *(root / "checks").glob("*.py")]
    return {_name(path.relative_to(root)): (path, ast.parse(path.read_text("utf-8"))) for path in sorted(files)}


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(root: Path = ROOT) -> tuple[Import, ...]:
    """Every import in every module, those for type checkers left out."""
    known = trees(root)
    return tuple(
        one for name, (path, tree) in known.items() for one in _imports(name, path.name == "__init__.py", tree, known.keys())
    )


def _imports(name: str, package: bool, tree: ast.Module, known: Collection[str]) -> Iterator[Import]:
    for node in _walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, "", node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = _base(name, package, node)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield Import(name, full if full in known else base, alias.name, node.lineno)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _walk(child)


def _base(name: str, package: bool, node: ast.ImportFrom) -> str:
    """The module that a `from … import` names, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    parts = parts[: len(parts) - node.level + (1 if package else 0)]
    return ".".join([*parts, *([node.module] if node.module else [])])


def package_of(name: str) -> str:
    """The package of ours that a module stands in, '' for `workshop` itself and for what is none of it."""
    parts = name.split(".")
    return parts[1] if parts[0] == "workshop" and len(parts) > 1 else ""
