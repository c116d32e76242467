"""The system calls that a sandbox is refused, as data, and the BPF program made of them (seccomp(2), bpf(4)).

Docker's filter is a list of what is allowed; this is the list of what that one leaves out and the kernel would
otherwise still offer to root in a user namespace: what reaches the mount table, namespaces, the kernel itself, or
another container's keys. Everything newer than NEWEST is answered ENOSYS until somebody has thought about it.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping
from functools import cache

DENIED: dict[str, tuple[int, int]] = {
    # name: (x86_64, aarch64); -1 where the machine has no such call
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "unshare": (272, 97), "setns": (308, 268),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "kcmp": (312, 272),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "create_module": (174, -1), "query_module": (178, -1), "get_kernel_syms": (177, -1),
    "open_by_handle_at": (304, 265), "fanotify_init": (300, 262), "lookup_dcookie": (212, 18),
    "acct": (163, 89), "swapon": (167, 224), "swapoff": (168, 225), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    "iopl": (172, -1), "ioperm": (173, -1), "uselib": (134, -1), "ustat": (136, -1), "sysfs": (139, -1), "_sysctl": (156, -1),
    "nfsservctl": (180, 42), "syslog": (103, 116), "vhangup": (153, 58),
    "mbind": (237, 235), "set_mempolicy": (238, 237), "get_mempolicy": (239, 236), "migrate_pages": (256, 238),
    "move_pages": (279, 239),
}  # fmt: skip
WATCHER_DENIED: dict[str, tuple[int, int]] = {
    **{name: numbers for name, numbers in DENIED.items() if name != "setns"},
    "execve": (59, 221), "execveat": (322, 281), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438), "chroot": (161, 51), "sethostname": (170, 161),
    "setdomainname": (171, 162), "mknod": (133, -1), "mknodat": (259, 33),
}  # fmt: skip
"""What the watcher is refused: it enters namespaces, and does nothing else that its capabilities would let it do."""
CLONE, CLONE3, IOCTL, SOCKET = (56, 220), (435, 435), (16, 29), (41, 198)
NEWEST = 462
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NAMESPACE_FLAGS = 0x7E020000
"""Every CLONE_NEW* that clone(2) takes: it would make the user namespace in which all the other calls come back."""
TERMINAL_REQUESTS = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX put characters into a terminal's input, as if its user had typed them."""
FAMILIES = (38, 40)
"""AF_ALG and AF_VSOCK: the kernel's cryptography, and a channel to the hypervisor past the network namespace."""

_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
_LOAD, _RETURN, _EQUAL, _GREATER, _AND = 0x20, 0x06, 0x15, 0x25, 0x54
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction of classic BPF."""
    return struct.pack("HBBI", code, if_true, if_false, value)


def _refuse(number: int, error: int) -> list[bytes]:
    """Answer this call with this errno."""
    return [_instruction(_EQUAL, number, 0, 1), _instruction(_RETURN, _ERRNO | error)]


def _refuse_argument(number: int, argument: int, tests: list[bytes]) -> list[bytes]:
    """Answer this call EPERM where a test of the low half of an argument says so; each test skips one if it is not so."""
    body = [_instruction(_LOAD, _ARGUMENTS + 8 * argument)]
    for test in tests:
        body += [test, _instruction(_RETURN, _ERRNO | errno.EPERM)]
    body += [_instruction(_RETURN, _ALLOW)]
    return [_instruction(_EQUAL, number, 0, len(body)), *body]


@cache
def program(machine: str = "") -> bytes:
    """A sandbox's filter for this machine (both architectures' numbers are data above); raises KeyError for another one."""
    return _refusing(DENIED, machine)


@cache
def watching(machine: str = "") -> bytes:
    """The watcher's filter, likewise."""
    return _refusing(WATCHER_DENIED, machine)


def _refusing(denied: Mapping[str, tuple[int, int]], machine: str) -> bytes:
    """The filter that refuses these calls by name, and whatever gives back what they are refused for."""
    machine = machine or os.uname().machine
    column = list(ARCHITECTURES).index(machine)
    lines = [_instruction(_LOAD, _ARCHITECTURE), _instruction(_EQUAL, ARCHITECTURES[machine], 1, 0)]
    lines += [_instruction(_RETURN, _KILL), _instruction(_LOAD, _NUMBER)]
    # Also every x32 call, which has bit 30 set and would otherwise pass under other numbers.
    lines += [_instruction(_GREATER, NEWEST, 0, 1), _instruction(_RETURN, _ERRNO | errno.ENOSYS)]
    # clone3 has its flags in memory, which BPF can't read; with ENOSYS libc falls back to clone.
    lines += _refuse(CLONE3[column], errno.ENOSYS)
    for numbers in denied.values():
        if numbers[column] >= 0:
            lines += _refuse(numbers[column], errno.EPERM)
    lines += _refuse_clone(CLONE[column])
    lines += _refuse_argument(IOCTL[column], 1, [_instruction(_EQUAL, one, 0, 1) for one in TERMINAL_REQUESTS])
    lines += _refuse_argument(SOCKET[column], 0, [_instruction(_EQUAL, one, 0, 1) for one in FAMILIES])
    return b"".join([*lines, _instruction(_RETURN, _ALLOW)])


def _refuse_clone(number: int) -> list[bytes]:
    """Answer clone(2) EPERM where its flags ask for any namespace."""
    body = [
        _instruction(_LOAD, _ARGUMENTS),
        _instruction(_AND, NAMESPACE_FLAGS),
        _instruction(_EQUAL, 0, 1, 0),
        _instruction(_RETURN, _ERRNO | errno.EPERM),
        _instruction(_RETURN, _ALLOW),
    ]
    return [_instruction(_EQUAL, number, 0, len(body)), *body]
