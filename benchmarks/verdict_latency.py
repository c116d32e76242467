"""From the kernel's change to the verdict on the screen: message queues made in the pane of a real `workshop start`.

Prints one JSON line: milliseconds from the queue's being there to the tick, against one bare look through the same helper.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import threading
import time
from pathlib import Path

from workshop_screens import WORKSHOP, opened, own_instance

ROUNDS = 20
STEP = "exercise_namespaces/make_queue"
LEAVE_TERMINAL = b"\x1d"


def begin_at_step(record: Path) -> None:
    """A record in which everything before the step has passed, so that the workshop opens on it."""
    from workshop.course.library import load_library  # noqa: PLC0415 -- found once workshop_screens has set the path
    from workshop.progress.progress import Event, Progress, uuid7  # noqa: PLC0415 -- the same

    progress, target = Progress(record), load_library().step(STEP)
    for step in load_library().lesson(target.lesson).steps:
        if step.id == target.id:
            break
        progress.add(Event(uuid7(), 0, step.lesson, step.id, "verdict", "passed", "passed"))
    progress.add(Event(uuid7(), 0, target.lesson, target.id, "began"))
    progress.close()


def queues() -> set[str]:
    """The ids of the host's message queues."""
    return {line.split()[1] for line in Path("/proc/sysvipc/msg").read_text().splitlines()[1:]}


class Watcher(threading.Thread):
    """Notes when the kernel has a queue that was not there."""

    def __init__(self) -> None:
        """Remember what is there."""
        super().__init__()
        self.known, self.seen = queues(), 0.0

    def run(self) -> None:
        """Ask the kernel again and again: it tells nobody by itself."""
        while not queues() - self.known:
            time.sleep(0.0002)
        self.seen = time.perf_counter()


def bare_look() -> float:
    """Milliseconds of one look at the same subjects, with nothing of ours between."""
    from workshop.client.connection import Client  # noqa: PLC0415 -- reads the instance's name when it is used

    with Client.connect() as client:
        started = time.perf_counter()
        client.observe(["hostname", "ipc", "processes"])
        return (time.perf_counter() - started) * 1000


def main() -> None:
    """Make a queue, wait for its tick, begin the step again, so many times."""
    latencies, looks, before = [], [], queues()
    with own_instance("ws-latency") as environment:
        begin_at_step(Path(environment["WORKSHOP_PROGRESS"]))
        with opened(WORKSHOP, environment) as screen:
            screen.wait("/ #", 30)
            for _ in range(ROUNDS):
                screen.send(b"\t" if "[Terminal 2]" in screen.text() else b"o")
                screen.wait("^] lesson")
                screen.send(b"clear; ipcmk -Q")
                watcher = Watcher()
                watcher.start()
                screen.send(b"\r")
                ticked = screen.wait("Passed:", 30)
                watcher.join()
                latencies.append((ticked - watcher.seen) * 1000)
                looks.append(bare_look())
                screen.send(LEAVE_TERMINAL)
                screen.wait("n next")
                screen.send(b"b")
                screen.wait("10/")
                screen.send(b"n")
                screen.wait(lambda text: "11/" in text and "watches the kernel" in text)
    for queue in queues() - before:
        subprocess.run(["ipcrm", "-q", queue], check=True)
    print(json.dumps(result(latencies, looks)))


def result(latencies: list[float], looks: list[float]) -> dict[str, object]:
    """Median and 95th percentile, and how many bare looks a verdict takes."""
    middle = statistics.median(latencies)
    return {
        "benchmark": "verdict_latency",
        "rounds": len(latencies),
        "median_ms": round(middle, 1),
        "p95_ms": round(statistics.quantiles(latencies, n=20)[-1], 1),
        "bare_look_median_ms": round(statistics.median(looks), 1),
        "in_bare_looks": round(middle / statistics.median(looks), 2),
    }


if __name__ == "__main__":
    main()
