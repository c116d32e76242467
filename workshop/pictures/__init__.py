"""Facts to lines: the live picture of a step, and one function for each figure that a text can ask for."""

from .charts import charts_of
from .comparison import comparison
from .drawing import timeline
from .history import History, own_first, recorded
from .layers import bootfs, layer_stack
from .live import picture

__all__ = [
    "History",
    "bootfs",
    "charts_of",
    "comparison",
    "layer_stack",
    "own_first",
    "picture",
    "recorded",
    "timeline",
]
