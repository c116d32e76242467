"""Who a sandbox's root is outside: a range of identities of nobody's, and layers whose files look as if they were its own."""

from __future__ import annotations

import os

from . import syscalls

IDENTITIES = 65536


def unshare_as(base: int, flags: int) -> None:
    """unshare(2), with a user namespace that is nobody's: made by the root that it will have, where that is another than ours.

    What a sandbox takes of tables that the kernel counts per user (inotify instances and watches, pending signals, bytes of
    queues, namespaces) it counts for whoever made the user namespace too, up to that user's limit (namespaces(7), ucounts of
    kernel/ucount.c): made by the helper, a sandbox could take all that the host's root has. Of the two identities the
    effective one counts; capabilities outlive its change (SECBIT_NO_SETUID_FIXUP, capabilities(7)), so that it works where
    ordinary users may make no user namespace. The new namespace begins with the usual bits again.
    """
    if base:
        syscalls.prctl(syscalls.PR_SET_SECUREBITS, syscalls.SECBIT_NO_SETUID_FIXUP)
        os.seteuid(base)
    syscalls.unshare(flags)


def map_identities(pid: int, base: int) -> None:
    """Write the child's identity maps.

    Safe: a range of root's begins at 2**31, where no host account is, and never holds host uid 0; an ordinary user can map
    no identity but the user's own, which the kernel holds to (user_namespaces(7)).
    """
    if base:
        maps = {"uid_map": f"0 {base} {IDENTITIES}", "gid_map": f"0 {base} {IDENTITIES}"}
    else:
        maps = {"setgroups": "deny", "uid_map": f"0 {os.geteuid()} 1", "gid_map": f"0 {os.getegid()} 1"}
    for file, text in maps.items():
        with open(f"/proc/{pid}/{file}", "w") as opened:
            opened.write(text)


def mapped_copy(directory: str, pid: int) -> int:
    """A copy of a layer's mount in which root's files are those of the root of that process's user namespace.

    Safe: the copy is mounted nowhere, and the layer holds nothing but what the helper, or its confined child, put there.
    """
    namespace = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    try:
        copy = syscalls.clone_mount(directory)
        try:
            syscalls.set_mount_attributes(copy, syscalls.MOUNT_ATTR_IDMAP, namespace)
        except OSError:
            os.close(copy)
            raise
        return copy
    finally:
        os.close(namespace)


def take_identity(base: int) -> None:
    """Become root of the user namespace: an identity that outside of it is nobody's (or, without root, the user).

    Not dumpable, so that the sandbox's root can't trace it; the user, whose own process it is without root, may look at it.
    """
    if base:
        os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    if base:
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
