"""Who may import whom, how large classes and functions are, and that nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.annotations import Annotation, crossing
from tests.imports import ROOT, Import, imports, package_of, trees
from workshop.facts import SUBJECTS

MOST_METHODS = 20
LONGEST_FUNCTION = 35
USUAL_FUNCTION = 10
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef

FLOORS = {
    "cli": 8,
    "faces": 7, "authoring": 7, "classroom": 7,
    "learning": 6, "box": 6, "setup": 6,
    "client": 5,
    "engines": 4, "pictures": 4, "progress": 4,
    "judging": 3,
    "course": 2, "helper": 2,
    "protocol": 1, "facts": 1, "words": 1,
}  # fmt: skip
"""Every package of `workshop` and its floor: it imports only what stands on a lower one, so that there is no circle."""

ROOMS = {"service": 6, "operations": 5, "watcher": 4, "engine": 3, "confined": 2, "kernel": 1}
"""The same within the helper."""

FACADES = frozenset({"workshop.verdict", "workshop.facts.reading"})
"""Names under which lessons of other people's import what stands elsewhere by now: they alone import upwards."""

CHECKS_MAY = frozenset({"workshop.facts", "workshop.judging"})
"""What of ours a check may import."""

PURE = frozenset(
    {"__future__", "collections", "dataclasses", "enum", "functools", "ipaddress", "itertools", "math", "operator", "re"}
    | {"statistics", "string", "types", "typing"}
)
"""What of the standard library a check may import: nothing that reads, writes or tells the time."""

PURE_NAMES = frozenset({"PurePath", "PurePosixPath"})
"""What is pure of modules that are not."""


def part_of(name: str, parts: frozenset[str] | tuple[str, ...]) -> str:
    """The longest of these parts that a module is or lies in, '' for none."""
    within = [part for part in parts if name == part or name.startswith(f"{part}.")]
    return max(within, key=len, default="")


def between(importers: Iterator[Import]) -> list[Import]:
    """Those that lead from one package of ours into another."""
    return [
        one
        for one in importers
        if package_of(one.imported) and package_of(one.imported) != package_of(one.importer) and one.importer not in FACADES
    ]


def test_every_package_has_its_floor() -> None:
    """What the table names is what is there."""
    there = {package_of(name) for name in trees() if package_of(name) and name not in FACADES}
    assert there == FLOORS.keys()


def test_imports_go_down() -> None:
    """A package imports only packages on lower floors; nothing imports the helper."""
    inside = (one for one in imports() if package_of(one.importer))
    wrong = [
        one
        for one in between(inside)
        if FLOORS[package_of(one.imported)] >= FLOORS[package_of(one.importer)] or package_of(one.imported) == "helper"
    ]
    assert wrong == []


def test_a_package_is_entered_by_its_first_page() -> None:
    """From another package comes only what its `__init__` offers."""
    assert [one for one in between(iter(imports())) if not _is_offered(one.imported) and one.imported not in FACADES] == []


def _is_offered(name: str) -> bool:
    """True for a package, and for a module that its package's first page names."""
    parent, _, last = name.rpartition(".")
    return trees()[name][0].name == "__init__.py" or last in _offers(parent)


def _offers(package: str) -> set[str]:
    """What a package's `__all__` lists."""
    lists = [
        ast.literal_eval(node.value)
        for node in trees()[package][1].body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
    ]
    return {name for found in lists for name in found}


def test_no_mapping_to_anything_crosses_a_package() -> None:
    """What packages, and rooms of the helper, give each other is typed: no `dict[str, Any]`, whatever it stands in."""
    assert [(one.module, one.name) for one in crossing() if _has_vague_mapping(one)] == []


def _has_vague_mapping(one: Annotation) -> bool:
    """True where a mapping has `Any` for its values."""
    return any(
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Tuple)
        and ast.unparse(node.value).rpartition(".")[2].lower() in ("dict", "mapping", "mutablemapping", "defaultdict")
        and ast.unparse(node.slice.elts[-1]).rpartition(".")[2] == "Any"
        for node in ast.walk(one.tree)
    )


