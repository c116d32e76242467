"""`workshop solve`: every solution typed into real terminals, on real containers, judged by the kernel."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.census import census, left_behind, left_in_the_end
from tests.conftest import IMPOSSIBLE
from workshop.client.connection import Client
from workshop.course.library import load_library
from workshop.protocol import Hello

WORKSHOP, BOX = (str(Path(sys.executable).parent / name) for name in ("workshop", "box"))


MIDDLES = [(one.id, one.steps[len(one.steps) // 2].id) for one in load_library().lessons]
MIDDLES.append(("exercise_namespaces", "make_queue"))  # the one that leaves an object of the host's


def run_solve(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit status and the objects that it printed."""
    done = subprocess.run([WORKSHOP, "solve", "--json", *arguments], check=False, capture_output=True, text=True, timeout=600)
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def used_helper(helper: str) -> str:
    """A helper that has run a box and looked: image, parent of all boxes' groups, and watcher are there from now on."""
    subprocess.run([BOX, "run", "--rm", "busybox", "true"], check=True)
    with Client.connect() as client:
        client.observe([])
    return helper


def helper_descriptors() -> int:
    """How many descriptors the helper holds while one client is connected."""
    with Client.connect() as client:
        return len(list(Path(f"/proc/{client.ask(Hello()).value.pid}/fd").iterdir()))


@pytest.mark.root
@pytest.mark.timeout(600)
@pytest.mark.parametrize("lesson", [lesson.id for lesson in load_library().lessons])
def test_every_solution_passes_and_leaves_nothing(
    lesson: str, used_helper: str, record_property: Callable[[str, object], None]
) -> None:
    """Each step passes or is impossible here for a stated reason, and the machine is as it was."""
    before, descriptors = census(), helper_descriptors()
    status, outcomes = run_solve(lesson)
    assert [one["step"] for one in outcomes] == [step.id for step in load_library().lesson(lesson).steps]
    assert {one["verdict"] for one in outcomes} <= {"passed", "impossible"}, outcomes
    assert all(one["reason"] for one in outcomes)
    assert status == 0
    assert left_behind(before, census()) == {}
    assert helper_descriptors() == descriptors
    for one in outcomes:
        if one["verdict"] == "impossible":
            record_property(IMPOSSIBLE, f"with box: {one['lesson']}/{one['step']}: {one['reason']}")


@pytest.mark.root
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("lesson", "step"), MIDDLES)
def test_a_lesson_broken_off_in_its_middle_leaves_nothing(lesson: str, step: str, used_helper: str) -> None:
    """A hang-up after this step ends everything that the lesson had started, and undoes what it had made."""
    before = census()
    with subprocess.Popen([WORKSHOP, "solve", "--json", lesson], stdout=subprocess.PIPE) as solving:
        assert solving.stdout
        assert any(json.loads(line)["step"] == step for line in solving.stdout)
        solving.send_signal(signal.SIGHUP)
    assert solving.returncode == 128 + signal.SIGHUP
    assert left_in_the_end(before) == {}


INDICES = 32768
"""How many indices there are: a queue's id is a sequence number times this, and its index, by which `ipcs` lists it."""


def new_queue() -> int:
    """The id of a queue that is made now, as any program could."""
    return int(subprocess.check_output(["ipcmk", "-Q"], text=True).rsplit(" ", 1)[1])


@contextmanager
def somebodys_queue() -> Iterator[int]:
    """Another program's queue, at whose place in the list the indices begin anew: later ones are listed before it."""
    somebodys = new_queue()
    try:
        while (other := new_queue()) % INDICES > somebodys % INDICES:
            subprocess.run(["ipcrm", "-q", str(somebodys)], check=True)
            somebodys = other
        subprocess.run(["ipcrm", "-q", str(other)], check=True)
        yield somebodys
    finally:
        subprocess.run(["ipcrm", "-q", str(somebodys)], check=True)


@pytest.mark.root
def test_a_queue_of_somebody_else_stays(used_helper: str) -> None:
    """The exercise on IPC removes the queue that was made in it, wherever another program's stands in the list."""
    before = census()
    with somebodys_queue():
        status, _ = run_solve("exercise_namespaces")
    assert status == 0
    assert left_in_the_end(before) == {}


@pytest.mark.root
def test_the_first_queue_of_all_is_removed_as_well() -> None:
    """The solution removes the queue 0, which is the first that is made after a machine's start."""
    (typed,) = load_library().step("exercise_namespaces/remove_queue").solution
    commands = f"ipcmk -Q; {typed.line}; wc -l </proc/sysvipc/msg"  # a line of headings is left
    said = subprocess.check_output(["unshare", "--ipc", "sh", "-c", commands], text=True)
    assert said == "Message queue id: 0\n1\n"


PASSES_ALWAYS = '''"""A check that asks for nothing."""
from workshop.facts import Evidence
from workshop.judging.verdict import Passed, Verdict


def anything(seen: Evidence) -> Verdict:
    """Anything will do."""
    return Passed()
'''


@pytest.mark.root
def test_a_check_that_asks_for_nothing_is_found_out(tmp_path: Path, helper: str) -> None:
    """A step that passes on an untouched machine makes solve fail before anything is typed."""
    folder = tmp_path / "lessons/10_easy"
    folder.mkdir(parents=True)
    (folder / "lesson.toml").write_text('[[step]]\nid = "one"\nkind = "do"\ncheck = "anything"\n')
    for language in ("en", "zh"):
        (folder / f"{language}.md").write_text("# Easy\n\n## one: One\nBody\n")
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/easy.py").write_text(PASSES_ALWAYS)
    status, outcomes = run_solve("--folder", str(tmp_path))
    assert status == 1
    assert [(one["step"], one["verdict"]) for one in outcomes] == [("one", "broken")]
