"""Values that are one learner's own: filled into words and solutions, the same after a restart, no neighbour's passes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from workshop.authoring.lint import lint
from workshop.classroom.report import Handed, report
from workshop.course import ContentError, Library, drawn, load_library
from workshop.course.lesson import parse_lesson
from workshop.facts import Container, Facts, Namespaces, Process
from workshop.learning import Session
from workshop.progress import Progress
from workshop.progress.exports import export_lines, read_export

HOSTS = ("amber", "birch", "cedar", "dune", "elm", "fern")
LESSON = f"""
[values]
host = {list(HOSTS)}
limit = [24, 28, 32]

[[step]]
id = "named"
kind = "do"
check = "named_so"
subjects = ["hostname"]
solution = [{{ terminal = 1, line = "{{engine}} run -it --hostname {{host}} busybox" }}]
"""
TEXT = """# L

Intro for {host}.

## named: Name it

Start a container whose host name is `{host}`.

### hints
- Where is {host}?
- An option.
- `--hostname …`

### solution
The option sets it, as no name is asked of the host.

### verdicts
- passed: It is {name}.
- other: It is {name}, and yours is to be {host}.

### debrief
Done.
"""
CHECKS = '''"""Checks."""

from workshop.facts import Evidence
from workshop.judging import NotYet, Passed, Verdict


def named_so(evidence: Evidence) -> Verdict:
    """The learner's own name."""
    name = next((one.hostname for one in evidence.now.containers), "")
    return Passed(name=name) if name == evidence.drawn["host"] else NotYet("other", name=name)
'''


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "lessons" / "10_own"
    folder.mkdir(parents=True)
    (tmp_path / "checks").mkdir()
    (folder / "lesson.toml").write_text(LESSON)
    for language in ("en", "zh"):
        (folder / f"{language}.md").write_text(TEXT)
    (tmp_path / "checks" / "own.py").write_text(CHECKS)
    return load_library(tmp_path)


class Learner:
    """One learner, who starts a container of some host name."""

    def __init__(self, folder: Path, library: Library, name: str) -> None:
        self.folder, self.name = folder, name
        self.progress = Progress(folder / f"{name}.sqlite")
        self.seen = Facts(subjects=("hostname",))
        self.session = Session(library, self.progress, lambda _: self.seen, "en")

    @property
    def host(self) -> str:
        """The name that this learner is to give."""
        return str(self.session.wording.own("own")["host"])

    def starts(self, host: str) -> str:
        """The verdict's sentence, once there is a container of this name."""
        process = Process(4711, 1, 4000, 0, "sh")
        box = Container("c1", "box", "box", Namespaces(pid=200), process, (process,), hostname=host, owners=(0,))
        self.session.go("own/named")
        self.seen = Facts(containers=(box,), subjects=("hostname", "processes"))
        self.session.check()
        return self.session.message()

    def hands_in(self, learner: str = "") -> Handed:
        """The export as a file, with another learner's id in its place if one is given."""
        path = self.folder / f"{self.name}.jsonl"
        data = b"".join(line + b"\n" for line in export_lines(self.progress))
        path.write_bytes(data.replace(self.progress.learner().encode(), learner.encode()) if learner else data)
        return Handed(str(path), read_export(path))


@pytest.fixture
def two(tmp_path: Path, library: Library) -> Iterator[tuple[Learner, Learner]]:
    """Two learners whose names differ: of six, so some pair does."""
    ann = Learner(tmp_path, library, "ann")
    others: list[Learner] = []
    while not others or others[-1].host == ann.host:
        others.append(Learner(tmp_path, library, f"bob{len(others)}"))
    yield ann, others[-1]
    for one in (ann, *others):
        one.progress.close()


def test_words_and_solution_show_the_learners_own(two: tuple[Learner, Learner]) -> None:
    """In body, hints, introduction and the lines to type; each learner reads another name."""
    for one in two:
        now = one.session.snapshot()
        assert one.host in HOSTS
        assert now.text.body == f"Start a container whose host name is `{one.host}`."
        assert now.text.hints[0] == f"Where is {one.host}?"
        assert now.introduction == f"Intro for {one.host}."
        assert now.lines[0].line.endswith(f"--hostname {one.host} busybox")


def test_it_is_the_same_after_a_restart(two: tuple[Learner, Learner], library: Library) -> None:
    """The id lies in the file of progress."""
    ann = two[0]
    again = Progress(ann.progress.path)
    assert drawn(library.lessons[0], again.learner())["host"] == ann.host
    again.close()


def test_a_neighbours_line_does_not_pass(two: tuple[Learner, Learner]) -> None:
    """The own one does, and the verdict of another names what was asked."""
    ann, bob = two
    assert ann.starts(bob.host) == f"It is {bob.host}, and yours is to be {ann.host}."
    assert ann.starts(ann.host) == f"It is {ann.host}."


def test_what_was_drawn_for_another_is_doubtful_in_the_report(two: tuple[Learner, Learner], library: Library) -> None:
    """Handed in as it is, a pass is believed; under another learner's id it is not."""
    ann, bob = two
    ann.starts(ann.host)
    assert report([ann.hands_in()], library).learners[0].doubts == ()
    found = report([ann.hands_in(bob.progress.learner())], library).learners[0]
    assert {one.slug for one in found.doubts} == {"drawn_for_others"}
    assert found.steps[0].state == "doubtful"


def test_lint_knows_the_names(library: Library) -> None:
    """In prose and in verdicts; of the lesson above it misses recorded cases only."""
    assert {one.slug for one in lint(library.lessons_folder.parent)} == {"slug_without_case"}


@pytest.mark.parametrize("values", ["host = 'one'", "host = ['one']", "host = [1.5, 2.5]", "host = []"])
def test_values_that_cannot_be_drawn_are_refused(values: str) -> None:
    """With a sentence that shows how it is written."""
    with pytest.raises(ContentError, match="a list to draw from"):
        parse_lesson("10_own", f"[values]\n{values}\n", {})
