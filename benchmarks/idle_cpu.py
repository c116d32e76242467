"""What the workshop costs while nobody does anything: `workshop start` in a step against an empty Textual app, side by side.

Prints one JSON line: seconds of processor time over the idle seconds, of the app with its children, and of the helper.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import psutil
from workshop_screens import EMPTY, WORKSHOP, is_full, opened, own_instance

IDLE_SECONDS = 10
SETTLE_SECONDS = 8


def processor_seconds(pid: int) -> float:
    """Time on a processor so far, of a process and of what it started (proc_pid_schedstat: nanoseconds, thread by thread)."""
    family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    threads = [thread for member in family for thread in Path(f"/proc/{member}/task").iterdir()]
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def helper_pid() -> int:
    """The process of this instance's helper."""
    from workshop.client.connection import Client  # noqa: PLC0415 -- reads the instance's name when it is used
    from workshop.protocol import Hello  # noqa: PLC0415 -- the same

    with Client.connect() as client:
        return int(client.ask(Hello()).value.pid)


def main() -> None:
    """Open both, let them settle, and compare their clocks before and after."""
    with own_instance("ws-idle") as environment, opened(WORKSHOP, environment) as ours, opened(EMPTY, environment) as empty:
        ours.wait(is_full, 30)
        empty.wait(is_full, 30)
        ours.send(b"\r")  # from the map into the first step, where a shell runs and the kernel is looked at
        ours.wait("1/")
        time.sleep(SETTLE_SECONDS)
        watched = {"workshop": ours.pid, "helper": helper_pid(), "empty": empty.pid}
        before = {name: processor_seconds(pid) for name, pid in watched.items()}
        time.sleep(IDLE_SECONDS)
        used = {name: round(processor_seconds(pid) - before[name], 3) for name, pid in watched.items()}
    result: dict[str, object] = {"benchmark": "idle_cpu", "seconds": IDLE_SECONDS}
    result |= {f"{name}_cpu_s": value for name, value in used.items()}
    percent = 100 * (used["workshop"] + used["helper"] - used["empty"]) / IDLE_SECONDS
    print(json.dumps(result | {"more_than_empty_percent_of_a_processor": round(percent, 2)}))


if __name__ == "__main__":
    main()
