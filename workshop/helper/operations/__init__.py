"""The closed table of what can be asked for: each request is looked up, held to its bounds, and answered.

In order: `sandboxes` (the table, and what is asked of sandboxes and of the machine), `running` (of those that run), `images`,
`baking` (what waits for `busybox`), `networks`; `answers` (how what came of it becomes a packet).
"""
