"""What the fault tests share: a helper of their own instance that can be killed at any moment, and what it leaves."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import workshop
from workshop.client.connection import Client, HelperError
from workshop.protocol import ContainerInfo, Hello, List, Remove

INSTANCE = f"ws-f{os.getpid()}"
"""One of this run's own, so that two runs on a machine do not kill each other's helpers."""
ENVIRONMENT = {**os.environ, "WORKSHOP_INSTANCE": INSTANCE, "LC_ALL": "C.UTF-8"}
PACKAGE = Path(workshop.__file__).resolve().parent
MAIN = str(PACKAGE / "helper" / "__main__.py")
BOX = str(Path(sys.executable).with_name("box"))
BROOD = ["sh", "-c", "trap '' TERM; for i in $(seq 20); do sleep 600 & done; echo up; wait"]
"""A shell with twenty children that all ignore SIGTERM."""


class Helper:
    """A helper process of this instance; `before` is put in front of its command line."""

    def __init__(self, *before: str, log: int = subprocess.DEVNULL) -> None:
        """Start it, and wait until it listens or has ended; it complains into `log`."""
        command = [*before, sys.executable, "-I", MAIN, "run"]
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        with self.process.stdout as ready:
            self.listens = bool(ready.read(1))

    def kill(self) -> None:
        """SIGKILL, and wait until it is dead."""
        self.process.kill()
        self.process.wait()


def reconcile() -> None:
    """The one command that is to clean up after any crash."""
    done = subprocess.run(
        [sys.executable, "-I", MAIN, "reconcile"], env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr


def left(beside: Helper | None = None) -> dict[str, list[str]]:
    """What bears this instance's name (beside a helper that runs): cgroups, processes, mounts of the host, files of sandboxes."""
    processes = [pid for pid in _processes() if beside is None or int(pid) != beside.process.pid]
    found = {"cgroups": _cgroups(), "processes": processes, "mounts": _mounts(), "files": _files()}
    return {kind: names for kind, names in found.items() if names}


def left_in_the_end(beside: Helper | None = None, seconds: float = 5) -> dict[str, list[str]]:
    """The same, once it is nothing, or after so many seconds: processes that die tell nobody when they are gone."""
    end = time.monotonic() + seconds
    while (found := left(beside)) and time.monotonic() < end:
        time.sleep(0.01)
    return found


def _cgroups() -> list[str]:
    tops = [*Path("/sys/fs/cgroup").glob(f"*/{INSTANCE}"), Path("/sys/fs/cgroup") / INSTANCE]
    return [str(path) for top in tops if top.is_dir() for path in top.iterdir() if path.is_dir()]


def _processes() -> list[str]:
    """Members of our cgroups, and processes with our instance's name in their environment; zombies are gone already."""
    found = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit() and int(folder.name) != os.getpid()]
    return [folder.name for folder in found if _is_ours(folder)]


def _is_ours(folder: Path) -> bool:
    try:
        if (folder / "stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX":
            return False
        environment = (folder / "environ").read_bytes().split(b"\0")
        groups = (folder / "cgroup").read_text()
    except OSError:
        return False
    program = f"WORKSHOP_INSTANCE={INSTANCE}".encode() in environment and MAIN.encode() in (folder / "cmdline").read_bytes()
    return program or f"container=box-{INSTANCE}".encode() in environment or f"/{INSTANCE}/" in groups


def _mounts() -> list[str]:
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if INSTANCE in line]


def _files() -> list[str]:
    """Sandboxes that the ledger holds to be there, and layers that are half made."""
    ledger = Path(f"/run/{INSTANCE}/ledger")
    said = ledger.read_text() if ledger.exists() else ""
    noted = set(re.findall(r'"made": "(\w+)"', said)) - set(re.findall(r'"gone": "(\w+)"', said))
    return sorted(noted) + [str(path) for path in Path(f"/var/lib/{INSTANCE}/store").glob("*/layers/.*")]


def end_all() -> None:
    """End every helper of this instance, and what is left."""
    for pid in _processes():
        if MAIN.encode() in _command(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
            wait_for_death(int(pid))
    reconcile()


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextlib.contextmanager
def in_instance() -> Iterator[None]:
    """This process's clients speak to this instance's helper."""
    before = os.environ["WORKSHOP_INSTANCE"]
    os.environ["WORKSHOP_INSTANCE"] = INSTANCE
    try:
        yield
    finally:
        os.environ["WORKSHOP_INSTANCE"] = before


def helper_pid() -> int:
    """The pid of the helper that answers."""
    with Client.connect() as client:
        return int(client.ask(Hello()).value.pid)


def boxes() -> tuple[ContainerInfo, ...]:
    """Every box that the helper knows of."""
    with Client.connect() as client:
        return client.ask(List(all=True)).value.containers


def remove_boxes() -> None:
    """Remove every box that the helper knows of."""
    for one in boxes():
        with contextlib.suppress(HelperError), Client.connect() as client:
            client.ask(Remove(one.id, force=True))


def box(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the `box` command to its end."""
    return subprocess.run([BOX, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=30)


def wait_for(condition: Callable[[], object], what: str, seconds: float = 10) -> None:
    """Return once the condition holds: for files of the kernel's that cannot be polled."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        time.sleep(0.005)


def wait_for_death(pid: int, seconds: float = 10) -> None:
    """Return once this process has ended."""
    try:
        held = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([held], [], [], seconds)[0], f"process {pid} still runs"
    finally:
        os.close(held)


def close_all(descriptors: Sequence[int]) -> None:
    """Close the descriptors of a reply."""
    for descriptor in descriptors:
        os.close(descriptor)
