"""What one learner's worst does to another one's `box ps`: its answer beside each kind of load, and on a quiet machine.

As root. Each load is one ordinary account's, of what the helper bounds; one line of JSON for each, medians and 95th percentiles.
Beside as many programs that only compute, an answer waits for a processor: the helper can't be blamed for that.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event

from tests.helper_process import Process, helper_process, open_directory, remove_directories
from tests.layouts import archive, digest
from workshop.client.connection import Client, HelperError
from workshop.protocol import CreateNetwork, Exec, Hello, List, Observe, Remove, Run, Transferred, Unpack

INSTANCE = f"ws-b{os.getpid()}"
ANN, BOB = 4001, 4002
ROUNDS = 500
PAUSE_SECONDS = 0.01
"""Between two questions of bob's: nobody types faster."""
BOUND_MS, TIMES = 50.0, 10.0
"""What the 95th percentile must stay below: so many milliseconds, and so many times its value on the quiet machine, or what it is
where as many programs only compute."""
Load = Callable[[Process, Event], None]


def repeated(ask: Callable[[Client], object]) -> Load:
    """Ask this without a pause, on a connection that is opened again where it ends."""

    def load(process: Process, enough: Event) -> None:
        while not enough.is_set():
            with contextlib.suppress(HelperError, OSError), process.connect(ANN) as client:
                while not enough.is_set():
                    with contextlib.suppress(HelperError):
                        ask(client)

    return load


def runs(client: Client) -> None:
    """A box, to its end."""
    for one in client.ask(Run("busybox", ["true"], remove=True)).descriptors:
        os.close(one)


def unpacks(client: Client) -> None:
    """A layer that is refused only after thousands of directories."""
    reply = client.ask(Unpack(digest(_BOMB)))
    with contextlib.suppress(BrokenPipeError), open(reply.descriptors[0], "wb") as pipe:
        pipe.write(_BOMB)
    client.ask(Transferred())


_BOMB = archive(*((f"{number}/" + "/".join("abcdefghijklmnopqrstuvwxyz" * 2), b"") for number in range(1500)))


def connects(process: Process, enough: Event) -> None:
    """Connect, and hang up."""
    while not enough.is_set():
        with contextlib.suppress(OSError), process.connect(ANN):
            pass


def computes(_: Process, enough: Event) -> None:
    """Nothing of the helper's."""
    while not enough.is_set():
        sum(range(100_000))


def forks(process: Process, enough: Event) -> None:
    """As many processes as a box may have, while they are looked at without a pause."""
    many = "i=0; while [ $i -lt 3900 ]; do sleep 600 & i=$((i+1)); done; wait"
    with process.connect(ANN) as client:
        box = client.ask(Run("busybox", ["sh", "-c", many], detach=True, pids=4000, memory=1 << 30)).value.id
        while not enough.is_set():
            _closed(client.ask(Observe(["processes", "ipc", "hostname"])))
        client.ask(Remove(box, force=True))


def prints(process: Process, enough: Event) -> None:
    """32 boxes that print without end."""
    with process.connect(ANN) as client:
        boxes = [client.ask(Run("busybox", ["yes"], detach=True)).value.id for _ in range(32)]
        enough.wait()
        for one in boxes:
            client.ask(Remove(one, force=True))


def executes(process: Process, enough: Event) -> None:
    """As many programs as an account may have, with terminals where they may be had."""
    with process.connect(ANN) as client:
        boxes = [client.ask(Run("busybox", ["sleep", "600"], detach=True)).value.id for _ in range(4)]
        for number in range(400):
            with contextlib.suppress(HelperError):
                client.ask(Exec(boxes[number % 4], ["sleep", "600"], terminal=number < 60, detach=True))
        enough.wait()
        for one in boxes:
            client.ask(Remove(one, force=True))


CONTROL = "programs that only compute"
LOADS: dict[str, tuple[Load, int]] = {
    CONTROL: (computes, 20),
    "hello": (repeated(lambda client: client.ask(Hello())), 8),
    "connections": (connects, 8),
    "box run": (repeated(runs), 20),
    "looks": (
        repeated(lambda client: _closed(client.ask(Observe(["processes", "ipc", "hostname", "interfaces", "mounts"])))),
        30,
    ),
    "networks": (repeated(lambda client: client.ask(CreateNetwork(f"n{time.monotonic_ns()}"))), 8),
    "processor lists": (repeated(lambda client: client.ask(Run("busybox", ["true"], cpus="0-9999," * 2200 + "0"))), 4),
    "a bomb of directories": (repeated(unpacks), 2),
    "4,000 processes, looked at": (forks, 1),
    "32 boxes that print": (prints, 1),
    "all programs one may have": (executes, 1),
}


def _closed(reply: object) -> None:
    for one in getattr(reply, "descriptors", ()):
        os.close(one)


def answers(process: Process) -> list[float]:
    """How long bob waits for each list of his boxes, in milliseconds."""
    found = []
    with process.connect(BOB) as bob:
        bob.ask(List(True))
        for _ in range(ROUNDS):
            began = time.perf_counter()
            bob.ask(List(True))
            found.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE_SECONDS)
    return found


@contextlib.contextmanager
def beside(load: Load, process: Process, count: int) -> Iterator[None]:
    """So many programs that do this meanwhile."""
    forking = multiprocessing.get_context("fork")
    enough = forking.Event()
    workers = [forking.Process(target=load, args=(process, enough), daemon=True) for _ in range(count)]
    for one in workers:
        one.start()
    time.sleep(1)  # until it is under way
    try:
        yield
    finally:
        enough.set()
        for one in workers:
            one.join(60)


def percentile(found: list[float]) -> float:
    """The 95th."""
    return statistics.quantiles(found, n=20)[-1]


def told(load: str, found: list[float], quiet: float) -> float:
    """Print the figures of a load; returns its 95th percentile."""
    p95 = percentile(found)
    figures = {"load": load, "p50_ms": round(statistics.median(found), 2), "p95_ms": round(p95, 2)}
    print(json.dumps({**figures, "p95_times": round(p95 / (quiet or p95), 1)}), flush=True)
    return p95


def main() -> None:
    """A line for each load; exits with 1 where one is beyond the bounds."""
    found: dict[str, float] = {}
    with open_directory() as directory, helper_process(directory, instance=INSTANCE) as process:
        quiet = told("none", answers(process), 0)
        for name, (load, count) in LOADS.items():
            with beside(load, process, count):
                found[name] = told(name, answers(process), quiet)
    remove_directories(INSTANCE)
    allowed = min(BOUND_MS, max(TIMES * quiet, found.pop(CONTROL)))
    if beyond := [name for name, p95 in found.items() if p95 > allowed]:
        sys.exit(f"beyond {allowed:.1f} ms: {', '.join(beyond)}")


if __name__ == "__main__":
    main()
