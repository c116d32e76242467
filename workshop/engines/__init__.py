"""One file an engine: what is seen of it, what it is given, and how it is cleaned up after; `choose` says which one lessons type.

A new engine is its file here with a place in `ENGINES`, and the mark by which the watcher recognises its containers
(`helper/watcher/engines.py`).
"""

from . import box, docker, lxc
from .choice import Choice, EngineError, choose
from .leftovers import Engine, Leftover, Removal

ENGINES: tuple[Engine, ...] = (box, docker, lxc)
"""Those that a lesson leaves something of, in the order in which that is removed."""

__all__ = ["ENGINES", "Choice", "EngineError", "Leftover", "Removal", "box", "choose", "docker", "lxc"]
