"""What the workshop measured itself, and what there is to measure with, as numbers that a check can judge and a figure draw."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """One thing measured again and again: `unit` is seconds or bytes, `values` stand in the order of measuring, at least one."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value in the middle; of an even number of them, midway between the two."""
        ordered, half = sorted(self.values), len(self.values) // 2
        return (ordered[half] + ordered[-half - 1]) / 2


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run of an experiment came to; `time` is when it ended, in epoch seconds."""

    experiment: str
    time: float
    series: tuple[Series, ...]

    def of(self, name: str) -> Series | None:
        """The series of this name, None if it was not measured."""
        return next((one for one in self.series if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Virtual:
    """What the learner could boot a virtual machine with: the emulator's program and a kernel's file; '' for what is not here."""

    program: str = ""
    kernel: str = ""
