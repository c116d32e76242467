"""From start to end: arguments, directories, the lock, reconciling, listening, and the last clean-up."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator

from ...protocol import ProtocolError, instance_name, runtime_directory
from ..engine.ended import Ended
from ..engine.image_store import Images
from ..engine.ledger import Ledger
from ..engine.loop import Loop
from ..engine.networks import Networks
from ..engine.reconcile import reconcile
from ..engine.sandboxes import Home, Sandboxes
from ..kernel import confine, syscalls
from ..kernel.cgroups import Cgroups, hierarchies
from ..kernel.troubles import contained
from .server import Server

USAGE = "usage: helper run [--idle SECONDS] | helper reconcile"
LAST_SECONDS = 5.0
_FIRST_PASSED_DESCRIPTOR = 3


def main(arguments: list[str]) -> None:
    """Run as the arguments say; what can't be done ends the process with a sentence on standard error."""
    act: Callable[[float | None], None]
    match arguments:
        case ["run"]:
            act, idle = run, None
        case ["run", "--idle", seconds] if seconds.isdigit():
            act, idle = run, float(seconds)
        case ["reconcile"]:
            act, idle = only_reconcile, None
        case _:
            sys.exit(USAGE)
    try:
        open_standard_streams()
        act(idle)
    except ProtocolError as error:
        sys.exit(f"helper: {error.slug} {error.values}")
    except OSError as error:
        sys.exit(f"helper: {error}")


def open_standard_streams() -> None:
    """Give the three standard descriptors to /dev/null where they are closed, lest words for the log go into another file."""
    while (descriptor := os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)) < 3:
        pass
    os.close(descriptor)


def run(idle: float | None) -> None:
    """Serve until stopped or idle."""
    home = make_home()
    with lock(home.directory):
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
        confine.allow_descriptors()
        reconcile(home)
        listener, own_path = listen(home)
        sandboxes = Sandboxes(home)
        Server(sandboxes, listener, idle)
        stop_on_signals(home.loop)
        confine.prepare()
        gc.collect()
        gc.freeze()  # else the first collection in a child would copy every page that it shares with the helper
        tell_ready()
        try:
            home.loop.run()
        finally:
            with contextlib.suppress(OSError):
                os.unlink(own_path)
            end_all(sandboxes)
            home.cgroups.remove_parent()


def only_reconcile(_: float | None) -> None:
    """Remove what a crashed helper left, and print how much that was."""
    home = make_home()
    with lock(home.directory):
        print(f"removed {reconcile(home)}")


def make_home() -> Home:
    """This helper's directories, by instance and user: the system's for root, the user's own otherwise."""
    os.umask(0o022)
    os.chdir("/")
    instance, uid = instance_name(), os.geteuid()
    directory = runtime_directory(instance, uid)
    os.makedirs(directory, mode=0o755 if uid == 0 else 0o700, exist_ok=True)
    seen = os.lstat(directory)
    if seen.st_uid != uid or seen.st_mode & 0o022:
        raise OSError(f"{directory} is not only ours: remove it")
    cgroups = Cgroups(instance, hierarchies() if uid == 0 else [])
    state = state_directory(instance, uid)
    ledger, networks = Ledger(f"{directory}/ledger"), Networks(f"{directory}/networks")
    return Home(instance, directory, Loop(), cgroups, Images(f"{state}/store"), ledger, networks, Ended(f"{state}/ended"))


def state_directory(instance: str, uid: int) -> str:
    """Where images and ended sandboxes are kept (the XDG base directories for an ordinary user)."""
    if uid == 0:
        return f"/var/lib/{instance}"
    data = os.environ.get("XDG_DATA_HOME") or f"{os.environ.get('HOME', '')}/.local/share"
    return f"{data}/{instance}"


@contextlib.contextmanager
def lock(directory: str) -> Iterator[None]:
    """Be the only helper of this instance; raises OSError where another one runs.

    A POSIX lock, since no child inherits it: it is free at the moment that its helper is dead.
    """
    descriptor = os.open(f"{directory}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        os.close(descriptor)
        raise OSError(f"another helper runs already (it has {directory}/lock)") from None
    try:
        yield
    finally:
        os.close(descriptor)


def listen(home: Home) -> tuple[socket.socket, str]:
    """The socket that systemd passed (sd_listen_fds(3)), or our own one with its path, which only this user can open."""
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1":
        return socket.socket(fileno=_FIRST_PASSED_DESCRIPTOR), ""
    path = f"{home.directory}/helper.sock"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = os.umask(0o177)
    listener.bind(path)
    os.umask(before)
    listener.listen(64)
    return listener, path


def stop_on_signals(loop: Loop) -> None:
    """End the loop, not the process, on SIGTERM and SIGINT: sandboxes are destroyed first.

    SIGCHLD as it is by default: who started the helper may have ignored it, and then no child could be asked how it ended.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.detach())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    loop.watch(ours.detach(), loop.stop)


def tell_ready() -> None:
    """Say so on standard output, once, and let go of it."""
    with contextlib.suppress(OSError):
        os.write(1, b"ready\n")
    nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.dup2(nothing, 1)
    os.close(nothing)


def end_all(sandboxes: Sandboxes) -> None:
    """Destroy every sandbox, and wait until each is gone."""
    end = time.monotonic() + LAST_SECONDS
    for sandbox in list(sandboxes.all.values()):
        contained(sandboxes.kill, sandbox)
    while any(one.running for one in sandboxes.all.values()) and time.monotonic() < end:
        sandboxes.home.loop.step()
