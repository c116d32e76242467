"""Experiments that the workshop runs itself, for steps of the kind measure, without any privilege.

`run` has their table, and is loaded by whoever runs one.

Each is a generator: it yields a Point for everything measured, and None wherever it waits, so that it can be stopped there.
What it started ends with it, also when it is stopped in the middle; nothing that it starts outlives the workshop by more
than a few seconds, even if that is killed.
"""

from .programs import ExperimentError, Point, Points, Surroundings

__all__ = ["ExperimentError", "Point", "Points", "Surroundings", "run"]  # as just said
