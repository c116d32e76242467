"""What is installed: a wheel with its lessons, exact versions, and the two commands of the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workshop import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]


def run(*command: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command's end, with its output as text."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=kept | environment)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-c", f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})")
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh virtual environment with that wheel, which sees the dependencies of this one."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    pip = run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(folder / "bin" / "python"), "install",
              "--quiet", "--no-deps", "--no-index", str(wheel))  # fmt: skip
    assert pip.returncode == 0, pip.stderr
    here = next(path for path in map(Path, sys.path) if (path / "textual").is_dir())
    (packages / "dependencies.pth").write_text(f"{here}\n")
    return folder / "bin"


def test_wheel_holds_lessons_checks_and_texts(wheel: Path) -> None:
    """Everything that a learner needs is inside the wheel, and nothing of the tests."""
    names = zipfile.ZipFile(wheel).namelist()
    content = [path.relative_to(ROOT) for folder in ("lessons", "checks") for path in (ROOT / folder).rglob("*")]
    wanted = {f"workshop/content/{path}" for path in content if (ROOT / path).is_file() and "__pycache__" not in path.parts}
    texts = {str(path.relative_to(ROOT)) for path in (ROOT / "workshop" / "words" / "texts").rglob("*.toml")}
    assert wanted | texts <= set(names)
    assert [name for name in names if name.startswith(("tests/", "benchmarks/")) or "__pycache__" in name] == []
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_installed_wheel_finds_its_lessons(installed: Path, tmp_path: Path) -> None:
    """From a wheel, away from the checkout, `workshop lint` looks at lessons inside the package and finds no fault."""
    linted = run(str(installed / "workshop"), "lint", folder=tmp_path)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    where = run(
        str(installed / "python"),
        "-c",
        "import workshop.course.library as l; print(l.load_library().lessons_folder)",
        folder=tmp_path,
    )
    assert Path(where.stdout.strip()).is_relative_to(installed.parent)
    told = run(str(installed / "workshop"), "progress", "--json", folder=tmp_path, WORKSHOP_PROGRESS=str(tmp_path / "progress"))
    assert '"exercise_namespaces"' in told.stdout


def test_installed_commands_say_what_they_are(installed: Path, tmp_path: Path) -> None:
    """`workshop` and `box` are there after installation."""
    assert run(str(installed / "workshop"), "--version", folder=tmp_path).stdout == f"workshop, version {PROJECT['version']}\n"
    assert run(str(installed / "box"), "--help", folder=tmp_path).returncode == 0


def test_version_is_the_same_everywhere() -> None:
    """The package, its metadata and the list of changes name one version."""
    assert __version__ == PROJECT["version"]
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    """Every line is `name==version`: no address, no path, no hash."""
    assert [line for line in CONSTRAINTS if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)] == []


def test_constraints_hold_the_whole_closure() -> None:
    """Everything that an installation with tests brings, on this machine, has its exact version there, and nothing else has."""
    held = {str(canonicalize_name(line.partition("==")[0])) for line in CONSTRAINTS}
    assert set(closure()) == held


def closure() -> Iterator[str]:
    """Names of everything that the project and its tests depend on, directly or not."""
    declared = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    waiting = [one for one in map(Requirement, declared) if _applies(one)]
    done: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        one = waiting.pop()
        name, extras = str(canonicalize_name(one.name)), frozenset(one.extras)
        if (name, extras) in done:
            continue
        done.add((name, extras))
        yield name
        with suppress(PackageNotFoundError):
            needed = [Requirement(text) for text in distribution(one.name).requires or ()]
            waiting += [other for other in needed if _applies(other, extras)]


def _applies(one: Requirement, extras: frozenset[str] = frozenset()) -> bool:
    return one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras or {""})


def test_constraints_satisfy_the_ranges() -> None:
    """No exact version contradicts a range of pyproject.toml."""
    exact = {str(canonicalize_name(name)): version for name, _, version in (line.partition("==") for line in CONSTRAINTS)}
    declared = [Requirement(text) for text in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]]
    assert [str(one) for one in declared if exact[str(canonicalize_name(one.name))] not in one.specifier] == []


def test_emulator_is_asked_for_only_where_it_exists() -> None:
    """On a machine without wheels of the emulator, the installation goes through without it."""
    (emulator,) = (Requirement(text) for text in PROJECT["dependencies"] if text.startswith("pyghostty"))
    assert emulator.marker is not None
    linux = {"sys_platform": "linux"}
    assert [emulator.marker.evaluate({**linux, "platform_machine": one}) for one in ("x86_64", "aarch64", "riscv64")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("name", ["pyproject.toml", "Makefile", "README.md", "README.zh.md", ".ci/run", "provision.sh"])
def test_documents_name_what_is_there(name: str) -> None:
    """Every make target, and every file of ours, that the documents name exists."""
    text = (ROOT / name).read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.M)) <= targets
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_scripts_are_sound_and_refuse_what_they_cannot_do(tmp_path: Path) -> None:
    """The scripts can be run and are parsed by their shells; provision.sh tells ordinary users to be root."""
    assert run("sh", "-n", "provision.sh").returncode == run("bash", "-n", ".ci/run").returncode == 0
    assert os.access(ROOT / "provision.sh", os.X_OK)
    if os.geteuid() == 0:
        script = (ROOT / "provision.sh").read_text()
        refused = run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c", script, folder=Path("/"))
        assert (refused.returncode, "sudo" in refused.stderr) == (1, True)


def fake_python(folder: Path, version: str, modules: bool) -> None:
    """A program that answers as a Python of this version would, with or without the venv module."""
    folder.mkdir(exist_ok=True)
    program = folder / "python3"
    program.write_text(f"""#!/bin/sh
case "$*" in
  --version) echo "Python {version}" ;;
  *version_info*) exit {0 if version >= "3.11" else 1} ;;
  *ensurepip*) exit {0 if modules else 1} ;;
  *) echo "unexpected: $*"; exit 9 ;;
esac
""")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "modules", "words"),
    [("3.09.2", True, ("Python 3.11 or newer", "Python 3.09.2")), ("3.11.2", False, ("venv", "apt-get install python3-venv"))],
)
def test_make_says_what_python_lacks(version: str, modules: bool, words: tuple[str, ...], tmp_path: Path) -> None:
    """With a Python too old, or without its venv module, `make start` says so, and which package brings it."""
    fake_python(tmp_path / "bin", version, modules)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    made = run("make", "start", f"PYTHONS={tmp_path}/bin/python3", folder=tmp_path)
    assert made.returncode != 0
    assert [word for word in words if word not in made.stderr] == []
    assert not (tmp_path / ".venv").exists()
