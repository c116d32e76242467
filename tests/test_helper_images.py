"""The image `busybox` where this machine has no busybox: made from the host's own programs, and enough for the lessons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import removed_instance

ROOT = Path(__file__).parent.parent
INSTANCE = f"ws-bare-{os.getpid()}"[:16]
BAKE = """
import sys
from workshop.helper.engine import baking, image_store as store
found = baking._program
baking._program = lambda name: None if name == "busybox" else found(name)
store.Images(sys.argv[1]).of(0)
"""


@pytest.fixture
def without_busybox() -> Iterator[dict[str, str]]:
    environment = {**os.environ, "WORKSHOP_INSTANCE": INSTANCE}
    store = f"/var/lib/{INSTANCE}/store"
    with removed_instance(INSTANCE):
        subprocess.run([sys.executable, "-c", BAKE, store], check=True, cwd=ROOT, env=environment)
        yield environment


@pytest.mark.root
@pytest.mark.timeout(300)
def test_exercise_1_passes_without_busybox(without_busybox: dict[str, str]) -> None:
    """On a machine without busybox the first exercise's commands all work in the image made of the host's programs."""
    workshop = str(Path(sys.executable).parent / "workshop")
    done = subprocess.run(
        [workshop, "solve", "--json", "exercise_namespaces"], check=False, capture_output=True, text=True, env=without_busybox
    )
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["verdict"] for one in outcomes} == {"passed"}, (outcomes, done.stderr)
    box = str(Path(sys.executable).parent / "box")
    inside = "ps aux && hostname && ipcs && ipcmk -Q && cat /proc/mounts && ls -l /proc/$$/ns"
    subprocess.run([box, "run", "--rm", "busybox", "sh", "-c", inside], check=True, capture_output=True, env=without_busybox)
