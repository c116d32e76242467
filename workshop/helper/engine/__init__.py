"""Sandboxes, what they are made of and how they reach each other: whose they are, how they begin, how they end.

What this part promises
- a sandbox is its owner's; so are its image, its layers and its network, but for the image `busybox`, which is everybody's;
- names, not the ledger, drive clean-up: what a crash leaves bears the helper's name, and the next start removes it;
- no layer is written to once it has its digest; one that was refused, or broken off, is removed; it is on the disk before it
  has its name, and a list of images before it replaces another; a damaged list is its owner's trouble alone;
- what layers take of the disk is counted before it is taken, and is bounded for each owner;
- an archive is read and written by a confined child alone, that of `busybox` as well, and no program is run but by one;
- the host's interfaces, routes and firewall never change: a network stands in a network namespace of its own, and with the
  helper's end, however it comes, the kernel takes every network apart, since only the helper's sockets hold them.

In order: `loop` (the one thread), `shares` (whose turn); `sandboxes` (how they begin and end), `sandbox`, `names`, `bounds`;
`ledger`, `ended`, `reconcile` (crashes); `steps` (a start, as the list of its operations), `operation`, `start` (how they are
gone through), `launch` (the helper's part), `children`, `channel`; `stepping` and `look` (half-made ones), `streams`, `logs`;
`image_store` (names and owners), `configuration` (what an image says of itself), `layers` (directories by digest),
`transfers` (the children that unpack, pack and bake, and what they may);
`networks` (whose they are, who is in them).
"""
