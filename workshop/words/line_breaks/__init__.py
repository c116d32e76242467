"""Where a line of text may end, in English and in Chinese: one rule for screens, figures and plain mode. Pure.

Textual and Rich break lines at spaces only. Chinese has none: there a line may end between any two characters, but does
not begin with what closes, nor end with what opens (GB/T 15834-2011, 5.1). Latin words stay whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from rich.cells import cell_len

CLOSING = frozenset("。，、；：！？．·…～％）》〉」』】〕］｝”’")
"""What no line begins with."""
CLOSING_WORD = frozenset(",.;:!?%)]}")
"""The same where no space stands before it: in `echo .` it begins a word."""
OPENING = frozenset("（《〈「『【〔［｛“‘([{")
"""What no line ends with."""


def breaks(text: str, width: int, fold: bool = True) -> list[int]:
    """Where to cut one line of text so that each piece, but for its trailing spaces, fits into `width` cells.

    It takes and gives what Rich's `divide_line` does: a word wider than all that is cut only if `fold`.
    """
    found: list[int] = []
    start = last = 0
    for end in _opportunities(text):
        if _cells(text[start:end]) > width and last > start:
            found.append(last)
            start = last
        while fold and _cells(text[start:end]) > width and end - start > 1:
            start += _fitting(text[start:end], width)
            found.append(start)
        last = end
    return found


def lines(text: str, width: int) -> list[str]:
    """One line of text as the lines that it becomes in so many cells, without trailing spaces."""
    places = [0, *breaks(text, width), len(text)]
    return [text[start:end].rstrip() for start, end in itertools.pairwise(places)]


def prose(markdown: str, width: int) -> str:
    """Markdown with each of its lines wrapped, but for those inside ``` fences."""
    wrapped: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        fenced ^= line.startswith("```")
        wrapped += [line] if fenced else lines(line, width)
    return "\n".join(wrapped)


def joined(first: str, second: str) -> str:
    """One text behind the other, with a space between unless a full-width stop has its own."""
    return f"{first}{'' if first and cell_len(first[-1]) == 2 else ' '}{second}".strip()


def _opportunities(text: str) -> Iterator[int]:
    """Every place where a line may end, and the end of the text."""
    yield from (place for place in range(1, len(text)) if _may_break(text[place - 1], text[place]))
    yield len(text)


def _may_break(before: str, after: str) -> bool:
    if after.isspace() or after in CLOSING:
        return False
    if before.isspace():
        return True
    cells = cell_len(before), cell_len(after)  # a character without width belongs to its neighbours
    return 2 in cells and 0 not in cells and after not in CLOSING_WORD and before not in OPENING


def _cells(text: str) -> int:
    return cell_len(text.rstrip())


def _fitting(text: str, width: int) -> int:
    """How many characters of the text fit, at least one, and none that closes is left to begin the next line."""
    count = 1
    while count < len(text) and cell_len(text[: count + 1]) <= width:
        count += 1
    while count > 1 and text[count : count + 1] in CLOSING:
        count -= 1
    return count
