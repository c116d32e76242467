"""Control groups -> figures, as lines of text: the tree with limits and use, and the processor time of the last minute. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from rich.text import Text

from ..facts import Cgroups, Container, Cpu, Facts, Membership
from ..words import clean, say, size
from .drawing import called, cut, heading, wrapped
from .history import History, Moment

ROWS = 4
MOST_OTHERS = 6
"""Groups without a container that are shown: those that a learner made by hand are among the first."""
HASH_CELLS = 12
BUSY = 0.005
"""Of a processor: whoever used less than this in an interval did nothing worth a mark."""


# The tree


def cgroup_tree(facts: Facts, language: str, width: int) -> list[Text]:
    """The groups of the containers whose cgroups were looked at, below each its limits and use (cgroups(7)); else nothing."""
    shown = [one for one in facts.containers if any(_measures(one.cgroups, language))]
    if not shown:
        return []
    title = heading(say(language, "figures.limits"), width)
    placed = {place.directory: one for one in shown if (place := _place(one)) and place.directory}
    lines = [
        line for root in dict.fromkeys(map(_root, placed.values())) for line in _branches(root, placed, facts, language, width)
    ]
    for one in shown:
        if one not in placed.values():
            lines += [Text(called(one), "bold cyan"), *_rows(one, "  ", language, width)]
    return cut([title, *lines], width)


def _place(container: Container) -> Membership | None:
    """Where it is in the hierarchy that limits processors, else in any that it is in."""
    cgroups = container.cgroups
    return cgroups.of("cpu") or cgroups.of("memory") or next(iter(cgroups.memberships), None)


def _root(container: Container) -> str:
    """Where the hierarchy of its place is mounted."""
    place = _place(container)
    assert place is not None  # only such as have one are asked about  # noqa: S101
    return place.directory.removesuffix(place.path.rstrip("/")) or "/"


def _branches(root: str, placed: dict[str, Container], facts: Facts, language: str, width: int) -> Iterator[Text]:
    """One hierarchy: its mount point, and below it every group on the way to a container, with some others."""
    others = [one for one in facts.host.groups if one not in placed][:MOST_OTHERS]
    children: dict[PurePosixPath, set[PurePosixPath]] = {}
    for directory in map(PurePosixPath, [*placed, *others]):
        for group in (directory, *directory.parents):
            if group != PurePosixPath(root) and group.is_relative_to(root):
                children.setdefault(group.parent, set()).add(group)
    yield Text(root, "bold")
    for directory, branch, margin in _below(children, PurePosixPath(root), ""):
        container = placed.get(str(directory))
        name = f" [{called(container)}]" if container else ""
        yield Text.assemble((branch, "dim"), _short(directory.name), (name, "bold cyan"))
        if container:
            yield from _rows(container, margin, language, width)


def _below(
    children: dict[PurePosixPath, set[PurePosixPath]], parent: PurePosixPath, margin: str
) -> Iterator[tuple[PurePosixPath, str, str]]:
    """Each group below a parent, with the branch before its name and the margin of what stands under it."""
    level = sorted(children.get(parent, ()))
    for one in level:
        under = f"{margin}{'  ' if one is level[-1] else '| '}"
        yield one, f"{margin}{'`-' if one is level[-1] else '|-'}", f"{under}{'| ' if one in children else '  '}"
        yield from _below(children, one, under)


def _short(name: str) -> str:
    """A group's name; the 64 digits of a container's id as engines shorten them."""
    digits = next((part for part in name.replace(".", "-").split("-") if len(part) == 64), "")
    return clean(name.replace(digits, digits[:HASH_CELLS]) if digits else name)


def _rows(container: Container, margin: str, language: str, width: int) -> list[Text]:
    rows = [line for row in _measures(container.cgroups, language) for line in wrapped(row, width - len(margin))]
    return [Text.assemble((margin, "dim"), row) for row in rows]


def _measures(cgroups: Cgroups, language: str) -> Iterator[str]:
    """A sentence for each controller that was found."""
    if cpu := cgroups.cpu:
        if cpu.quota_us is None:
            yield say(language, "figures.cpu_free")
        else:
            yield say(language, "figures.cpu_quota", quota=cpu.quota_us, period=cpu.period_us, share=_number(_quota(cpu) or 0))
        yield say(language, "figures.cpu_throttled", throttled=cpu.throttled, periods=cpu.periods)
    if memory := cgroups.memory:
        limit = say(language, "figures.no_limit") if memory.limit is None else size(memory.limit)
        yield say(language, "figures.memory", usage=size(memory.usage), limit=limit)
    if pids := cgroups.pids:
        limit = say(language, "figures.no_limit") if pids.limit is None else str(pids.limit)
        yield say(language, "figures.pids", current=pids.current, limit=limit)


def _quota(cpu: Cpu) -> float | None:
    """How many processors a quota comes to; None for no limit."""
    return None if cpu.quota_us is None or not cpu.period_us else cpu.quota_us / cpu.period_us


def _number(processors: float) -> str:
    """Such as `0.2`, to two places."""
    return f"{processors:.2f}".rstrip("0").rstrip(".")


# The chart that moves


def cpu_chart(history: History, language: str, width: int) -> list[Text]:
    """Processor time of each interval between two looks, the newest on the right; `=` where the kernel made it wait.

    Nothing while there is nothing to compare, or nothing has run since the looks began.
    """
    if len(history.moments) < 2:
        return []
    shares = [(_share(was, now), now.cpu.throttled > was.cpu.throttled) for was, now in pairwise(history.moments)]
    top = _top(max([_quota(history.moments[-1].cpu) or 0, *(share for share, _ in shares)]))
    labels = len(_number(top)) + 2
    bars = shares[-max(1, width - labels - 1) :]
    lines = [heading(say(language, "figures.cpu_chart", container=clean(history.name)), width)]
    lines += [_level(level, top, bars, labels, width) for level in range(ROWS, 0, -1)]
    lines.append(Text(f"{'0'.rjust(labels - 2)} +{'-' * (width - labels)}", "dim"))
    return cut(
        [*lines, *wrapped(_told(*shares[-1], language), width), *wrapped(say(language, "figures.cpu_marks"), width)], width
    )


def _share(was: Moment, now: Moment) -> float:
    """Processors used on average between two looks."""
    return max(0, now.cpu.usage_us - was.cpu.usage_us) / 1e6 / max(1e-3, now.time - was.time)


def _top(most: float) -> float:
    """The end of the scale: the next of 0.1, 0.2, 0.5, 1, 2, 5 and so on."""
    steps = (factor * 10.0**power for power in range(-1, 4) for factor in (1, 2, 5))
    return next((step for step in steps if most <= step * 1.02), most)


def _level(level: int, top: float, bars: list[tuple[float, bool]], labels: int, width: int) -> Text:
    """One row of the chart: what reaches up to it, set to the right, and the scale at the top."""
    label = _number(top) if level == ROWS else ""
    line = Text(f"{label.rjust(labels - 2)} |{' ' * (width - labels - len(bars))}", "dim")
    for share, throttled in bars:
        height = max(1, round(share / top * ROWS)) if share > BUSY else 0
        mark, style = ("=", "bold yellow") if throttled else ("#", "green")
        line.append(mark if height >= level else " ", style)
    return line


def _told(share: float, throttled: bool, language: str) -> str:
    """The newest interval in words."""
    word = say(language, "figures.cpu_held_back" if throttled else "figures.cpu_not_held_back")
    return say(language, "figures.cpu_now", share=_number(share), held=word)
