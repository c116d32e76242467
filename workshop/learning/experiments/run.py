"""One run of an experiment: begun, watched while it works, stopped at any moment, and its result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ...facts import Measured, Series
from .density import CONTAINERS, density
from .programs import Point, Points, Surroundings
from .start_times import BOOTS, STARTS, start_times, vm_start


@dataclass(frozen=True)
class Experiment:
    """How it is done, and how many points there will be with this engine, so that progress can be told."""

    points: Callable[[Surroundings], Points]
    count: Callable[[str], int]


EXPERIMENTS = {
    "density": Experiment(density, lambda _: CONTAINERS),
    "start_times": Experiment(start_times, lambda engine: STARTS * (3 if engine == "box" else 2)),
    "vm_start": Experiment(vm_start, lambda _: 2 * BOOTS),
}
"""What a measure step may name as its experiment; a new one needs a label for each of its series in texts/*/experiments.toml."""


class ExperimentRun:
    """Used by one thread that works (`go_on` or `complete`), while others may watch and `stop`."""

    def __init__(self, name: str, where: Surroundings) -> None:
        """Nothing is started before `go_on`."""
        self.name = name
        self.expected = EXPERIMENTS[name].count(where.engine)
        self._points = EXPERIMENTS[name].points(where)
        self._found: list[Point] = []
        self._stopped = threading.Event()

    @property
    def done(self) -> int:
        """How many of the expected points are there."""
        return len(self._found)

    def stop(self) -> None:
        """Let it end at the next moment where it can; what it started ends with it."""
        self._stopped.set()

    def complete(self) -> Measured | None:
        """Work to the end; None where it was stopped before. Raises ExperimentError and HelperError, with all cleaned up."""
        while self.go_on():
            pass
        return None if self._stopped.is_set() else self.measured()

    def go_on(self) -> bool:
        """Work until something was measured, or for a moment; False once it has ended or was stopped."""
        if self._stopped.is_set():
            self._points.close()
            return False
        try:
            point = next(self._points)
        except StopIteration:
            return False
        if point is not None:
            self._found.append(point)
        return True

    def measured(self) -> Measured:
        """What was measured so far."""
        found = list(self._found)
        kinds = dict.fromkeys((one.series, one.unit) for one in found)
        series = (Series(name, unit, tuple(one.value for one in found if one.series == name)) for name, unit in kinds)
        return Measured(self.name, time.time(), tuple(series))
