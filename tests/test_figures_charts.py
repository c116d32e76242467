"""Charts of what was measured: results in, lines out."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from workshop.facts import Measured, Series
from workshop.pictures.charts import Scale, charts, charts_of, duration

STARTS = Measured(
    "start_times", 1.0,
    (Series("process", "seconds", (0.0011, 0.0013, 0.0023)), Series("container", "seconds", (0.071, 0.08, 0.11))),
)  # fmt: skip
DENSITY = Measured("density", 2.0, (Series("container", "bytes", (400 << 10, 640 << 10)),))
MACHINE = Measured("vm_start", 3.0, (Series("vm_tcg", "seconds", (2.2, 2.3)), Series("vm_memory_tcg", "bytes", (208 << 20,))))


def lines(results: tuple[Measured, ...], width: int = 60, language: str = "en") -> list[str]:
    return [line.plain for line in charts(results, language, width)]


def test_starts_stand_on_a_scale_of_tens_with_least_median_and_most() -> None:
    """Who takes a hundred times as long stands two powers further right, and the words beside say how long it was."""
    title, ticks, process, told, container, *_ = lines((STARTS,))
    assert "scale of tens" in title and ticks.split() == ["1ms", "10ms", "100ms", "1s"]
    assert told.strip() == "least 1.1 ms, median 1.3 ms, most 2.3 ms"
    assert process.startswith("plain process") and container.startswith("container")
    assert process.index("#") < ticks.index("10ms") < container.index("[")


def test_a_span_has_its_ends_and_its_middle() -> None:
    """Least, median and most are three different characters; where they fall together the median is seen."""
    scale = Scale(-3, 0, 31)
    assert scale.span(Series("x", "seconds", (0.001, 0.01, 1.0))) == "[---------#-------------------]"
    assert scale.span(Series("x", "seconds", (0.01,))) == f"{' ' * 10}#"


def test_memory_is_a_bar_and_how_many_fit_into_a_gibibyte() -> None:
    """The longer bar is the larger amount, in proportion."""
    shown = lines((MACHINE, DENSITY))
    machine, container = (row for row in shown if row.endswith(("208.0 MiB", "520.0 KiB")))
    assert machine.count("#") > 30 and container.count("#") == 1
    assert [row.strip() for row in shown if "GiB" in row] == ["1 GiB holds 4 of them", "1 GiB holds 2016 of them"]


def test_an_experiments_own_chart_sets_what_was_measured_before_beside_it() -> None:
    """A virtual machine's boot stands with the starts that were measured before; a density has no durations."""
    results = (STARTS, DENSITY, MACHINE)
    beside = "\n".join(line.plain for line in charts_of("vm_start", results, "en", 60))
    assert "plain process" in beside and "emulated machine" in beside and "Memory" in beside
    assert "ms" not in "\n".join(line.plain for line in charts_of("density", results, "en", 60))
    assert charts_of("density", (), "en", 60) == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [34, 46, 76, 150])
def test_no_chart_is_wider_than_its_room(language: str, width: int) -> None:
    """Labels of wide characters count as two cells each, and every bar begins at the same column."""
    shown = lines((STARTS, DENSITY, MACHINE), width, language)
    assert max(map(cell_len, shown)) <= width
    assert len({cell_len(row[: row.index("#")]) for row in shown if row.endswith("iB") and "#" in row}) == 1


def test_durations_are_for_people() -> None:
    """Three digits, in the unit that fits."""
    assert [duration(one) for one in (0.00012, 0.00126, 0.0795, 0.99999, 2.345)] == [
        "120 us",
        "1.26 ms",
        "79.5 ms",
        "1 s",
        "2.35 s",
    ]
