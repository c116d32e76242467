"""What authors run: `lint`, `record` and `solving`, a module a command, each loaded alone."""

__all__ = ["lint", "record", "solving"]  # as just said
