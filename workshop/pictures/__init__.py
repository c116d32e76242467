"""Facts to lines: the live picture of a step, and one function for each figure that a text can ask for."""

from .charts import charts_of
from .figures import FIGURES, TEXT_CELLS, drawn
from .history import History, recorded
from .live import PARTS, picture

__all__ = [
    "FIGURES",
    "PARTS",
    "TEXT_CELLS",
    "History",
    "charts_of",
    "drawn",
    "picture",
    "recorded",
]
