"""The `box` command: an unprivileged client of the helper's, shaped like `docker`, and light to start."""
