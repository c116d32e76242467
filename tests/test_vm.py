"""The virtual machines: Vagrant's description of them is valid, and what `make test-vm` brings out is judged rightly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PASSED = {"lesson": "namespaces", "step": "start", "verdict": "passed", "reason": "Right.", "seconds": 1.0}
IMPOSSIBLE = {**PASSED, "step": "limits", "verdict": "impossible", "reason": "No controller."}
FAILED = {**PASSED, "step": "names", "verdict": "not_yet", "reason": "No container."}


def brought_out(folder: Path, *outcomes: dict[str, object], provisioned: str = "0", ended: bool = True) -> None:
    """What two machines leave in which lessons come out like this, for an ordinary user and for root."""
    for groups in ("v1", "v2"):
        (folder / groups).mkdir()
        (folder / groups / "provision.status").write_text(f"{provisioned}\n")
        for user in ("learner", "root"):
            (folder / groups / f"solve-{user}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in outcomes))
            (folder / groups / f"solve-{user}.status").write_text("0\n" if ended else "")


def judged(folder: Path) -> tuple[int, str]:
    """The exit status of vm/judge.py, and what it printed."""
    ran = subprocess.run([sys.executable, str(ROOT / "vm/judge.py"), str(folder)], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("vagrant"), reason="needs Debian's package vagrant")
def test_vagrant_finds_nothing_wrong(tmp_path: Path) -> None:
    """`vagrant validate` accepts the Vagrantfile, whichever providers are installed."""
    places = {"VAGRANT_HOME": str(tmp_path), "VAGRANT_DOTFILE_PATH": str(tmp_path / "state")}
    command = ["vagrant", "validate", "--ignore-provider"]
    ran = subprocess.run(command, cwd=ROOT, env={**os.environ, **places}, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "Vagrantfile validated successfully."), ran.stderr


def test_the_machines_scripts_can_be_run() -> None:
    """Every script is one that its shell can read, and may be run."""
    scripts = list((ROOT / "vm").glob("*.sh"))
    assert scripts
    for path in scripts:
        shell = path.read_text().splitlines()[0].removeprefix("#!/bin/")
        assert subprocess.run([shell, "-n", str(path)], capture_output=True, check=False).stderr == b""
        assert os.access(path, os.X_OK)


def test_all_is_well_where_each_step_passed_or_is_impossible(tmp_path: Path) -> None:
    """What is impossible is listed with its reason, and all that was seen is kept as JSON."""
    brought_out(tmp_path, PASSED, IMPOSSIBLE)
    status, said = judged(tmp_path)
    assert status == 0
    assert "v1, docker, learner: 1 passed, 1 impossible there, 0 failed\n  No controller.\n    namespaces/limits" in said
    assert len(json.loads((tmp_path / "results.json").read_text())["solved"]) == 4


def test_one_failed_step_is_enough(tmp_path: Path) -> None:
    """A step that did not pass fails the whole."""
    brought_out(tmp_path, PASSED, FAILED)
    status, said = judged(tmp_path)
    assert (status, "FAILED namespaces/names No container." in said) == (1, True)


def test_a_machine_that_was_ended_before_all_was_done_is_a_failure(tmp_path: Path) -> None:
    """However well the steps came out that it got to, and its last words are shown."""
    brought_out(tmp_path, PASSED, ended=False)
    (tmp_path / "console-v1.log").write_text("Kernel panic")
    status, said = judged(tmp_path)
    assert (status, "v1: not all lessons were done when the machine ended:\nKernel panic" in said) == (1, True)


def test_nothing_solved_is_a_failure(tmp_path: Path) -> None:
    """A machine that never came up, or could not be provisioned, fails the whole and says so."""
    assert judged(tmp_path)[0] == 1
    brought_out(tmp_path, PASSED, provisioned="100")
    status, said = judged(tmp_path)
    assert (status, "v2: provision.sh failed" in said) == (1, True)
