"""What the checks of the two exercises say of recorded evidence, and of answers and machines that nobody foresaw."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop import judging
from workshop.course import drawn
from workshop.course.cases import Case, read_case
from workshop.course.lesson import Step
from workshop.course.library import Library, load_library
from workshop.facts import Container, Evidence, Facts, Process
from workshop.judging.answers import kinds_named, number
from workshop.judging.attempt import VOCABULARY, attempt, content_version, untouched
from workshop.judging.verdict import Passed, Verdict
from workshop.words import LANGUAGES
from workshop.words.language import fill, words

LIBRARY = load_library()
STEPS = [step for lesson in LIBRARY.lessons for step in lesson.steps if step.check]
ASKING = [step for step in STEPS if step.answer]
HOST_ONLY = frozenset(
    {"make_queue", "queue_on_host", "remove_queue", "controllers", "chroot", "chroot_pid", "chroot_namespaces", "leave_chroot"}
    | {"begin", "unshare", "shared", "identity", "number", "pivot", "power", "restrict"}
    | {"layer", "layer_digest", "config", "manifest", "index", "load", "image_id", "again", "changed", "same_layer", "tidy"}
    | {"commit", "size", "third", "which", "drivers", "file_system/together"}
    | {f"architecture/{name}" for name in ("stay", "kill_client", "kill_attached", "speak", "registry", "leave")}
    | {f"lxc/{name}" for name in ("start", "inside", "start_copy", "whose", "bound", "left", "arrive")}
)
"""Steps that look at the host alone or at what is half made, so that a container is not what they are about.

With LXC every container is a service: a learner's is known by the name that only the lesson gives.
"""


def cases(library: Library = LIBRARY) -> list[tuple[Step, Path]]:
    """Every recorded case with its step."""
    folders = [library.folder(lesson) / "facts" for lesson in library.lessons]
    paths = [path for folder in folders for path in sorted(folder.glob("*.json"))]
    return [(library.step(f"{path.parts[-3].partition('_')[2]}/{path.name.partition('__')[0]}"), path) for path in paths]


CASES = cases()
PASSED = [(step, case) for step, path in CASES if (case := read_case(path)).verdict == "passed"]


@pytest.mark.parametrize(("step", "path"), CASES, ids=[f"{step.where}-{path.stem.partition('__')[2]}" for step, path in CASES])
def test_recorded_evidence_is_judged_as_recorded(step: Step, path: Path) -> None:
    """What a learner did, rightly or wrongly, gets the verdict that names it, in a sentence with every value filled in."""
    case = read_case(path)
    verdict = attempt(LIBRARY, step, case.evidence)
    assert (verdict.kind, verdict.slug) == (case.verdict, case.slug)
    for language in LANGUAGES:
        text = step.text[language].verdicts.get(verdict.slug) or words(language, "session")[verdict.slug]
        always = {"engine": "box", "registry": "127.0.0.1:5050", **drawn(LIBRARY.lesson(step.lesson), ""), **case.evidence.drawn}
        assert "{" not in fill(text, {**always, **verdict.values})


def test_recorded_evidence_names_nobodys_machine() -> None:
    """No checkout of whoever recorded it, nothing of a test's, and no mount that only their machine has."""
    checkout = r'"(?!/opt/workshop/)[^"]*/(?:\.venv|site-packages|workshop/helper/__main__\.py)'
    odd = re.compile(rf'{checkout}|/pytest-of-|"target": "/mnt/[^"]')
    found = {path.name: hit[0] for _, path in CASES if (hit := odd.search(path.read_text("utf-8")))}
    assert found == {}


@pytest.mark.parametrize(("step", "case"), PASSED, ids=[step.where for step, _ in PASSED])
def test_nothing_done_passes_nothing(step: Step, case: Case) -> None:
    """A machine on which nothing changed, and a question that was not answered, pass no step, whatever runs there."""
    assert not isinstance(attempt(LIBRARY, step, Evidence(case.evidence.now, case.evidence.now)), Passed)
    assert not isinstance(attempt(LIBRARY, step, Evidence(Facts(), Facts())), Passed)


@pytest.mark.parametrize(("step", "case"), [one for one in PASSED if one[0].answer], ids=lambda one: getattr(one, "where", ""))
def test_the_true_answer_passes(step: Step, case: Case) -> None:
    """What `solve` answers is accepted."""
    answer = LIBRARY.function(step.lesson, step.answer)(case.evidence.now)
    assert isinstance(attempt(LIBRARY, step, replace(case.evidence, answer=str(answer))), Passed)


@pytest.mark.parametrize(("step", "case"), PASSED, ids=[step.where for step, _ in PASSED])
def test_a_service_on_the_machine_is_not_the_learners_container(step: Step, case: Case) -> None:
    """A container whose PID 1 is no shell on a terminal makes no step pass."""
    if {step.id, step.where} & HOST_ONLY or not (case.evidence.before.containers or case.evidence.now.containers):
        return
    before, now = _as_service(case.evidence.before), _as_service(case.evidence.now)
    assert not isinstance(attempt(LIBRARY, step, Evidence(before, now, case.evidence.answer)), Passed)


def _as_service(facts: Facts) -> Facts:
    return replace(facts, containers=tuple(_running(one, "nginx") for one in facts.containers))


def _running(container: Container, name: str) -> Container:
    return replace(container, init=replace(container.init, name=name, arguments=(name,), terminal=0))


