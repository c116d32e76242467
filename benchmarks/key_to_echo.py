"""From a key to its echo on the screen: in our pane, in tmux, and in a bare pseudo-terminal, measured in one run.

Each runs `cat` on an outer terminal of 100 x 30 and gets a key in turn, so that a busy moment of the machine hits all
alike; keys come 35 ms apart, which is faster than people type. Prints one JSON line: medians and 95th percentiles in
milliseconds, and the ratio of our median to each peer's.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.screen import Screen  # noqa: E402 -- found by the line above

ROUNDS = 200
KEY_SECONDS = 0.035
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PROGRAM = ["sh", "-c", "echo begin; exec cat"]
PROGRAMS = {
    "pane": [sys.executable, str(ROOT / "tests" / "terminal_app.py"), *PROGRAM],
    "tmux": ["tmux", "-L", "key-to-echo", "-f", "/dev/null", "new-session", *PROGRAM],
    "bare": PROGRAM,
}


def echo_seconds(screen: Screen, letter: str) -> float:
    """Seconds from sending a letter until the screen shows one more of it."""
    expected = screen.text().count(letter) + 1
    began = time.perf_counter()
    screen.send(letter.encode())
    return screen.wait(lambda text: text.count(letter) >= expected) - began


def measured(screens: dict[str, Screen]) -> dict[str, list[float]]:
    """Milliseconds for each screen and round, the first rounds left out."""
    times: dict[str, list[float]] = {name: [] for name in screens}
    for number in range(ROUNDS + 20):
        for name, screen in screens.items():
            times[name].append(1000 * echo_seconds(screen, LETTERS[number % len(LETTERS)]))
        time.sleep(KEY_SECONDS)
        if number % 60 == 59:
            for screen in screens.values():
                screen.send(b"\r")
    return {name: values[20:] for name, values in times.items()}


def main() -> None:
    """Measure and print."""
    programs = {name: argv for name, argv in PROGRAMS.items() if shutil.which(argv[0])}
    with ExitStack() as stack:
        screens = {name: stack.enter_context(Screen(argv, 100, 30)) for name, argv in programs.items()}
        for screen in screens.values():
            screen.wait("begin")
        times = measured(screens)
        if "tmux" in screens:
            screens["tmux"].send(b"\r\x04")
            screens["tmux"].wait_for_end()
    result: dict[str, object] = {"benchmark": "key_to_echo", "rounds": ROUNDS}
    for name, values in times.items():
        result[f"{name}_median_ms"] = round(statistics.median(values), 2)
        result[f"{name}_p95_ms"] = round(statistics.quantiles(values, n=20)[-1], 2)
    for peer in times.keys() - {"pane"}:
        result[f"pane_to_{peer}"] = round(statistics.median(times["pane"]) / statistics.median(times[peer]), 1)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
