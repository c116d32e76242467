"""What looking costs others: `Hello` of bob's, idle and beside ann's looks without a pause, with twenty boxes of hers running.

As root. `computing` is beside a process that only computes: the helper can't be blamed for what that takes. `live` asks for
what a picture on the screen needs, `all` for every subject. Prints one JSON line, in milliseconds: median, 95th percentile
and worst of bob's answers, how many looks ann had meanwhile, and how long one takes.

python benchmarks/watching.py [PACKAGE]      PACKAGE: the `workshop` of another build, whose helper is measured in its place
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

from tests import helper_process as helpers
from workshop.client.connection import Client
from workshop.facts import SUBJECTS
from workshop.protocol import Hello, Observe, Remove

ANN, BOB = 4001, 4002
BOXES = 20
ROUNDS = 500
PAUSE_SECONDS = 0.01
"""Between two questions of bob's: nobody types faster."""
KINDS = {"live": ["hostname", "interfaces", "ipc", "mounts", "processes"], "all": list(SUBJECTS)}


def computes(enough: Event) -> None:
    """Take a processor, and nothing of the helper's."""
    while not enough.is_set():
        sum(range(100_000))


def looks(process: helpers.Process, subjects: list[str], count: Synchronized[int], enough: Event) -> None:
    """Look without a pause until it is enough, and count."""
    with process.connect(ANN) as ann:
        while not enough.is_set():
            look(ann, subjects)
            count.value += 1


def look(client: Client, subjects: list[str]) -> None:
    """One look, of which nothing is read."""
    for one in client.ask(Observe(subjects)).descriptors:
        os.close(one)


def timed(act: Callable[[], object]) -> float:
    """Milliseconds that it took."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def usual(client: Client, subjects: list[str]) -> float:
    """How long a look takes."""
    return round(statistics.median(timed(lambda: look(client, subjects)) for _ in range(10)), 1)


def hellos(process: helpers.Process) -> dict[str, float]:
    """How long bob waits for an answer, at his own pace."""
    times = []
    with process.connect(BOB) as bob:
        for _ in range(ROUNDS):
            times.append(timed(lambda: bob.ask(Hello())))
            time.sleep(PAUSE_SECONDS)
    return {
        "p50": round(statistics.median(times), 2),
        "p95": round(sorted(times)[-len(times) // 20], 2),
        "max": round(max(times), 2),
    }


def beside(other: Callable[..., None], process: helpers.Process, *arguments: object) -> dict[str, float]:
    """The same while another process does this until it is enough."""
    enough = multiprocessing.Event()
    worker = multiprocessing.Process(target=other, args=(*arguments, enough))
    worker.start()
    try:
        return hellos(process)
    finally:
        enough.set()
        worker.join()


def beside_looks(process: helpers.Process, subjects: list[str]) -> dict[str, float]:
    """The same while ann looks, and how often she did."""
    count = multiprocessing.Value("i", 0)
    return {**beside(looks, process, process, subjects, count), "looks": count.value}


def measured(process: helpers.Process) -> dict[str, object]:
    """All of it, with the boxes."""
    with process.connect(ANN) as ann:
        boxes = [helpers.background(ann).id for _ in range(BOXES)]
        first = round(timed(lambda: look(ann, [])), 1)
        took = {name: usual(ann, asked) for name, asked in KINDS.items()}
        waits = {"idle": hellos(process), "computing": beside(computes, process)}
        waits |= {name: beside_looks(process, asked) for name, asked in KINDS.items()}
        for box in boxes:
            ann.ask(Remove(box, force=True))
    return {"boxes": BOXES, "first_look": first, "look": took, "hello": waits}


def main(package: str) -> None:
    """Measure, and print the line."""
    helpers.MAIN = Path(package) / "helper" / "__main__.py"
    with helpers.open_directory() as directory, helpers.helper_process(directory) as process:
        found = measured(process)
    helpers.remove_directories()
    print(json.dumps({"benchmark": "watching", **found}))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(helpers.MAIN.parents[1]))
