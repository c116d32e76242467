"""What children do that hold an enemy's bytes: they unpack and pack layers, with no more than a layer's directory in reach.

A child believes nothing before it compared the digest, and refuses devices, names that lead upwards, paths through links, and
more than anybody needs of anything. What it took of the disk is counted as what it became.

In order: `unpacking`, `packing`; `quota` (how much an owner may have), `disk` (what layers take of it).
"""
