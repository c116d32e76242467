"""How sandboxes reach each other: bridges, each an island in a network namespace of its own.

What this part promises
- a sandbox is on its owner's network or on none, and one owner's networks are not there for another;
- the host's interfaces, routes and firewall never change: nothing is made in the host's network namespace;
- with the helper's end, however it comes, the kernel takes every network apart, since only the helper's sockets hold them.

In order: `bridges` (whose they are and who is in them), `netlink` (the few requests that make them), `operations` (what can be
asked for).
"""
