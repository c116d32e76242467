"""What the instructor hands in and gets out: broken files, hostile names, and the three formats."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import workshop.classroom.files
from tests.learners import Learner, forge_verdict, written
from workshop.classroom import tables
from workshop.classroom.files import command, read
from workshop.classroom.report import report
from workshop.course.library import Library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return written(tmp_path)


@pytest.fixture
def library_here(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small lesson is what is installed here."""
    monkeypatch.setattr(workshop.classroom.files, "load_library", lambda: library)


@pytest.fixture
def learner(tmp_path: Path, library: Library) -> Callable[..., Learner]:
    return lambda name="ann", boot="boot-a": Learner(tmp_path, library, name, boot)


BROKEN = {
    "empty": b"",
    "binary": os.urandom(512),
    "other_json": b'{"hello": 1}\n',
    "deep": b"[" * 200_000,
    "sqlite": b"SQLite format 3\0" + bytes(100),
    "no_events": b'{"format":"container-workshop export","version":1,"learner":"x","machine":"y","events":3}\n',
    "wrong_types": b'{"format":"container-workshop export","version":1,"learner":7,"machine":"y","events":0}\n',
}


@pytest.mark.usefixtures("library_here")
@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_said_so_and_hides_no_other(
    name: str, learner: Callable[..., Learner], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is no export gets a line that names it, the exit status tells, and the others are still read."""
    bad = tmp_path / f"{name}.bad"
    bad.write_bytes(BROKEN[name])
    good = Path(learner().guesses().starts_container().hands_in().file)
    assert command([bad, good, tmp_path / "absent", tmp_path], as_json=True, as_csv=False, language="en") == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["file"] for one in told["refused"]] == [str(bad), str(tmp_path / "absent"), str(tmp_path)]
    assert told["learners"][0]["passed"] == ["small/guess", "small/start"]


@pytest.mark.usefixtures("library_here")
def test_truncated_file_says_that_it_was_cut_off(learner: Callable[..., Learner], capsys: pytest.CaptureFixture[str]) -> None:
    """A file cut at the end of a line or within one is refused with its name, never half believed."""
    file = Path(learner().guesses().hands_in().file)
    whole = file.read_bytes()
    for cut in (whole.rfind(b"\n", 0, -1) + 1, len(whole) - 20):
        file.write_bytes(whole[:cut])
        assert command([file], as_json=False, as_csv=False, language="en") == 1
        assert file.name in capsys.readouterr().out.replace("\n", "")


EVIL = "[@click=app.quit]=A\x1b[31m\u202ered[/]\n"


def test_names_are_shown_as_text(learner: Callable[..., Learner], library: Library) -> None:
    """A name with markup, escape and bidirectional controls is shown as letters, and obeyed nowhere."""
    found = report([learner().guesses().hands_in(name=EVIL)], library)
    out = io.StringIO()
    tables.show(found, "en", Console(file=out, force_terminal=True, width=200, markup=False, emoji=False, highlight=False))
    assert "[@click=app.quit]=A[31mred[/]@vm" in out.getvalue()
    assert "\u202e" not in out.getvalue() + tables.as_json(found) + tables.as_csv(found)


FORMULAE = ("=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "\u22121", "\ufe661")


@pytest.mark.parametrize("name", FORMULAE)
def test_spreadsheet_takes_no_name_for_a_formula(name: str, learner: Callable[..., Learner], library: Library) -> None:
    """A cell that would be a formula in a spreadsheet is text there."""
    found = report([learner().guesses().hands_in(name=name)], library)
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(found))))
    assert {row["learner"] for row in rows} == {f"'{name.strip()}"}
    assert [row["step"] for row in rows] == ["small/guess", "small/start", "small/queue"]


@pytest.mark.usefixtures("library_here")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_table_says_where_each_is(
    language: str, learner: Callable[..., Learner], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table has a row a learner with marks for each step; doubts are named below it in the instructor's language."""
    monkeypatch.setenv("COLUMNS", "200")
    ann = learner("ann").guesses().starts_container().forgets_queue().hands_in()
    bob = learner("bob", "boot-b").guesses().starts_container().forgets_queue().hands_in(forge_verdict)
    assert command([Path(ann.file), Path(bob.file)], as_json=False, as_csv=False, language=language) == 0
    out = capsys.readouterr().out
    assert "++~" in out
    assert "++?" in out
    assert {"en": "FORGED: bob", "zh": "伪造：bob"}[language] in out


def test_one_format_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and CSV at once is refused with a sentence."""
    assert command([], as_json=True, as_csv=True, language="en") == 2
    assert "--csv" in capsys.readouterr().err


def _replaced(value: Any, path: list[int], new: Any) -> Any:
    """The value with what lies at a path (taken modulo what there is) replaced."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[path[0] % len(keys)]
    copy = value.copy()
    copy[key] = _replaced(value[key], path[1:], new)
    return copy


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just({}), st.floats(allow_nan=False)
)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Library, list[dict[str, Any]], Path]:
    """The small lesson, and the lines of an honest export of it."""
    folder = tmp_path_factory.mktemp("honest")
    library = written(folder)
    ann = Learner(folder, library, "ann").guesses().starts_container().makes_queue()
    lines = Path(ann.hands_in().file).read_text().splitlines()
    return library, [json.loads(line) for line in lines], folder / "changed.jsonl"


@given(paths=st.lists(st.tuples(st.lists(st.integers(0, 30), min_size=1, max_size=9), SCALARS), min_size=1, max_size=3))
@settings(deadline=None, max_examples=200)
def test_no_change_to_a_file_brings_the_report_down(
    honest: tuple[Library, list[dict[str, Any]], Path], paths: list[tuple[list[int], Any]]
) -> None:
    """Whatever stands where in an export, it is reported on or refused, in every format, and nothing breaks."""
    library, lines, file = honest
    for path, new in paths:
        lines = _replaced(lines, path, new)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    handed, refused = read([file], "en")
    found = report(handed, library, refused)
    tables.show(found, "zh", Console(file=io.StringIO(), markup=False, emoji=False, highlight=False))
    assert json.loads(tables.as_json(found))["refused"] == [] or found.learners == ()
    assert len(found.learners) + len(found.refused) == 1
    tables.as_csv(found).encode("utf-8")
    tables.as_json(found).encode("utf-8")
