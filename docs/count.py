"""Counts what the table in docs/architecture.md says of a checkout: `python -m docs.count FOLDER`, one line of JSON."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.imports import imports, package_of, trees

Arrows = set[tuple[str, str]]


def counted(root: Path) -> dict[str, int]:
    """The figures by name."""
    own = {name for name, (path, tree) in trees(root).items() if package_of(name) and not is_facade(path, tree)}
    inside = [one for one in imports(root) if one.importer in own and package_of(one.imported)]
    across = [one for one in inside if package_of(one.importer) != package_of(one.imported)]
    loaded = root_modules(root)
    return {
        "packages": len({package_of(name) for name in own}),
        "arrows": len({(package_of(one.importer), package_of(one.imported)) for one in across}),
        "imports": len({(one.importer, one.imported) for one in across}),
        "circles": len(circles({(folder(root, one.importer), folder(root, one.imported)) for one in inside})),
        "root_modules": len(loaded),
        "root_lines": sum(len(path.read_text("utf-8").splitlines()) for path in loaded),
    }


def is_facade(path: Path, tree: ast.Module) -> bool:
    """True for a module that only offers under an older name what stands elsewhere."""
    return path.name != "__init__.py" and all(isinstance(one, ast.Expr | ast.ImportFrom | ast.Assign) for one in tree.body)


def folder(root: Path, name: str) -> str:
    """The package, at whatever depth, that a module is in."""
    return name if trees(root)[name][0].name == "__init__.py" else name.rpartition(".")[0]


def circles(arrows: Arrows) -> set[frozenset[str]]:
    """Sets of packages each of which reaches every other."""
    reached = {one: _reached(one, arrows) for pair in arrows for one in pair}
    rings = {frozenset(other for other in reached[one] if one in reached[other]) for one in reached}
    return {ring for ring in rings if len(ring) > 1}


def _reached(start: str, arrows: Iterable[tuple[str, str]]) -> set[str]:
    found, waiting = set[str](), [start]
    while waiting:
        one = waiting.pop()
        new = {to for of, to in arrows if of == one} - found
        found |= new
        waiting += new
    return found


def root_modules(root: Path) -> list[Path]:
    """Files of ours that are loaded by the process that runs as root, when it begins."""
    (main,) = re.findall(r"from (\S+) import main", (root / "workshop/helper/__main__.py").read_text("utf-8"))
    program = (
        f"import sys; sys.path.insert(0, {str(root)!r}); import {main}; "
        "print(*(one.__file__ for name, one in sys.modules.items() if name.partition('.')[0] == 'workshop'), sep='\\n')"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    return [Path(line) for line in ran.stdout.splitlines()]


if __name__ == "__main__":
    print(json.dumps(counted(Path(sys.argv[1]).resolve())))
