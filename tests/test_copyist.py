"""`workshop solve --as copyist`: what it pastes and guesses, and how far that gets with real queues of the kernel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.census import census, left_in_the_end
from workshop.authoring.copyist import Copied, Fared, alike, commands, fared, gives_away
from workshop.client.connection import Client
from workshop.course import Typed

WORKSHOP = str(Path(sys.executable).parent / "workshop")
TOML = """
[[step]]
id = "shown"
kind = "do"
check = "one_more"
subjects = ["ipc"]
solution = [{ terminal = 2, line = "ipcmk -Q" }]

[[step]]
id = "goal"
kind = "do"
check = "one_more"
subjects = ["ipc"]
solution = [{ terminal = 2, line = "ipcmk -Q" }]

[[step]]
id = "choose"
kind = "read"
choices = ["kernel", "shell"]
right = "shell"

[[step]]
id = "read_it"
kind = "answer"
check = "permissions"
answer = "permission"
subjects = ["ipc"]
solution = [{ terminal = 2, line = "ipcs -q" }]
"""
TEXT = """# Small

Words.

## shown: Paste

In terminal 2:

    ipcmk -Q

## goal: Know

One more queue, please.

## choose: Choose

Who?

### choices
- kernel: The kernel.
- shell: The shell.

## read_it: Read

How many bytes are used in the queue? Not 17.
"""
CHECKS = '''"""Checks."""

from workshop.facts import Evidence, Facts
from workshop.judging import NotYet, Passed, Verdict


def one_more(evidence: Evidence) -> Verdict:
    """A queue that was not there."""
    new = len(evidence.now.host.ipc.queues) - len(evidence.before.host.ipc.queues)
    return Passed() if new > 0 else NotYet("none")


def permission(facts: Facts) -> str:
    """Nothing that any screen shows."""
    return "424242"


def permissions(evidence: Evidence) -> Verdict:
    """The number."""
    return Passed() if evidence.answer == permission(evidence.now) else NotYet("no_answer")
'''


def test_each_line_goes_to_the_terminal_that_was_named_last() -> None:
    """Fenced and indented blocks, in both languages; a word in prose is no command."""
    body = "In terminal 2, `ls`:\n\n```\na | b\nc\n```\n\nand in 终端 1：\n\n    d\n    e\n\nThen nothing."
    assert commands(body) == [Typed(2, "a | b"), Typed(2, "c"), Typed(1, "d"), Typed(1, "e")]
    assert commands("No command.") == []


@pytest.mark.parametrize(
    ("right", "found"),
    [("7", ["12", "3"]), ("/sys/fs", ["/proc/1/ns", "/srv"]), ("10.0.0.1", ["10.1.2.3"]), ("deadbeef", ["00c0ffee"])],
)
def test_what_is_guessed_has_the_answers_form(right: str, found: list[str]) -> None:
    """Numbers for a number, paths for a path."""
    assert alike("12 of 3 and 12: /proc/1/ns, /srv; 10.1.2.3 00c0ffee v2x", right) == found


def test_a_lesson_that_can_be_copied_is_told() -> None:
    """So is one goal that copying reaches, and half of the answers; what could not be tried counts for nothing."""
    steps = [Copied("l", "a", "do", False, True), Copied("l", "b", "answer", False, False), Copied("l", "c", "do", True, None)]
    assert fared("l", steps) == Fared("l", 1, 2, 0, 0, 0, 1)
    assert not gives_away([fared("l", steps)])
    assert gives_away([fared("l", steps[:1])])
    assert gives_away([fared("l", [*steps, Copied("l", "d", "do", True, True)])])
    assert gives_away([fared("l", [*steps, Copied("l", "d", "answer", False, True)])])


@pytest.mark.root
@pytest.mark.timeout(120)
def test_it_passes_what_is_shown_and_nothing_that_is_to_be_known(tmp_path: Path, helper: str) -> None:
    """It pastes, chooses until it is right, and neither reaches the goal nor finds the number; the machine is left as it was."""
    folder = tmp_path / "lessons" / "10_small"
    folder.mkdir(parents=True)
    (tmp_path / "checks").mkdir()
    (folder / "lesson.toml").write_text(TOML)
    (folder / "en.md").write_text(TEXT)
    (tmp_path / "checks" / "small.py").write_text(CHECKS)
    with Client.connect() as client:  # the watcher is there from now on
        client.observe([])
    before = census()
    asked = [WORKSHOP, "solve", "--as", "copyist", "--json", "--lang", "en", "--engine", "box", "--folder", str(tmp_path)]
    ran = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert ran.stderr == ""
    *steps, whole = map(json.loads, ran.stdout.splitlines())
    assert {one["step"]: one["passed"] for one in steps} == {"shown": True, "goal": False, "choose": True, "read_it": False}
    assert [one["step"] for one in steps if one["is_goal"]] == ["goal"]
    assert whole == {
        "lesson": "small", "passed": 2, "steps": 4, "goals_passed": 0, "goals": 1, "answers_passed": 0, "answers": 1,
    }  # fmt: skip
    assert ran.returncode == 0
    assert left_in_the_end(before) == {}
