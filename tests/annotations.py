"""What packages offer each other, read off their source: the annotations of every public name in a module that others import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.imports import imports, package_of, trees


@dataclass(frozen=True)
class Annotation:
    """One annotation, or the value of an alias: in which module, of what, with the class that it stands in."""

    module: str
    name: str
    tree: ast.expr


def crossing() -> Iterator[Annotation]:
    """Those of all modules from which another package takes something, or another room of the helper."""
    entered = {one.imported for one in imports() if one.ours and _house(one.importer) != _house(one.imported)}
    handed_on = {one.imported for one in imports() if one.importer in entered and _is_first_page(one.importer) and one.ours}
    for module in sorted((entered | handed_on) & trees().keys()):
        for node in trees()[module][1].body:
            yield from _annotations(module, "", node)


def _house(module: str) -> str:
    """The package that a module stands in; within the helper, its room."""
    package = package_of(module)
    return ".".join(module.split(".")[1:3]) if package == "helper" else package


def _is_first_page(module: str) -> bool:
    """True for a package, whose `__init__` offers what its modules have."""
    return module in trees() and trees()[module][0].name == "__init__.py"


def _annotations(module: str, within: str, node: ast.stmt) -> Iterator[Annotation]:
    """Those of a function's parameters and result, of a class's public members, and of a value."""
    name = _name(node)
    if not name or (name.startswith("_") and name != "__init__"):
        return
    match node:
        case ast.ClassDef():
            for member in node.body:
                yield from _annotations(module, f"{within}{name}.", member)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            parameters = [one.annotation for one in ast.walk(node.args) if isinstance(one, ast.arg)]
            yield from (Annotation(module, within + name, one) for one in (*parameters, node.returns) if one)
        case ast.AnnAssign():
            yield Annotation(module, within + name, node.annotation)
        case ast.Assign():
            yield Annotation(module, within + name, node.value)


def _name(node: ast.stmt) -> str:
    """What a statement defines, '' for none or several."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""
