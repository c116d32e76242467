"""What sandboxes are made of: images, which are names for stacks of layers, and how layers come and go.

What this part promises
- an image and its layers are their owner's alone; `busybox`, made of the machine's own programs, is everybody's;
- no layer is written to once it has its digest; one that was refused, or broken off, is removed;
- a layer is on the disk before it has its name, and a list of images before it replaces another; a damaged list is its owner's
  trouble alone;
- what layers take of the disk, archives, blocks and files, is counted before it is taken, and is bounded for each owner;
- the helper itself reads and writes no archive. A child does, confined as a sandbox is: nobody's identity, the layer's
  directory as its root, a control group, three capabilities, the same seccomp filter. It believes nothing before it compared
  the digest, and refuses devices, names that lead upwards, paths through links, and more than anybody needs of anything.

In order: `store` (names and owners), `configuration` (what an image says of itself), `layers` (directories by digest), `quota`
(how much an owner may have), `disk` (how all of it comes and goes), `operations` (what can be asked for), `transfers` (the child
and what it may), `unpacking` and `packing` (what the child does), `baking` (how `busybox` is made).
"""
