"""The last things a process does before it becomes the sandbox's program: terminal, restrictions, exec.

Runs inside the sandbox's namespaces. Nothing here gives anything; each step takes away.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import socket
import struct
import termios
from collections.abc import Collection, Mapping, Sequence
from typing import NoReturn

from . import seccomp, syscalls

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
"""Docker's fourteen: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw,
sys_chroot, mknod, audit_write, setfcap. Held in the sandbox's user namespace: none of them counts outside of it."""
DESCRIPTORS = 1024
"""The usual soft limit."""
QUEUE_BYTES = 800 << 10
"""Of POSIX queues: the kernel's own default (MQ_BYTES_MAX)."""
SIGNALS = 4096
"""That wait to be delivered: as many as the most processes that a sandbox may have."""
HIGHEST_CAPABILITY = syscalls.highest_capability()
HANDLED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)
"""Those that Python, the helper or who started it may ignore or handle; ignored ones would survive exec (signal(7))."""
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK, _IFF_UP = 0x8913, 0x8914, 0x8916, 0x891C, 1
_TIOCSPTLCK, _TIOCGPTPEER = 0x40045431, 0x5441


def environment(instance: str, hostname: str, variables: Sequence[str]) -> dict[str, str]:
    """Six names, none of them from the helper's environment, and the `KEY=VALUE` that were asked for; the mark stays ours."""
    given = dict(one.split("=", 1) for one in variables)
    return {
        "PATH": PATH,
        "HOME": "/root",
        "HOSTNAME": hostname,
        "TERM": "xterm",
        "LANG": "C.UTF-8",
        **given,
        "container": mark(instance),
    }


def mark(instance: str) -> str:
    """By this value of `container` an ordinary user's helper knows its own sandboxes again after a crash."""
    return f"box-{instance}"


def raise_interface(name: str) -> None:
    """Set an interface up in the new network namespace (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16sH22x", name.encode(), 0))
        (flags,) = struct.unpack_from("H", request, 16)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags | _IFF_UP))


def take_address(interface: str, address: str, prefix: int) -> None:
    """Give an interface of the new network namespace its IPv4 address (netdevice(7))."""
    mask = socket.inet_ntoa(struct.pack(">I", (1 << 32) - (1 << (32 - prefix))))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, mask)):
            packed = struct.pack("=16sHH4s16x", interface.encode(), socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(any_socket, request, packed)


def open_terminal(pts: str, rows: int, columns: int) -> tuple[int, int]:
    """A new pseudo-terminal of this devpts: its master and its slave.

    The slave comes from the master (TIOCGPTPEER), never from a path that a hostile workload could have prepared.
    """
    master = os.open(f"{pts}/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW)
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
    slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return master, slave


def take_streams(streams: Sequence[int], terminal: bool) -> None:
    """Make these the standard streams, and the terminal the controlling one."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number, inheritable=True)
    if terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def allow_descriptors() -> None:
    """Let the helper open as many descriptors as it may: it holds one for each connection and each program."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def prepare() -> None:
    """Compute before any fork what every child will need, and bound what each inherits of queues and signals.

    By inheritance, and so before a user namespace is made: what its maker may have is the most that all in it have together.
    """
    seccomp.program()
    for kind, most in ((resource.RLIMIT_MSGQUEUE, QUEUE_BYTES), (resource.RLIMIT_SIGPENDING, SIGNALS)):
        _, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))


def restrict(capabilities: Sequence[int]) -> None:
    """For a child that keeps the helper's own code: all that follows here, in this order. After this there is no way back."""
    forget_the_helper()
    keep_capabilities(capabilities)
    forbid_new_privileges()
    filter_calls()


def forget_the_helper() -> None:
    """The usual limit on descriptors, and default signals: what the helper changed for itself is not inherited."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard), hard))
    default_signals()


def default_signals() -> None:
    """None is handled, ignored or blocked, whatever the helper does with it."""
    for number in HANDLED:
        syscalls.default_signal(number)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def keep_capabilities(capabilities: Collection[int]) -> None:
    """Have these and no others, nor ever get any other (capabilities(7))."""
    for capability in range(HIGHEST_CAPABILITY + 1):
        if capability not in capabilities:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, capability)
    syscalls.prctl(syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_CLEAR_ALL)
    syscalls.set_capabilities(sum(1 << capability for capability in capabilities))


def forbid_new_privileges() -> None:
    """No program, setuid or not, gives anything back that was given up (PR_SET_NO_NEW_PRIVS)."""
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)


def filter_calls() -> None:
    """Refuse the system calls that a sandbox has no use for, which takes that no new privileges can be had (seccomp(2))."""
    syscalls.install_filter(seccomp.program())


def execute(command: list[str], environ: Mapping[str, str]) -> NoReturn:
    """Become the program, looked for in the sandbox's own PATH; raises OSError where it can't."""
    name = command[0]
    candidates = [name] if "/" in name else [f"{directory}/{name}" for directory in environ["PATH"].split(":")]
    failure = OSError(errno.ENOENT, "not found")
    for path in candidates:
        try:
            os.execve(path, command, environ)  # noqa: S606  # to become the sandbox's program is the point
        except OSError as error:  # like a shell: go on looking, but remember the one that may not be run
            if failure.errno == errno.ENOENT:
                failure = error
    raise failure
