"""Looking with one's own rights: the learner's folders, engines and registry, laid beside what the helper sees."""

from . import hypervisor, registry
from .observer import PROGRAMS, Observer

__all__ = [
    "PROGRAMS",
    "Observer",
    "hypervisor",
    "registry",
]
