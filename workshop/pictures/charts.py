"""What experiments measured -> charts, as lines of text. Pure, and drawn with ASCII only, as all figures are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ..facts import Measured, Series
from ..words import say, size
from .drawing import wrapped

GIBIBYTE = 1 << 30
INDENT = "  "


def charts(results: Sequence[Measured], language: str, width: int, units: Iterable[str] = ("seconds", "bytes")) -> list[Text]:
    """A chart for each of these units in which something was measured, no line wider than `width` cells."""
    series = [one for result in results for one in result.series if one.values]
    drawn = [_chart(unit, found, language, width) for unit in units if (found := [one for one in series if one.unit == unit])]
    return [line for number, part in enumerate(drawn) for line in ([Text(), *part] if number else part)]


def charts_of(experiment: str, results: Sequence[Measured], language: str, width: int) -> list[Text]:
    """The charts that this experiment has something in, with all that was measured in the same units beside it."""
    own = [one for result in results if result.experiment == experiment for one in result.series]
    return charts(results, language, width, tuple(dict.fromkeys(one.unit for one in own)))


def _chart(unit: str, series: list[Series], language: str, width: int) -> list[Text]:
    draw = _durations if unit == "seconds" else _sizes
    title = wrapped(say(language, f"experiments.{unit}"), width)
    return [*(Text(line.plain, "bold") for line in title), *draw(series, language, width)]


def _named(series: Series, language: str, cells: int) -> str:
    return set_cell_size(say(language, f"experiments.series_{series.name}"), cells)


def _label_cells(series: list[Series], language: str) -> int:
    return max(cell_len(say(language, f"experiments.series_{one.name}")) for one in series) + 1


# Durations: on a logarithmic scale, as they differ by powers of ten


def _durations(series: list[Series], language: str, width: int) -> list[Text]:
    """A scale, then for each series its least, its median and its most on that scale, and the same in words."""
    labels = _label_cells(series, language)
    least, most = min(min(one.values) for one in series), max(max(one.values) for one in series)
    scale = Scale(math.floor(math.log10(least)), math.ceil(math.log10(most)), max(10, width - labels))
    lines = [Text(f"{' ' * labels}{scale.ticks()}", "dim")]
    for one in series:
        lines.append(Text.assemble(_named(one, language, labels), (scale.span(one), "bold green")))
        lines += [Text(f"{INDENT}{line.plain}") for line in wrapped(_summary(one, language), width - len(INDENT))]
    return [*lines, Text(say(language, "experiments.legend"), "dim")]


def _summary(series: Series, language: str) -> str:
    values = {"least": min(series.values), "median": series.median, "most": max(series.values)}
    told = {name: duration(value) for name, value in values.items()}
    return say(language, "experiments.summary", **told)


class Scale:
    """A logarithmic scale from one power of ten to another, so many cells wide."""

    def __init__(self, first: int, last: int, cells: int) -> None:
        """Both powers are shown; there are at least two."""
        self.first, self.last, self.cells = first, max(last, first + 1), cells

    def place(self, value: float) -> int:
        """The cell of a value."""
        share = (math.log10(value) - self.first) / (self.last - self.first)
        return min(self.cells - 1, max(0, round(share * (self.cells - 1))))

    def ticks(self) -> str:
        """Each power of ten at its place, as far as there is room; the last ends where the scale ends."""
        line = ""
        for power in range(self.first, self.last + 1):
            name = duration(10.0**power).replace(" ", "")
            start = min(self.place(10.0**power), self.cells - len(name))
            if start >= len(line):
                line = f"{line.ljust(start)}{name} "
        return line.rstrip()

    def span(self, series: Series) -> str:
        """`[--#---]`: least, median and most; what falls into the same cell shows the median."""
        least, median, most = (self.place(value) for value in (min(series.values), series.median, max(series.values)))
        cells = [" "] * least + ["-"] * (most - least + 1)
        cells[least], cells[most], cells[median] = "[", "]", "#"
        return "".join(cells)


def duration(seconds: float) -> str:
    """Seconds for people, to three digits, such as `1.26 ms` or `2.3 s`."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s"


# Sizes: as bars, whose lengths can be compared


def _sizes(series: list[Series], language: str, width: int) -> list[Text]:
    """A bar for the median of each series, and how many of them a gibibyte holds."""
    labels = _label_cells(series, language)
    largest, amounts = max(one.median for one in series), [size(round(one.median)) for one in series]
    room = max(5, width - labels - max(map(len, amounts)) - 1)
    return [line for one in series for line in _bar(one, language, labels, math.ceil(room * one.median / largest))]


def _bar(series: Series, language: str, labels: int, cells: int) -> Iterator[Text]:
    bar = "#" * max(1, cells)
    yield Text.assemble(_named(series, language, labels), (bar, "bold green"), f" {size(round(series.median))}")
    fitting = say(language, "experiments.fits", count=int(GIBIBYTE // max(1.0, series.median)))
    yield Text(f"{INDENT}{fitting}", "dim")
