"""What sandboxes are made of: images, which are names for stacks of layers, and how layers come and go.

What this part promises
- an image and its layers are their owner's alone; `busybox`, made of the machine's own programs, is everybody's;
- no layer is written to once it has its digest; one that was refused, or broken off, is removed;
- the helper itself reads and writes no archive. A child does, confined as a sandbox is: nobody's identity, the layer's
  directory as its root, a control group, three capabilities, the same seccomp filter. It believes nothing before it compared
  the digest, and refuses devices, names that lead upwards, paths through links, and more than anybody needs of anything.

In order: `store` (names and owners), `layers` (directories by digest), `operations` (what can be asked for), `transfers`
(the child and what it may), `unpacking` and `packing` (what the child does), `baking` (how `busybox` is made).
"""
