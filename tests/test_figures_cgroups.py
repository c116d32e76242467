"""Figures of control groups: the tree with limits and use, and the chart that moves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.text import Text

from tests.screens import container, facts
from workshop.facts import Cgroups, Container, Cpu, Facts, Membership, Memory, Pids
from workshop.pictures.cgroups import cgroup_tree, cpu_chart
from workshop.pictures.history import MOST_MOMENTS, History, Moment, recorded

ID = "4f6c1d8e9a2b" + "0" * 52
CPU = "/sys/fs/cgroup/cpu"


def lines(drawn: list[Text]) -> list[str]:
    return [line.plain for line in drawn]


def grouped(name: str = "lab", cpu: Cpu | None = None) -> Container:
    """A container in a group of version 1."""
    place = Membership(1, ("cpu", "cpuacct"), f"/box/{ID}", f"{CPU}/box/{ID}")
    cgroups = Cgroups((place,), cpu or Cpu(20_000, periods=12, throttled=3), Memory(64 << 20, 3 << 20), Pids(None, 2))
    return replace(container(name), cgroups=cgroups)


def looked(*usages: tuple[float, int, int]) -> History:
    """A history of (seconds, microseconds used, periods throttled), with a quota of 0.2."""
    past = History()
    for seconds, usage, throttled in usages:
        past = recorded(past, seconds, facts(grouped(cpu=Cpu(20_000, usage_us=usage, throttled=throttled))))
    return past


def test_the_tree_shows_each_group_with_limits_and_use_below_it() -> None:
    """From the mount point down to the container's directory, its id cut as engines do, then sentences with units."""
    assert lines(cgroup_tree(facts(grouped()), "en", 80))[1:] == [
        CPU,
        "`-box",
        "  `-4f6c1d8e9a2b [lab]",
        "      CPU: 20000 of every 100000 microseconds (0.2 processors)",
        "      CPU: held back in 3 of 12 periods",
        "      Memory: 3.0 MiB used, limit 64.0 MiB",
        "      Processes: 2, limit none",
    ]


def test_a_group_made_by_hand_stands_beside() -> None:
    """Groups without a container are in the tree as well, a few of them."""
    seen = facts(grouped())
    seen = replace(seen, host=replace(seen.host, groups=(f"{CPU}/mine", *(f"{CPU}/z{number}" for number in range(50)))))
    shown = lines(cgroup_tree(seen, "en", 80))
    assert "|-mine" in shown and len(shown) < 20


def test_limits_are_told_where_no_directory_is_known() -> None:
    """A container whose place in the tree can't be seen still shows what it may use."""
    shown = lines(cgroup_tree(facts(container()), "en", 80))
    assert shown[1] == "quiet_hopper" and "  Memory: 3.0 MiB used, limit 64.0 MiB" in shown
    assert cgroup_tree(facts(replace(container(), cgroups=Cgroups())), "en", 80) == []


def test_the_chart_shows_use_of_each_interval_and_marks_where_it_was_held_back() -> None:
    """Height is processors used, = stands where the kernel made it wait, and the newest interval is told in words."""
    shown = lines(cpu_chart(looked((0, 0, 0), (1, 100_000, 0), (2, 300_000, 10), (3, 500_000, 20)), "en", 30))
    assert shown[1].startswith("0.2 |") and shown[1].endswith("  ==")
    assert shown[4].endswith("#==")
    assert shown[5].startswith("  0 +")
    assert "Now 0.2 of a processor, held back by its quota." in " ".join(shown)


def test_the_chart_moves_and_is_bounded() -> None:
    """New looks come in from the right; no more than about a minute is kept, and no line grows."""
    many = looked(*((float(second), second * 50_000, 0) for second in range(200)))
    assert len(many.moments) == MOST_MOMENTS
    assert max(map(len, lines(cpu_chart(many, "en", 30)))) <= 30


def test_idleness_costs_nothing() -> None:
    """Where nothing ran there is no chart to draw anew, and the history does not grow."""
    idle = looked(*((float(second), 7000, 0) for second in range(30)))
    assert len(idle.moments) == 1
    assert cpu_chart(idle, "en", 60) == []


def test_looks_in_quick_succession_count_as_one() -> None:
    """A program that writes makes the workshop look many times a second: the chart's intervals stay readable."""
    quick = looked(*((number / 20, number * 1000, 0) for number in range(41)))
    assert 4 <= len(quick.moments) <= 6


def test_another_container_begins_anew() -> None:
    """The counters of one container are never subtracted from another's; without one there is no history."""
    past = looked((0, 0, 0), (1, 100_000, 0))
    other = grouped(cpu=Cpu(usage_us=5))
    other = replace(other, init=replace(other.init, pid=9999))
    assert recorded(past, 2, facts(other)).moments == (Moment(2, Cpu(usage_us=5)),)
    assert recorded(past, 2, Facts()) == History()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [36, 53, 78, 158])
def test_no_line_is_wider_than_its_room(language: str, width: int) -> None:
    """In both languages, on every width."""
    seen = facts(grouped("网页服务器容器的名字很长很长很长"))
    drawn = [*cgroup_tree(seen, language, width), *cpu_chart(looked((0, 0, 0), (1, 200_000, 4)), language, width)]
    assert max(cell_len(line.plain) for line in drawn) <= width
