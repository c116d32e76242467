"""One file an engine: how it is chosen, what lessons type of it, what it is given, and how it is cleaned up after."""

from . import lxc
from .choice import DEFAULT_SOCKET, Choice, EngineError, choose, give_image

__all__ = [
    "DEFAULT_SOCKET",
    "Choice",
    "EngineError",
    "choose",
    "give_image",
    "lxc",
]
