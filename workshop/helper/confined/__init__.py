"""What children do that hold an enemy's bytes, or run programs: they unpack, pack and bake layers, and can write to no more.

A child believes nothing before it compared the digest, and refuses devices, names that lead upwards, paths through links, and
more than anybody needs of anything. What it took of the disk is counted as what it became.

One that unpacks or packs has the layer's directory in reach and nothing else; one that bakes reads what every account can.

In order: `unpacking`, `packing`, `baking` (how `busybox` is made); `quota` (how much an owner may have), `disk` (what layers
take of it).
"""
