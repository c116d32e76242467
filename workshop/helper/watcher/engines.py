"""What started a container, told from its cgroup paths and the process above its PID 1: a pure function of both.

The kernel has no word for a container, but every engine leaves its mark where it puts one: see `_MARKS`. Where a path says
nothing (no cgroup of its own), the process that waits for PID 1 does: `runc`, `conmon`, `unshare`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...facts import Process

_END = r"(?:\.scope|\.service)?(?=/|$)"
_HEX = r"([0-9a-f]{64})"
_MARKS = (
    ("docker", re.compile(rf"/docker[-/]{_HEX}{_END}")),
    ("podman", re.compile(rf"/libpod-{_HEX}{_END}")),
    ("lxc", re.compile(r"/(?:lxc/|lxc\.payload[./])([^/]+)")),
    ("nspawn", re.compile(r"/systemd-nspawn@([^/]+)\.service(?=/|$)")),
    ("nspawn", re.compile(r"/machine\.slice/machine-([^/]+)\.scope(?=/|$)")),
    ("runc", re.compile(r"/runc-([^/]+)\.scope(?=/|$)")),
    ("unknown", re.compile(rf"/(?:crio-|cri-containerd-)?{_HEX}{_END}")),
)
_UNIT_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
_HEX_ID = re.compile(_HEX)


@dataclass(frozen=True, slots=True)
class Identity:
    """An engine's name and what it calls the container, '' where that can't be told."""

    engine: str
    id: str = ""

    @property
    def short(self) -> str:
        """The id as people see it: the first twelve digits of a long one, else the whole."""
        return self.id[:12] if _HEX_ID.fullmatch(self.id) else self.id


@dataclass(frozen=True, slots=True)
class Clues:
    """What is seen of a container from the host.

    `paths` are its PID 1's cgroups and `around` those of the process above it, `parent`; `own` are the observer's. `taken`
    holds ids of the containers around this one, whose mark all that runs in them bears too. `runc` lists what runc has a
    state directory of.
    """

    paths: Sequence[str] = ()
    around: Sequence[str] = ()
    own: Sequence[str] = ()
    parent: Process | None = None
    taken: frozenset[str] = frozenset()
    runc: frozenset[str] = frozenset()
    instance: str = "workshop"


def marks(paths: Sequence[str], taken: frozenset[str] = frozenset()) -> list[Identity]:
    """Every engine's mark in these paths, the innermost first; at the same place the more particular one first."""
    found = [
        (match.end(1), -rank, Identity(engine, _unit_name(match[1])))
        for path in dict.fromkeys(paths)
        for rank, (engine, pattern) in enumerate(_MARKS)
        for match in pattern.finditer(path)
    ]
    found.sort(key=lambda one: one[:2], reverse=True)
    return [identity for _, _, identity in found if identity.id not in taken]


def _unit_name(text: str) -> str:
    """Undo systemd's escapes in the name of a unit, as in `machine-my\\x2dbox.scope`."""
    return _UNIT_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def box_id(paths: Sequence[str], own: Sequence[str], instance: str) -> str:
    """The id of the box that these cgroups are part of, '' for none.

    The helper makes `/INSTANCE/<id>` at the root or below its own cgroup, and nothing else counts: a directory of that
    name that a user made further down is not a box.
    """
    tops = {f"{path.rstrip('/')}/{instance}/" for path in ("", *own)}
    for path in dict.fromkeys(paths):
        for top in tops:
            if path.startswith(top):
                name = path[len(top) :].partition("/")[0]
                if _HEX_ID.fullmatch(name):
                    return name
    return ""


def identify(clues: Clues) -> Identity:
    """What started a container. `unshare` stands for a bare system call: no cgroup of its own, no engine above it."""
    box = box_id(clues.paths, clues.own, clues.instance)
    if box and box not in clues.taken:
        return Identity("box", box)
    found = marks(clues.paths, clues.taken)
    if found:
        mark = found[0]
        return mark if mark.engine != "unknown" else Identity(_engine_above(clues.parent), mark.id)
    return _without_mark(clues)


def _without_mark(clues: Clues) -> Identity:
    leaves = {path.rpartition("/")[2] for path in clues.paths} - {path.rpartition("/")[2] for path in clues.around}
    known = sorted(leaves & clues.runc - clues.taken)
    if known:
        return Identity("runc", known[0])
    engine = _engine_above(clues.parent)
    if engine == "runc":
        return Identity("runc", _runc_argument(clues.parent))
    if engine == "unknown" and sorted(clues.paths) == sorted(clues.around):
        return Identity("unshare")
    return Identity(engine)


def _engine_above(nearest: Process | None) -> str:
    """The engine by the process above PID 1; `conmon`, say, waits for podman's containers."""
    if nearest is None:
        return "unknown"
    if nearest.name.startswith("containerd-shim"):
        return "docker" if "moby" in nearest.arguments else "unknown"
    if nearest.name.startswith("runc"):
        return "runc"
    above = {"conmon": "podman", "lxc-start": "lxc", "lxc-execute": "lxc", "systemd-nspawn": "nspawn", "unshare": "unshare"}
    return above.get(nearest.name, "unknown")


def _runc_argument(nearest: Process | None) -> str:
    """The container's id, which is the last word of `runc run ...` and `runc create ...`."""
    words = nearest.arguments if nearest else ()
    return words[-1] if len(words) > 2 and {"run", "create", "restore"} & set(words) else ""
