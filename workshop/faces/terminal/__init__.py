"""A shell in a widget: its pseudo-terminal, the emulator, and keys as bytes."""
