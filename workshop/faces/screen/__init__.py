"""The workshop's screens: the lesson map, a step with its shell and its live picture, and help."""

import os

# Textual reads it when it is imported. With the kitty protocol the outer terminal would send keys in a form that no shell
# knows, and the terminal pane hands bytes on as they come.
os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")

from .app import run

__all__ = ["run"]
