"""Python's search for garbage, put off while the workshop is loading: what is loaded then stays to the end."""

from __future__ import annotations

import gc


def begin() -> None:
    """Search for none: it would take a tenth of the start, and find none."""
    gc.disable()


def settle() -> None:
    """Search again, but only among what is newer, so that a search never holds a verdict up."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
