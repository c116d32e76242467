"""Standard streams that are full, closed, broken or of another encoding: a sentence or a `?`, and never a traceback."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
COMMANDS = (
    "workshop --help",
    "workshop progress",
    "workshop export {folder}/out",
    "workshop class report {folder}/ann.export",
    "workshop class report --csv {folder}/ann.export",
    "workshop start --plain",
    "workshop doctor",
    "box --help",
)
OF_BOX = ("box ps", "box images", "box save busybox", "box run --rm busybox echo hi")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with an export, and progress that has not begun."""
    run(f"workshop export {tmp_path}/ann.export", tmp_path)
    yield tmp_path


def run(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """A command line in a shell, as a user types it; standard input is at its end."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", **variables}
    environment["WORKSHOP_PROGRESS"] = str(folder / "p.sqlite")
    command = ["bash", "-o", "pipefail", "-c", line]
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_is_lost_is_told_in_a_sentence(command: str, folder: Path) -> None:
    """Where standard output is a full disk or closed, the command says so in one line and exits with 1."""
    line, name = command.format(folder=folder), command.split(maxsplit=1)[0]
    for sink, reason in ((">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")):
        done = run(f"{line} {sink}", folder)
        assert done.stderr.decode() == f"{name}: Standard output could not be written: {reason}\n"
        assert done.returncode == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_nobody_reads_ends_quietly(command: str, folder: Path) -> None:
    """`... | head -0` gets no complaint, and the exit code tells."""
    done = run(f"{command.format(folder=folder)} | head -0", folder)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.root
@pytest.mark.usefixtures("helper")
@pytest.mark.parametrize("command", OF_BOX)
def test_what_box_prints_and_is_lost_is_told(command: str, tmp_path: Path) -> None:
    """So it is with box, with its tables, images, and with what a program in a box prints."""
    for sink in (">/dev/full", ">&-"):
        done = run(f"{command} {sink}", tmp_path)
        assert done.stderr.startswith(b"box: Standard output could not be written: ")
        assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)


@pytest.mark.parametrize("streams", ["<&-", "2>&- >/dev/full", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_missing_streams_bring_no_command_down(streams: str, folder: Path) -> None:
    """Without input a dialogue ends at once; where nothing can be told, the exit code still says that output is lost."""
    done = run(f"workshop start --plain --lang en {streams}", folder)
    assert done.returncode == (0 if streams == "<&-" else 1)
    assert done.stderr == b""


ENCODINGS = ("iso-8859-1", "big5", "ascii")


@pytest.mark.parametrize("command", [*COMMANDS, "box --no-such-option"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_words_that_the_encoding_lacks_are_replaced(command: str, encoding: str, folder: Path) -> None:
    """In Chinese on a terminal that can't show it, `?` stands for each character, and the command does its work."""
    expected = run(command.format(folder=folder), folder, WORKSHOP_LANGUAGE="zh")
    done = run(command.format(folder=folder), folder, PYTHONIOENCODING=encoding, WORKSHOP_LANGUAGE="zh")
    assert done.returncode == expected.returncode
    assert b"Traceback" not in done.stderr
    replaced = b"?" in done.stdout + done.stderr
    assert replaced or (expected.stdout + expected.stderr).isascii() or encoding == "ascii", "Click takes ASCII for UTF-8"


@pytest.mark.root
@pytest.mark.usefixtures("helper")
def test_what_runs_in_a_box_is_listed_in_any_encoding(tmp_path: Path) -> None:
    """A command in Chinese is in the table of `box ps`, with `?` where the terminal has no letter for it."""
    started = run("box run -d --rm --name odd busybox sh -c 'sleep 600; : 队列'", tmp_path)
    assert started.returncode == 0, started.stderr
    done = run("box ps --no-trunc; box rm -f odd", tmp_path, PYTHONIOENCODING="iso-8859-1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b": ??" in done.stdout


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_answer_in_another_encoding_is_taken(encoding: str, folder: Path) -> None:
    """Bytes that are no text there, typed in plain mode, are read as `?`-like characters, and the dialogue goes on."""
    typed = "printf 'answer \\377\\376\\201\\nquit\\n'"
    done = run(f"{typed} | workshop start --plain --lang en", folder, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Your progress is saved." in done.stdout
    assert b"Our fault" not in done.stdout


@pytest.mark.root
@pytest.mark.usefixtures("helper")
@pytest.mark.parametrize(("language", "said"), [("en", "is not UTF-8"), ("zh", "不是 UTF-8 编码")])
def test_an_argument_that_is_no_text_is_named(language: str, said: str, tmp_path: Path) -> None:
    """box refuses an argument of other bytes by itself, shows them, and speaks of nothing that nobody typed."""
    done = run("box run --rm busybox echo $'a\\377\\376'", tmp_path, WORKSHOP_LANGUAGE=language)
    assert done.returncode == 125
    assert f"`a\\xff\\xfe` {said}" in done.stderr.decode()


def test_a_file_whose_name_is_no_text_can_be_written(folder: Path) -> None:
    """An export goes into a file of any name that the file system takes, and reads back."""
    name = shlex.quote(str(folder)) + "/$'\\377.export'"
    done = run(f"workshop export {name} && workshop class report {name}", folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.fsencode(folder) + b"/\xff.export" in [os.fsencode(one) for one in folder.iterdir()]
