"""What a learner looks at: `faces.screen`, with a shell of `faces.terminal` in it, or `faces.plain`, lines of text."""

from . import startup_gc

__all__ = [
    "startup_gc",
]
