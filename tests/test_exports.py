"""Exports travel: by Windows, by mail, packed; and what is no whole export is told by what it is instead."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.disks import event
from workshop.classroom.files import read
from workshop.facts import Evidence, Facts
from workshop.progress import exports
from workshop.progress.exports import ExportError, export_lines, read_export
from workshop.progress.progress import Event, Progress
from workshop.words import sentence

WORKSHOP = str(Path(sys.executable).with_name("workshop"))
ADDED = (replace(event("第一步"), evidence=Evidence(Facts(), Facts(), answer="四零二六")), event("second", "passed"))


@pytest.fixture
def handed(tmp_path: Path) -> tuple[Path, tuple[Event, ...]]:
    """An export, and the events that it holds."""
    progress = Progress(tmp_path / "p.sqlite")
    added = tuple(map(progress.add, ADDED))
    file = tmp_path / "ann.export"
    file.write_bytes(b"".join(line + b"\n" for line in export_lines(progress)))
    progress.close()
    return file, added


TRAVELLED: dict[str, Callable[[bytes], bytes]] = {
    "as it was": lambda data: data,
    "with a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "with the line ends of Windows": lambda data: data.replace(b"\n", b"\r\n"),
    "with empty lines at its end": lambda data: data + b"\r\n \n\n",
    "without its last line end": lambda data: data.rstrip(b"\n"),
    "in UTF-16, as Windows writes it": lambda data: data.decode().encode("utf-16"),
    "in UTF-16, the other way round": lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
    "packed by gzip": gzip.compress,
    "packed in two parts": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]),
    "with a mark, and packed": lambda data: gzip.compress(b"\xef\xbb\xbf" + data),
}


@pytest.mark.parametrize("way", TRAVELLED)
def test_an_export_is_read_however_it_came(way: str, handed: tuple[Path, tuple[Event, ...]]) -> None:
    """Whatever a system on the way has put around it, every event is there; its name says nothing."""
    file, added = handed
    file.write_bytes(TRAVELLED[way](file.read_bytes()))
    assert read_export(file).events == added


def _zip(data: bytes) -> bytes:
    with zipfile.ZipFile("handed.zip", "w") as archive:
        archive.writestr("ann.export", data)
    return Path("handed.zip").read_bytes()


OTHERS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda data: b"", "the file is empty"),
    "empty lines": (lambda data: b"\n\r\n", "the file is empty"),
    "the database": (lambda data: b"SQLite format 3\0" + bytes(100), "this is a learner's progress itself"),
    "a zip archive": (_zip, "this is a zip archive"),
    "xz": (lambda data: b"\xfd7zXZ\0" + bytes(50), "packed in a way that is not read here"),
    "half a gzip": (lambda data: gzip.compress(data)[:-40], "packed with gzip, but damaged or cut off"),
    "a spoilt gzip": (lambda data: gzip.compress(data)[:20] + bytes(60), "packed with gzip, but damaged or cut off"),
    "a picture": (lambda data: b"\x89PNG\r\n\x1a\n" + bytes(100), "this is not an export of this workshop"),
    "other JSON": (lambda data: b'{"hello": 1}\n', "this is not an export of this workshop"),
    "another list": (lambda data: data.replace(b"container-workshop", b"shopping"), "this is not an export of this workshop"),
    "brackets": (lambda data: b"[" * 200_000, "this is not an export of this workshop"),
    "half a UTF-16": (lambda data: b"\xff\xfe\x00\xd8\x00", "this is not an export of this workshop"),
    "the future": (lambda data: data.replace(b'"version":1', b'"version":2', 1), "this is an export of version 2"),
    "a header alone": (lambda data: data.splitlines()[0], "of this export's 2 events only 0 are there"),
    "a part": (lambda data: data[: data.rindex(b"\n", 0, -1)], "of this export's 2 events only 1 are there"),
    "a cut line": (lambda data: data[:-20], "line 3 of this export is damaged or cut off"),
    "a spoilt line": (lambda data: data.replace(b'{"id"', b"{{", 1), "line 2 of this export is damaged or cut off"),
    "wrong bytes": (lambda data: data.replace("第".encode(), b"\xff\xff"), "line 2 of this export is damaged or cut off"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_export_is_told_by_what_it_is(
    kind: str, handed: tuple[Path, tuple[Event, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is something else is refused in words about that, in both languages, and without a parser's noise."""
    monkeypatch.chdir(tmp_path)
    spoil, said = OTHERS[kind]
    file, _ = handed
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(ExportError) as caught:
        read_export(file)
    assert said in sentence("en", caught.value)
    for language in ("en", "zh"):
        assert not any(noise in sentence(language, caught.value) for noise in ("byte", "JSON", "{"))


def test_one_bad_file_hides_no_other(handed: tuple[Path, tuple[Event, ...]], tmp_path: Path) -> None:
    """A directory, a pipe, a missing file and a spoilt one are each refused with their reason; the good ones are read."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "spoilt").write_bytes(b"\x00" * 10)
    file, added = handed
    found, refused = read([tmp_path, tmp_path / "pipe", tmp_path / "absent", tmp_path / "spoilt", file], "en")
    assert [one.export.events for one in found] == [added]
    assert [one.reason for one in refused] == [
        "this is a directory; name the files in it",
        "this is not an ordinary file",
        "it cannot be read: No such file or directory",
        "this is not an export of this workshop; workshop export FILE makes one",
    ]


def test_a_bomb_is_unpacked_no_further_than_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than the bound is refused, and the bound is told; the same holds for what is not packed."""
    monkeypatch.setattr(exports, "MOST_BYTES", 2 << 20)
    (tmp_path / "bomb").write_bytes(gzip.compress(bytes(200 << 20)))
    (tmp_path / "large").write_bytes(bytes(3 << 20))
    for name in ("bomb", "large"):
        with pytest.raises(ExportError) as caught:
            read_export(tmp_path / name)
        assert sentence("en", caught.value).startswith("it holds more than 2 MB")


@pytest.mark.parametrize(("language", "said"), [("en", "You have not begun anything yet"), ("zh", "你还没有开始")])
def test_an_export_of_nothing_says_so(language: str, said: str, tmp_path: Path) -> None:
    """Nobody is asked to hand in a file without events."""
    environment = {**os.environ, "WORKSHOP_PROGRESS": str(tmp_path / "p.sqlite")}
    command = [WORKSHOP, "export", str(tmp_path / "out"), "--lang", language]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stdout) == (0, True), done.stderr
    assert read_export(tmp_path / "out").events == ()


@pytest.mark.root
def test_a_user_without_an_account_can_export(tmp_path: Path) -> None:
    """A uid that no account has is named by its number."""
    code = """
import os, sys
from pathlib import Path
from workshop.progress.exports import export_lines
from workshop.progress.progress import Progress
progress = Progress(Path(sys.argv[1]))
os.setuid(54321)
print(next(iter(export_lines(progress))).decode())
progress.close()
"""
    environment = {name: value for name, value in os.environ.items() if name not in ("LOGNAME", "USER", "LNAME", "USERNAME")}
    command = [sys.executable, "-c", code, str(tmp_path / "p.sqlite")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "uid-54321" in done.stdout
