"""From the command to the first full frame: `workshop start` against an empty Textual app, in turn, in one run.

Prints one JSON line: medians in milliseconds and their ratio. The helper runs already, as it does on an installed machine.
"""

from __future__ import annotations

import json
import statistics
import time

from workshop_screens import EMPTY, WORKSHOP, is_full, opened, own_instance

ROUNDS = 9


def first_frame_seconds(argv: list[str], environment: dict[str, str]) -> float:
    """Seconds from starting the program until its screen is full."""
    began = time.perf_counter()
    with opened(argv, environment) as screen:
        took = screen.wait(is_full, 30) - began
        screen.send(b"q")
        return took


def main() -> None:
    """Measure and print; the first round only warms up."""
    times: dict[str, list[float]] = {"workshop": [], "empty": []}
    with own_instance("ws-first-frame") as environment:
        for _ in range(ROUNDS + 1):
            times["workshop"].append(1000 * first_frame_seconds(WORKSHOP, environment))
            times["empty"].append(1000 * first_frame_seconds(EMPTY, environment))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    result = {"benchmark": "first_frame", "rounds": ROUNDS}
    result |= {f"{name}_median_ms": round(value) for name, value in medians.items()}
    print(json.dumps(result | {"workshop_to_empty": round(medians["workshop"] / medians["empty"], 2)}))


if __name__ == "__main__":
    main()
