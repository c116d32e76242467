"""The live picture: every figure that the latest facts can fill, one under the other. Pure."""

from __future__ import annotations

from rich.text import Text

from ..facts import Facts
from ..words import say
from .architecture import architecture
from .cgroups import cgroup_tree, cpu_chart
from .charts import charts
from .drawing import isolation, processes, wrapped
from .history import History, own_first
from .layers import bootfs, layer_stack


def picture(facts: Facts | None, language: str, width: int, history: History = History()) -> list[Text]:  # noqa: B008  # frozen
    """Lines of at most `width` cells; `history` holds the looks before this one, for what moves."""
    if facts is None:
        return wrapped(say(language, "figures.nothing_seen"), width)
    facts = own_first(facts)
    parts = [isolation(facts, language, width), processes(facts, language, width)]
    groups = [cpu_chart(history, language, width), cgroup_tree(facts, language, width)]
    # What the step is about comes first: a small screen shows no more than that.
    parts = [*groups, *parts] if "cgroups" in facts.subjects else [*parts, *groups]
    about = [architecture(facts, language, width), charts(facts.measured, language, width), _of_files(facts, language, width)]
    return _stacked([*about, *parts])


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
