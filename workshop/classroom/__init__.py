"""What instructors run: many learners' exports, judged again from their evidence. It takes no verdict on trust."""

from .files import command

__all__ = [
    "command",
]