def test_what_crosses_packages_is_found() -> None:
    """A function's parameters and result, a class's members, an alias, and what a first page hands on of its own modules."""
    found = {(one.module, one.name, ast.unparse(one.tree)) for one in crossing()}
    assert ("workshop.protocol.replies", "ContainerInfo.cgroups", "dict[str, str]") in found
    assert ("workshop.client.connection", "Client.ask", "protocol.Request[Value]") in found
    assert ("workshop.client.connection", "Client.ask", "Reply[Value]") in found
    assert ("workshop.helper.engine.stepping", "Looked", "Callable[[InsideView | Exception], None]") in found


def test_imports_go_down_in_the_helper_too() -> None:
    """A room of the helper imports only rooms below it."""
    pairs = [(one, room_of(one.importer), room_of(one.imported)) for one in imports()]
    assert [one for one, room, other in pairs if room and other and room != other and ROOMS[other] >= ROOMS[room]] == []


def room_of(name: str) -> str:
    """The room of the helper that a module stands in, '' for none."""
    parts = name.split(".")
    return parts[2] if name.startswith("workshop.helper.") and parts[2] in ROOMS else ""


def test_checks_import_what_they_may() -> None:
    """Facts, verdicts and the vocabulary of judging, and nothing else of ours."""
    wrong = [one for one in imports() if part_of(one.importer, ("checks",)) and one.ours and one.imported not in CHECKS_MAY]
    assert wrong == []


def test_helper_and_checks_have_no_third_party_code() -> None:
    """What runs as root, and what judges, is the standard library and ours: of it, a check takes only what is pure."""
    wrong = []
    for one in imports():
        top = one.imported.split(".", maxsplit=1)[0]
        if part_of(one.importer, ("checks",)) and not one.ours and top not in PURE and one.name not in PURE_NAMES:
            wrong.append(one)
        needs_only_python = part_of(one.importer, ("workshop.helper", "workshop.facts", "workshop.protocol", "workshop.judging"))
        if needs_only_python and not one.ours and top not in sys.stdlib_module_names:
            wrong.append(one)
    assert wrong == []


def test_checks_touch_nothing() -> None:
    """A check calls nothing that reads files, runs programs or evaluates text."""
    forbidden = {"open", "exec", "eval", "compile", "__import__", "input", "print", "breakpoint"}
    called = {
        (name, node.func.id)
        for name, (_, tree) in trees().items()
        if part_of(name, ("checks",))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert [(name, function) for name, function in called if function in forbidden] == []


def test_every_module_says_what_it_is_for() -> None:
    """The first thing in each file is a docstring, and it begins on the first line."""
    files = [*(ROOT / "workshop").rglob("*.py"), *(ROOT / "checks").glob("*.py"), *(ROOT / "tests").glob("*.py")]
    files += (ROOT / "benchmarks").glob("*.py")
    silent = [str(path) for path in files if path.stat().st_size and not _opens_with_docstring(path)]
    assert silent == []


def _opens_with_docstring(path: Path) -> bool:
    text = path.read_text("utf-8")
    return bool(ast.get_docstring(ast.parse(text))) and text.startswith(('"""', 'r"""', "#!"))


def classes() -> dict[str, tuple[str, ast.ClassDef]]:
    """Every class of ours by its name, which is one class's, with its module."""
    return {
        node.name: (name, node)
        for name, (_, tree) in trees().items()
        if package_of(name) or part_of(name, ("checks",))
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }


def test_no_class_does_too_much() -> None:
    """None has more public methods than a reader can hold, by whatever name a framework calls them."""
    many = {
        name: len(public)
        for name, (_, node) in classes().items()
        if len(public := [one for one in node.body if isinstance(one, FUNCTIONS) and not one.name.startswith("_")]) > MOST_METHODS
    }
    assert many == {}


def test_no_class_is_cut_into_a_chain() -> None:
    """A class that only one class derives from, and that derives from one of ours itself, is a part of that one class."""
    bases = {name: [base.id for base in node.bases if isinstance(base, ast.Name)] for name, (_, node) in classes().items()}
    children = Counter(base for found in bases.values() for base in found)
    assert [name for name, found in bases.items() if children[name] == 1 and any(children[base] == 1 for base in found)] == []


def test_no_function_is_too_long() -> None:
    """Functions have about ten lines: on average no more, and none has more than a screen shows."""
    lengths = {
        f"{name}.{node.name}": node.end_lineno - node.lineno + 1
        for name, (_, tree) in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS) and node.end_lineno is not None
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}
    assert sum(lengths.values()) / len(lengths) <= USUAL_FUNCTION


