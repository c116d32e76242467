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
from tests.helper_process import helper_process, open_directory
from workshop.protocol import Images

INSTANCE = f"ws-bare-{os.getpid()}"[:16]
COVER = 'mount --bind /dev/null "$(realpath "$(command -v busybox)")"; exec "$@"'
WITHOUT_BUSYBOX = ("unshare", "-m", "--propagation", "private", "sh", "-c", COVER, "sh")


@pytest.fixture
def without_busybox() -> Iterator[dict[str, str]]:
    """The image is made by a helper that sees no busybox, which ends then."""
    with removed_instance(INSTANCE):
        with (
            open_directory() as directory,
            helper_process(directory, by=WITHOUT_BUSYBOX, instance=INSTANCE) as process,
            process.connect() as client,
        ):
            client.ask(Images())
        assert not next(Path(f"/var/lib/{INSTANCE}/store/shared/layers").glob("*/root/bin/busybox"), None)
        yield {**os.environ, "WORKSHOP_INSTANCE": INSTANCE}


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
