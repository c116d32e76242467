"""Facts -> pictures, as lines of text. Pure: the screens, plain mode and the instructor draw the same ones.

A line is rich Text, whose `.plain` reads as well without colour. Only ASCII draws, so that columns stay straight
where a terminal shows ambiguous characters two cells wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ..facts import KINDS, Container, Facts, Process
from ..words import clean, say
from ..words.line_breaks import lines as lines_of

KIND_CELLS = max(map(len, KINDS))
INODE_CELLS = 10
PID_CELLS = 7
GAP = 2
ARROW = " -> "
STYLES = {"same": "yellow", "different": "bold green", "unknown": "dim"}
SIGNS = {"same": "=", "different": "!=", "unknown": "?"}


def wrapped(text: str, width: int) -> list[Text]:
    """A sentence as lines of at most `width` cells."""
    return [Text(line) for line in lines_of(text, width)]


# Which namespaces are shared


def isolation(facts: Facts, language: str, width: int) -> list[Text]:
    """The eight namespaces of the host and of each container, by inode, and whether they are the same (namespaces(7)).

    It has no heading of its own: just nine rows, so that a screen of 24 can hold it beside a terminal.
    """
    marks = _marks(language, width)
    cells = INODE_CELLS + 1 + max(map(cell_len, marks.values()))
    fitting = max(1, (width - KIND_CELLS - GAP - INODE_CELLS) // (GAP + cells))
    shown = facts.containers[:fitting]
    cells = _widened(cells, shown, width - KIND_CELLS - GAP - INODE_CELLS)
    marks = {answer: _fixed(mark, cells - INODE_CELLS - 1) for answer, mark in marks.items()}
    head = _row(
        [_fixed("", KIND_CELLS), _fixed(say(language, "figures.host"), INODE_CELLS), *(_named(one, cells) for one in shown)]
    )
    lines = [head]
    purposes = {kind: say(language, f"figures.purpose_{kind}") for kind in KINDS}
    fits = cell_len(head.plain) + GAP + max(map(cell_len, purposes.values())) <= width
    lines += [_namespace_line(facts, shown, kind, marks, purposes[kind] if fits else "") for kind in KINDS]
    return cut([*lines, *_beyond(facts, len(shown), language, width)], width)


def _widened(cells: int, shown: tuple[Container, ...], room: int) -> int:
    """A container's column, made as wide as the longest name if there is room for it."""
    wanted = max((cell_len(called(one)) for one in shown), default=0)
    return max(cells, min(wanted, room // len(shown) - GAP)) if shown else cells


def _namespace_line(facts: Facts, shown: tuple[Container, ...], kind: str, marks: dict[str, str], purpose: str) -> Text:
    on_host = getattr(facts.host.namespaces, kind)
    parts = [Text(_fixed(kind, KIND_CELLS), "bold"), Text(_inode(on_host))]
    for container in shown:
        inside = getattr(container.namespaces, kind)
        answer = _comparison(on_host, inside)
        parts.append(Text.assemble(_inode(inside), " ", (marks[answer], STYLES[answer])))
    return Text("  ").join([*parts, Text(purpose, "dim")])


def _comparison(on_host: int, inside: int) -> str:
    """Whether a namespace of a container is the host's: a key of STYLES."""
    if 0 in (on_host, inside):
        return "unknown"
    return "same" if on_host == inside else "different"


def _marks(language: str, width: int) -> dict[str, str]:
    """The words for same, different and unknown, or signs where the words would be cut."""
    spoken = {answer: say(language, f"figures.{answer}") for answer in STYLES}
    needed = KIND_CELLS + 2 * (GAP + INODE_CELLS) + 1 + max(map(cell_len, spoken.values()))
    return spoken if needed <= width else SIGNS


def _inode(inode: int) -> str:
    return _fixed(str(inode) if inode else "?", INODE_CELLS)


def _named(container: Container, cells: int) -> str:
    return _fixed(called(container), cells)


def called(container: Container) -> str:
    """A container's name, else its id as engines shorten it."""
    return clean(container.name) or clean(container.id)[:12]


def _beyond(facts: Facts, shown: int, language: str, width: int) -> list[Text]:
    """What the table can't hold: no container at all, or more than fit."""
    if not facts.containers:
        return wrapped(say(language, "figures.no_container"), width)
    more = len(facts.containers) - shown
    return wrapped(say(language, "figures.more_containers", count=more), width) if more else []


# Which processes there are, with both numbers


def processes(facts: Facts, language: str, width: int) -> list[Text]:
    """The tree of processes from the host down into each container, with the pid on both sides (pid_namespaces(7)).

    Of the host's processes those with one child only are drawn in its row, so that the containers' own have the room.
    """
    if not facts.containers:
        return []
    titles = (say(language, "figures.pid_on_host"), say(language, "figures.pid_inside"))
    columns = tuple(max(PID_CELLS, cell_len(title)) for title in titles)
    lines = [heading(say(language, "figures.processes"), width)]
    lines.append(_row([_fixed(title, cells) for title, cells in zip(titles, columns, strict=True)]))
    inside = {one.pid: container for container in facts.containers for one in _of(container)}
    room = width - sum(columns) - GAP * len(columns)
    for chain, branch in _tree([*facts.host.processes, *(one for part in facts.containers for one in _of(part))], set(inside)):
        lines.append(_process_line(chain, branch, inside.get(chain[-1].pid), columns, room))
    return cut(lines, width)


def _of(container: Container) -> tuple[Process, ...]:
    return container.processes or (container.init,)


def _process_line(chain: list[Process], branch: str, container: Container | None, columns: tuple[int, ...], room: int) -> Text:
    """A row: the last of the chain with both its numbers, behind the names of those above it."""
    process = chain[-1]
    first = container is not None and process.pid == container.init.pid
    label = f" [{called(container)}]" if first and container else ""
    inner = str(process.inner) if container else "-"
    name = _chained([clean(one.name) for one in chain], room - cell_len(branch))
    return Text.assemble(
        _fixed(str(process.pid), columns[0]), "  ", (_fixed(inner, columns[1]), "bold green" if container else "dim"), "  ",
        (branch, "dim"), (name, "bold" if container else ""), (label, "bold cyan"),
    )  # fmt: skip


def _chained(names: list[str], room: int) -> str:
    """Names from parent to child; where they don't fit, those between the first and the last are left out."""
    whole = ARROW.join(names)
    if cell_len(whole) <= room or len(names) < 2:
        return whole
    ends = ARROW.join([names[0], "...", names[-1]])
    return ends if cell_len(ends) <= room and len(names) > 2 else f"...{ARROW}{names[-1]}"


def _tree(found: Iterable[Process], inside: set[int]) -> Iterator[tuple[list[Process], str]]:
    """Each process below its parent, with the branch to draw before its name; each once, whatever the parents say.

    A process that is not `inside` a container comes in one chain with its only child, if that is outside as well.
    """
    by_pid = {one.pid: one for one in found}
    children: dict[int, list[Process]] = {}
    for one in by_pid.values():
        children.setdefault(one.parent if one.parent in by_pid and one.parent != one.pid else 0, []).append(one)
    yield from _below(children, inside, 0, "", top=True)


def _below(
    children: dict[int, list[Process]], inside: set[int], pid: int, margin: str, top: bool = False
) -> Iterator[tuple[list[Process], str]]:
    level = sorted(children.pop(pid, []), key=lambda one: one.pid)
    for one in level:
        chain = [one]
        while len(only := children.get(chain[-1].pid, [])) == 1 and not inside & {chain[-1].pid, only[0].pid}:
            chain += children.pop(chain[-1].pid)
        last = one is level[-1]
        yield chain, "" if top else f"{margin}{'`-' if last else '|-'}"
        yield from _below(children, inside, chain[-1].pid, "" if top else f"{margin}{'  ' if last else '| '}")


# What came before Docker

TIMELINE = (
    (1979, "chroot", ("files",)),
    (2000, "FreeBSD jails", ("files", "processes", "network")),
    (2005, "Solaris Zones", ("files", "processes", "network", "limits")),
    (2008, "LXC", ("files", "processes", "network", "limits")),
    (2013, "Docker", ("files", "processes", "network", "limits", "images")),
    (2014, "libcontainer", ("files", "processes", "network", "limits")),
    (2015, "runc", ("files", "processes", "network", "limits")),
    (2017, "containerd", ("files", "processes", "network", "limits", "images")),
)
"""Year of the first release that people used, name, and what it keeps apart, limits or packs, itself or by what it calls."""
ASPECTS = ("files", "processes", "network", "limits", "images")


def timeline(language: str, width: int) -> list[Text]:
    """From chroot to containerd: a row for each, a column for each thing that it can do; where narrow, words for columns."""
    heads = [say(language, f"figures.timeline_{one}") for one in ASPECTS]
    names = max(cell_len(name) for _, name, _ in TIMELINE)
    lines = [Text(" ".join([_fixed("", 4), _fixed("", names), *heads]), "bold")]
    if cell_len(lines[0].plain) > width:
        return _listed(language, width)
    for year, name, able in TIMELINE:
        words = [say(language, "figures.timeline_yes") if one in able else "-" for one in ASPECTS]
        marks = [_fixed(word, cell_len(head)) for word, head in zip(words, heads, strict=True)]
        lines.append(Text(" ".join([str(year), _fixed(name, names), *marks])))
    return cut(lines, width)


def _listed(language: str, width: int) -> list[Text]:
    """The same for a narrow pane: a line for each, and below it what it can do."""
    lines = []
    for year, name, able in TIMELINE:
        lines.append(Text(f"{year} {name}", "bold"))
        told = " ".join(say(language, f"figures.timeline_{one}") for one in able)
        lines += [Text(f"  {line.plain}") for line in wrapped(told, width - 2)]
    return cut(lines, width)


# Lines and cells


def heading(text: str, width: int) -> Text:
    """A figure's title, underlined by a rule to its full width."""
    return Text(_fixed(f"{text} {'-' * width}", width), "bold")


def _row(cells: list[str]) -> Text:
    return Text("  ".join(cells), "bold")


def _fixed(text: str, cells: int) -> str:
    """Just this many cells wide, whatever characters are in it."""
    return set_cell_size(text, cells)


def cut(lines: list[Text], width: int) -> list[Text]:
    """The lines without spaces at their ends, none wider than `width` cells."""
    for line in lines:
        line.rstrip()
        line.truncate(width)
    return lines