@pytest.mark.parametrize("step", ASKING, ids=lambda step: step.where)
@given(
    answer=st.text(max_size=40)
    | st.integers().map(str)
    | st.sampled_from(["-", "/", "[", "0x", "²", "１", "max", "none", "\x1b[A"])
)
def test_no_answer_breaks_a_check(step: Step, answer: str) -> None:
    """Whatever a learner types, there is a verdict with a text."""
    for own, case in PASSED:
        if own is step:
            verdict = attempt(LIBRARY, step, replace(case.evidence, answer=answer))
            assert verdict.kind in ("passed", "not_yet"), verdict.values.get("log")


@pytest.mark.parametrize(
    "step", [step for step in STEPS if any(step.id in other.needs for other in STEPS if other.lesson == step.lesson)],
    ids=lambda step: step.where,
)  # fmt: skip
def test_what_a_step_leaves_behind_is_recognised_next_week(step: Step) -> None:
    """A step that others need holds as long as its result is there, whenever it came to be, and no longer."""
    for own, case in PASSED:
        if own is not step:
            continue
        now = case.evidence.now
        assert isinstance(attempt(LIBRARY, step, Evidence(untouched(now), now)), Passed)
        assert not isinstance(attempt(LIBRARY, step, Evidence(untouched(now), untouched(now))), Passed)


def test_a_container_that_got_the_number_of_another_is_another() -> None:
    """The kernel gives a namespace's number again: a new container with an old number has appeared, and the old one is gone."""
    case = next(case for step, case in PASSED if step.where == "exercise_namespaces/start")
    old = case.evidence.now
    container = old.containers[0]
    init = replace(container.init, pid=container.init.pid + 10, started=container.init.started + 500)
    new = replace(old, containers=(replace(container, init=init),))
    assert Evidence(old, new).appeared() == new.containers
    assert Evidence(old, new).gone() == old.containers
    assert Evidence(old, old).appeared() == Evidence(old, old).gone() == ()


@pytest.mark.parametrize("arguments", [("sh",), ("-sh",), ("/bin/bash", "-l"), ("busybox", "sh")])
def test_any_shell_on_a_terminal_will_do(arguments: tuple[str, ...]) -> None:
    """The learner may choose the shell."""
    assert isinstance(_started(arguments, arguments[0].rpartition("/")[2].lstrip("-")), Passed)


@pytest.mark.parametrize("arguments", [("sh", "-c", "sleep 9"), ("bash", "-c", "true")])
def test_a_shell_that_runs_a_command_will_not(arguments: tuple[str, ...]) -> None:
    """A shell that was told what to run takes no commands from the learner."""
    verdict = _started(arguments, arguments[0])
    assert verdict.slug == "not_a_shell" and verdict.values["command"] == " ".join(arguments)


def _started(arguments: tuple[str, ...], name: str) -> Verdict:
    step, case = next((step, case) for step, case in PASSED if step.where == "exercise_namespaces/start")
    container = case.evidence.now.containers[0]
    init: Process = replace(container.init, arguments=arguments, name=name)
    now = replace(case.evidence.now, containers=(replace(container, init=init),))
    return attempt(LIBRARY, step, Evidence(case.evidence.before, now))


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("4026532179", 4026532179), ("pid:[4026532179]", 4026532179), ("  7 ", 7), ("７", 7), ("-1", -1), ("－１", -1),
        ("\u22121", -1), ("0x1f", 31), ("2个。", 2), ("nr_throttled 12", 12), ("pid -> pid:[4026532179]", 4026532179),
        ("", None), (None, None), ("two", None), ("1 2", None), ("1.5", None),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(answer: str | None, meant: int | None) -> None:
    """A number may come with its label, in brackets, in full width or in a Chinese sentence; two numbers are none."""
    assert number(answer) == meant


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("time", {"time"}), ("time和user", {"time", "user"}), ("Time, User", {"time", "user"}), ("time_for_children", {"time"}),
        ("none", set()), ("无", set()), ("mount network", {"mnt", "net"}), ("", None), ("clock", None),
    ],
)  # fmt: skip
def test_kinds_of_namespace_are_read_as_people_write_them(answer: str, meant: set[str] | None) -> None:
    """Names may be separated by anything, and "none" is an answer."""
    assert kinds_named(answer) == meant


def test_an_edit_of_the_vocabulary_is_other_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict that differs since is told as one of another version and not as a forgery, as after an edit of the check."""
    earlier = content_version(LIBRARY, ASKING[0])
    edited = Path(shutil.copytree(Path(judging.__file__).parent, tmp_path / "judging")) / "containers.py"
    edited.write_text(edited.read_text("utf-8").replace("no_container", "none"), "utf-8")
    monkeypatch.setattr(sys.modules[content_version.__module__], "__file__", str(edited))
    assert content_version(LIBRARY, ASKING[0]) != earlier


def test_all_that_checks_judge_with_is_content() -> None:
    """Every function of `workshop.judging` that our checks import is of a module that counts."""
    names = {name for path in LIBRARY.checks_folder.glob("*.py") for name in borrowed(path)}
    modules = {getattr(judging, name).__module__.rpartition(".")[2] for name in names if callable(getattr(judging, name))}
    assert modules - {"verdict"} == set(VOCABULARY) - {"constants"}


def borrowed(path: Path) -> list[str]:
    """The names of `workshop.judging` that a checks file imports."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    return [alias.name for node in nodes if node.module == "workshop.judging" for alias in node.names]
