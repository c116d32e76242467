"""A row of text with SGR sequences (ECMA-48), as the emulator gives it, into text with rich styles (pure)."""

from __future__ import annotations

import re
from functools import lru_cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

_SEQUENCE = re.compile(r"\x1b\[([0-9;:]*)m|\x1b\]8;[^\x1b\x07]*(?:\x1b\\|\x07)")

_ATTRIBUTES = {
    1: Style(bold=True),
    2: Style(dim=True),
    3: Style(italic=True),
    4: Style(underline=True),
    5: Style(blink=True),
    7: Style(reverse=True),
    8: Style(conceal=True),
    9: Style(strike=True),
    53: Style(overline=True),
}


@lru_cache(maxsize=2048)
def segments(row: str) -> tuple[Segment, ...]:
    """A row as the emulator gives it, as text with rich styles."""
    found, style, position = [], Style.null(), 0
    for match in _SEQUENCE.finditer(row):
        if match.start() > position:
            found.append(Segment(row[position : match.start()], style))
        position = match.end()
        if (parameters := match.group(1)) is not None:
            style = styled(style, parameters)
    if position < len(row):
        found.append(Segment(row[position:], style))
    return tuple(found)


@lru_cache(maxsize=2048)
def styled(style: Style, parameters: str) -> Style:
    """The style after one SGR sequence (ECMA-48) with these parameters, such as `1` or `38;5;208`."""
    codes = [int(code.partition(":")[0] or 0) for code in parameters.split(";")]
    if parameters.startswith("4:"):
        return style + Style(underline=parameters != "4:0")
    if codes[0] == 0:
        return Style.null()
    if codes[0] in (38, 48) and len(codes) > 2:
        colour = Color.from_rgb(*codes[2:5]) if codes[1] == 2 and len(codes) == 5 else Color.from_ansi(codes[2])
        return style + (Style(color=colour) if codes[0] == 38 else Style(bgcolor=colour))
    return style + _ATTRIBUTES.get(codes[0], Style.null())
