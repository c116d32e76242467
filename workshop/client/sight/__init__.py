"""Looking with one's own rights: the learner's folders, engines and registry, laid beside what the helper sees."""

from .hypervisor import find
from .observer import PROGRAMS, Observer
from .registry import address

__all__ = [
    "PROGRAMS",
    "Observer",
    "address",
    "find",
]
