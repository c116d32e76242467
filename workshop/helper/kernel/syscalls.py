"""The few system calls that Python lacks: each wrapper is thin, and raises OSError that names the call."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import struct
from collections.abc import Collection

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
_libc.signal.restype = ctypes.c_void_p
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
_holding_lock = ctypes.PyDLL(None, use_errno=True)
_holding_lock.syscall.restype = ctypes.c_long

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
NAMESPACES = (
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP
)  # fmt: skip

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2

MOUNT_ATTR_RDONLY = 1
MOUNT_ATTR_IDMAP = 0x00100000

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SECCOMP_MODE_FILTER = 2
SECBIT_NO_SETUID_FIXUP = 4
UNKNOWN_CODE = 255
"""The exit code of a program that somebody else reaped."""

# Calls from 424 on have one number on every architecture.
_SYS_OPEN_TREE = 428
_SYS_MOVE_MOUNT = 429
_SYS_CLONE3 = 435
_SYS_CLOSE_RANGE = 436
_SYS_MOUNT_SETATTR = 442
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CLONE_INTO_CGROUP = 0x200000000
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4
_LAST_DESCRIPTOR = 0xFFFFFFFF
_CAPABILITY_VERSION_3 = 0x20080522


def _checked(result: int, call: str) -> int:
    """The result of a call; raises OSError with the call's name where it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def _syscall(call: str, number: int, *arguments: object) -> int:
    """A call without a wrapper in libc; integers are widened to registers."""
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *wide), call)


def unshare(flags: int) -> None:
    """unshare(2): leave the parent's namespaces for new ones."""
    _checked(_libc.unshare(flags), "unshare")


def fork_into(cgroup: str) -> int:
    """clone3(2) as a fork whose child begins in this v2 group: moving it there later would wait for all processors.

    Only for a process of one thread: Python's and libc's work around a fork is not done.
    """
    directory = os.open(cgroup, os.O_PATH | os.O_CLOEXEC)
    try:
        wanted = struct.pack("11Q", _CLONE_INTO_CGROUP, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, directory)
        # PyDLL: the child must come back holding the interpreter's lock.
        result: int = _holding_lock.syscall(ctypes.c_long(_SYS_CLONE3), wanted, ctypes.c_long(len(wanted)))
        return _checked(result, "clone3")
    finally:
        os.close(directory)


def setns(pidfd: int, flags: int) -> None:
    """setns(2): join the namespaces of the process behind a pidfd."""
    _checked(_libc.setns(pidfd, flags), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), data.encode() or None
    )  # fmt: skip
    _checked(result, f"mount {kind or source} on {target}")


def detach_mount(target: str) -> None:
    """umount2(2) with MNT_DETACH."""
    _checked(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2)."""
    _syscall("pivot_root", _SYS_PIVOT_ROOT[os.uname().machine], new.encode(), old.encode())


def clone_mount(directory: str) -> int:
    """open_tree(2): a descriptor of a copy of this part of the file tree, mounted nowhere."""
    return _syscall("open_tree", _SYS_OPEN_TREE, -100, directory.encode(), _OPEN_TREE_CLONE | os.O_CLOEXEC)


def set_mount_attributes(descriptor: int, attributes: int, user_namespace: int = 0) -> None:
    """mount_setattr(2) on a descriptor that is a mount's."""
    wanted = struct.pack("QQQQ", attributes, 0, 0, user_namespace)
    _syscall("mount_setattr", _SYS_MOUNT_SETATTR, descriptor, b"", _AT_EMPTY_PATH, wanted, len(wanted))


def make_read_only(target: str) -> None:
    """mount_setattr(2) on a mount point: keeps every other attribute, as a locked mount demands."""
    wanted = struct.pack("QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0)
    _syscall("mount_setattr", _SYS_MOUNT_SETATTR, -100, target.encode(), _AT_RECURSIVE, wanted, len(wanted))


def move_mount(descriptor: int, target: str) -> None:
    """move_mount(2): put a mount that was mounted nowhere here."""
    _syscall("move_mount", _SYS_MOVE_MOUNT, descriptor, b"", -100, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH)


def sync_file_system(descriptor: int) -> None:
    """syncfs(2): all that was written to the file system of this file is on the disk when it returns."""
    _checked(_libc.syncfs(descriptor), "syncfs")


def close_all_but(kept: Collection[int]) -> None:
    """close_range(2) around the descriptors that are kept."""
    first = 0
    for descriptor in sorted(set(kept)):
        if descriptor > first:
            _syscall("close_range", _SYS_CLOSE_RANGE, first, descriptor - 1, 0)
        first = descriptor + 1
    _syscall("close_range", _SYS_CLOSE_RANGE, first, _LAST_DESCRIPTOR, 0)


def kill(pidfd: int, number: int = signal.SIGKILL) -> None:
    """pidfd_send_signal(2), unless the process has ended."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, number)


def reap(pidfd: int) -> int:
    """The exit code of an ended child of ours, 128+n by signal n; waits until it has ended (waitid(2)).

    UNKNOWN_CODE for one that is no child of ours any more, since whoever waits for its end must not wait for ever.
    """
    try:
        ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    except ChildProcessError:
        return UNKNOWN_CODE
    if ended is None:
        return 0
    return ended.si_status if ended.si_code == os.CLD_EXITED else 128 + ended.si_status


def has_ended(pidfd: int) -> bool:
    """True for a process that has ended, reaped or not: its pidfd can be read then (pidfd_open(2))."""
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    return bool(poller.poll(0))


def reap_strays(known: Collection[int]) -> None:
    """Reap ended children that nobody waits for: such as came to us when their parent was killed (PR_SET_CHILD_SUBREAPER).

    A PID namespace does not end before all in it are reaped, so that one stray would keep a sandbox for ever.
    """
    with contextlib.suppress(ChildProcessError):
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        while ended and ended.si_pid not in known:
            os.waitpid(ended.si_pid, 0)
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)


def prctl(option: int, argument: int = 0, second: int = 0) -> None:
    """prctl(2); the rest of its five arguments are 0."""
    _checked(_libc.prctl(option, argument, second, 0, 0), f"prctl {option}")


def install_filter(program: bytes) -> None:
    """PR_SET_SECCOMP with a BPF program (seccomp(2)); the caller may not gain privileges any more."""
    instructions = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    held = ctypes.create_string_buffer(fprog, len(fprog))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(held))


def default_signal(number: int) -> None:
    """signal(2) with SIG_DFL, without the tables that Python keeps of its own handlers."""
    _libc.signal(number, None)


def highest_capability() -> int:
    """The kernel's highest one, which may be newer than this program (capabilities(7))."""
    with open("/proc/sys/kernel/cap_last_cap") as file:
        return int(file.read())


def set_capabilities(mask: int) -> None:
    """capset(2): effective and permitted become this mask, inheritable becomes empty."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    _checked(_libc.capset(header, struct.pack("6I", low, low, 0, high, high, 0)), "capset")
