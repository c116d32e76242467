"""The authors' guide: its commands make a lesson that works."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
from pathlib import Path

import pytest

from docs.terms import names
from workshop import judging
from workshop.authoring.lint import lint
from workshop.course import parse_glossary
from workshop.course.lesson import STEP_KEYS
from workshop.facts import SUBJECTS

GUIDE = (Path(__file__).parents[1] / "docs" / "authors.md").read_text("utf-8")

OF_THE_WORKSHOP = frozenset(
    {"Blocked", "Broken", "Impossible", "NotYet", "Passed", "Value", "Verdict"}
    | {"REQUIREMENTS", "Others", "attempt", "content_version", "missing", "untouched", "would_pass"}
)
"""What `workshop.judging` offers beside the vocabulary: the verdicts, and what judges by them."""


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder that the commands of the first recipe make, up to trying it."""
    recipe = GUIDE[GUIDE.index("**1. Structure.**") : GUIDE.index("**4. Try it.**")]
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", recipe, re.DOTALL))
    subprocess.run(["sh", "-e"], input=commands, text=True, cwd=tmp_path, check=True)
    return tmp_path / "my"


def test_the_recipe_makes_a_lesson_that_lacks_only_evidence(made: Path) -> None:
    """After the guide's commands, lint asks for a case for each verdict and nothing else."""
    assert {one.slug for one in lint(made)} == {"slug_without_case"}


def test_older_names_go_on_working(made: Path) -> None:
    """A check that imports its verdicts and answers from where they once stood is judged as any other."""
    checks = made / "checks/own_hostname.py"
    text = checks.read_text("utf-8").replace("workshop.judging", "workshop.verdict")
    checks.write_text(f"{text}\n\nfrom workshop.facts.reading import typed as _typed\n", "utf-8")
    assert {one.slug for one in lint(made)} == {"slug_without_case"}


def test_the_table_explains_every_key_of_a_step() -> None:
    """What lesson.toml may say of a step stands in the first column of the guide's table, and nothing else does."""
    assert {key.strip("`") for row in first_column("I want to add a step") for key in row.split(", ")} == STEP_KEYS


def test_the_vocabulary_is_explained_whole() -> None:
    """Every name that a check may import of `workshop.judging` has its line in the guide, with its parameters."""
    names = sorted(set(judging.__all__) - OF_THE_WORKSHOP)
    wanted = [f"`{name}{parameters(getattr(judging, name))}`" for name in names]
    assert sorted(first_column("The vocabulary")) == sorted(wanted)


def parameters(named: object) -> str:
    """What a function is called with, as the guide writes it; '' for what is no function."""
    return f"({', '.join(inspect.signature(named).parameters)})" if inspect.isfunction(named) else ""


def first_column(heading: str) -> list[str]:
    """What stands in the first column of the table under a heading of the guide."""
    section = re.split(r"^##+ ", GUIDE[GUIDE.index(f"# {heading}\n") :], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)


def test_the_table_lists_every_subject() -> None:
    """In its order, and with what it gives."""
    assert first_column("The subjects") == [f"`{name}`" for name in SUBJECTS]


def test_a_term_stands_in_both_languages_beside_its_step() -> None:
    """A row each."""
    (term,) = parse_glossary(
        '[inode]\nshown = "files/list"\nen = {term = "inode", meaning = "A file."}\nzh = {term = "索引节点", meaning = "文件。"}'
    )
    assert names([term]).splitlines()[-1] == "| inode | 索引节点 | `files/list` |"


@pytest.mark.root
@pytest.mark.usefixtures("helper")
def test_the_recipe_makes_a_lesson_that_can_be_solved(made: Path) -> None:
    """`workshop solve --folder` passes it on the real kernel."""
    solved = subprocess.run(["workshop", "solve", "--folder", str(made), "--json"], capture_output=True, text=True, check=False)
    assert [json.loads(line)["verdict"] for line in solved.stdout.splitlines()] == ["passed"], solved.stdout + solved.stderr
    assert solved.returncode == 0