def test_faces_and_reports_know_no_session() -> None:
    """They are given frozen data: a Snapshot, or events."""
    wrong = [
        one
        for one in imports()
        if package_of(one.importer) in ("faces", "classroom")
        and (one.name == "Session" or one.imported == "workshop.learning.session")
    ]
    assert wrong == []


def test_every_exception_to_a_rule_has_its_reason() -> None:
    """A `type: ignore` or `noqa` names its rule, and the reason stands beside it."""
    bare = []
    for path in (path for folder in ("workshop", "checks", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")):
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if re.search("# (noqa|type: ignore)", line) and not re.search(
                "[A-Za-z]{3}", EXCEPTION.sub("", line.partition("#")[2])
            ):
                bare.append(f"{path.relative_to(ROOT)}:{number}")
    assert bare == []


EXCEPTION = re.compile(r"type: ignore\[[a-z, -]+\]|noqa: [A-Z]+[0-9]+(?:, *[A-Z]+[0-9]+)*")
"""An exception that names its rule; what else a comment says is the reason."""


def loaded(*arguments: str) -> set[str]:
    """Top-level modules loaded in a process of its own after `workshop ARGUMENTS`."""
    program = (
        "import sys\nfrom workshop.cli import main\n"
        f"try:\n    main({list(arguments)!r})\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ran.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("arguments", [("--version",), ("--help",)])
def test_saying_its_version_is_instant(arguments: tuple[str, ...]) -> None:
    """`workshop --version` loads no screen, no emulator, no database and no JSON library."""
    heavy = {"textual", "rich", "pyghostty", "msgspec", "sqlite3", "psutil", "platformdirs", "cffi", "asyncio"}
    assert loaded(*arguments) & heavy == set()


def code_lines(path: Path) -> int:
    """Lines that hold code: not those with a docstring, a comment or nothing only."""
    source = path.read_text()
    texts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    told = {number for node in texts for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    code = (line.strip() for number, line in enumerate(source.splitlines(), 1) if number not in told)
    return sum(not line.startswith("#") for line in code if line)


@pytest.mark.parametrize("part", ROOMS)
def test_the_helpers_reading_order_is_whole_and_tells_how_long_it_is(part: str) -> None:
    """The first page of each room of the helper names all its modules, and the helper's own how many lines each room has."""
    folder, first = ROOT / "workshop/helper" / part, ROOT / "workshop/helper/__init__.py"
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    named = set(re.findall(r"`(\w+)`", ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""))
    by_subject = set(SUBJECTS) if part == "watcher" else set()
    assert {path.stem for path in modules} - named - by_subject == set()
    stated = re.search(rf"`{part}`,\s([\d,]+) lines", first.read_text())
    assert stated
    assert int(stated[1].replace(",", "")) == pytest.approx(sum(map(code_lines, folder.glob("*.py"))), rel=0.05)


def test_the_helper_needs_nothing_but_python() -> None:
    """The helper's modules load in an isolated Python without site-packages."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import workshop.helper.service.process"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
