"""One file an engine: what is seen of it, what it is given, and how it is cleaned up after; `choose` says which one lessons type.

A new engine is its file here, and the mark by which the watcher recognises its containers (`helper/watcher/engines.py`).
"""

from . import box, docker, lxc
from .choice import Choice, EngineError, choose

__all__ = ["Choice", "EngineError", "box", "choose", "docker", "lxc"]
