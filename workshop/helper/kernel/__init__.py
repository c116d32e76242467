"""The kernel's own calls, thin: system calls, control groups, identities, root file systems, and what a child may not.

Also what everything else of the helper stands on: `troubles` (what goes wrong is told, and contained), `descriptors` (the
last ones are kept for what ends something), `files` (written whole or not at all), `memory_files` (answers that are too long
for a packet). It knows of no sandbox and no caller.

In order: `syscalls`; `troubles`, `descriptors`, `files`, `memory_files`; `cgroups`, `processors` (how much a sandbox may
have); `identities`, `rootfs`, `confine`, `seccomp`, `capabilities` (what it is, sees and may); `netlink` (the few requests
that make a network).
"""
