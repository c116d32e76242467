"""The workshop's screens. Nothing imports this package but the command line; heavy parts are imported where used."""

import os

# Textual reads it when it is imported. With the kitty protocol the outer terminal would send keys in a form that no shell
# knows, and the terminal pane hands bytes on as they come.
os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
