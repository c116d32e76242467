"""Who calls, and how much: connections, the account behind each, and the process from its start to its end.

In order: `process` (start to end), `server` (who is let in), `callers` (whose account that is), `connections` (packets).
"""
