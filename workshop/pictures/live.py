"""The live picture: every figure that the latest facts can fill, one under the other. Pure."""

from __future__ import annotations

from collections.abc import Collection

from rich.text import Text

from ..facts import Facts
from ..words import say
from .architecture import architecture
from .cgroups import cgroup_tree, cpu_chart
from .charts import charts
from .drawing import isolation, processes, wrapped
from .history import History, own_first
from .layers import bootfs, layer_stack

PARTS = frozenset({"architecture", "cpu", "groups", "layers", "namespaces", "processes"})
"""Names of what a picture is made of, and of what a step can keep covered."""
NOTHING = frozenset[str]()


def picture(
    facts: Facts | None,
    language: str,
    width: int,
    history: History = History(),  # noqa: B008  # frozen
    covered: Collection[str] = NOTHING,
) -> list[Text]:
    """Lines of at most `width` cells; `history` holds the looks before this one, for what moves.

    Of the parts in `covered` it says only that they are there: they would answer what is to be found out.
    """
    if facts is None:
        return wrapped(say(language, "figures.nothing_seen"), width)
    facts = own_first(facts)
    processes_first = {"namespaces": isolation(facts, language, width), "processes": processes(facts, language, width)}
    groups = {"cpu": cpu_chart(history, language, width), "groups": cgroup_tree(facts, language, width)}
    # What the step is about comes first: a small screen shows no more than that.
    parts = {**groups, **processes_first} if "cgroups" in facts.subjects else {**processes_first, **groups}
    about = {"architecture": architecture(facts, language, width), "layers": _of_files(facts, language, width)}
    shown = [_cover(name, language, width) if name in covered and lines else lines for name, lines in {**about, **parts}.items()]
    return _stacked([charts(facts.measured, language, width), *shown])


def _cover(name: str, language: str, width: int) -> list[Text]:
    return wrapped(say(language, "figures.covered", part=say(language, f"figures.part_{name}")), width)


def _of_files(facts: Facts, language: str, width: int) -> list[Text]:
    """The stack of layers, or the roots, where a step is about these."""
    if "written" in facts.subjects:
        return layer_stack(facts, language, width)
    return bootfs(facts, language, width) if {"roots", "mounts"} <= set(facts.subjects) else []


def _stacked(parts: list[list[Text]]) -> list[Text]:
    lines: list[Text] = []
    for part in filter(None, parts):
        lines += [Text(), *part] if lines else part
    return lines
