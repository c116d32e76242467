"""What authors run: lint, record, and solve."""

from .lint import lint, render
from .record import record
from .solving import command as solve

__all__ = [
    "lint",
    "record",
    "render",
    "solve",
]
