"""How the image `busybox` is made, of this machine's own programs: nothing is downloaded. Runs confined, in its directory.

To copy programs it runs two of them, `ldd` and `busybox`; they are root's, and are given no more than the child has.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from io import BufferedRandom

from ..kernel import syscalls
from . import disk
from .disk import Taken
from .packing import write_archive

DIRECTORIES = ("bin", "dev", "etc", "home", "lib", "mnt", "proc", "root", "run", "sbin", "srv", "sys", "tmp",
               "usr/bin", "usr/sbin", "usr/lib", "var/log", "var/tmp")  # fmt: skip
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    "etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/profile": "export PS1='\\w \\$ '\n",
}
QUEUES = ("ipcs", "ipcmk", "ipcrm")
"""Of util-linux: busybox has no ipcmk, and its ipcs prints another table."""
WITHOUT_BUSYBOX = (
    "sh", "bash", "ls", "ps", "cat", "hostname", "mount", "umount", "id", "whoami", "sleep", "echo", "mkdir", "rmdir", "rm",
    "cp", "mv",
    "ln", "touch", "chmod", "grep", "sed", "head", "tail", "wc", "sort", "env", "kill", "ip", "df", "free", "top", "stat",
    "readlink", "true", "false", "dd", "yes", "seq", "stty", "tty", "uname", "date", "test", "expr", "nproc", "taskset",
    "unshare", "nsenter", "mknod",
)  # fmt: skip
IN_BIN = ("sh", "bash", "busybox")
SEARCHED = ("/bin", "/usr/bin", "/sbin", "/usr/sbin")


PROGRAM_SECONDS = 10.0
"""For one run of either program."""


def bake(archive: BufferedRandom) -> tuple[str, Taken]:
    """Fill the current directory and write its archive; returns that one's digest, and what the tree takes.

    The same programs make the same digest, whenever and wherever this is done. Raises OSError.
    """
    try:
        _fill(".")
        write_archive(".", archive, moment=0)
        archive.seek(0)
        digest = "sha256:" + hashlib.file_digest(archive, "sha256").hexdigest()
        syscalls.sync_file_system(archive.fileno())
    except subprocess.SubprocessError as error:
        raise OSError(str(error)) from error
    return digest, disk.count(".")


def _fill(root: str) -> None:
    """Directories, files and programs."""
    for name in DIRECTORIES:
        os.makedirs(f"{root}/{name}", exist_ok=True)
    for name, text in FILES.items():
        with open(f"{root}/{name}", "w") as file:
            file.write(text)
    for name in ("tmp", "var/tmp"):
        os.chmod(f"{root}/{name}", 0o1777)  # noqa: S103  # the image's /tmp is as any /tmp
    os.chmod(f"{root}/root", 0o700)
    if busybox := _program("busybox"):
        _copy_programs(root, ("busybox",))
        _link_applets(root, busybox)
    else:
        _copy_programs(root, WITHOUT_BUSYBOX)
    _copy_programs(root, QUEUES)


def _link_applets(root: str, busybox: str) -> None:
    """A link for every command that this busybox has, where it says that the command belongs."""
    for path in _told(busybox, "--list-full", check=True).split():
        with contextlib.suppress(FileExistsError):
            os.symlink("/bin/busybox", f"{root}/{path}")


def _copy_programs(root: str, names: Iterable[str]) -> None:
    """The host's own programs with their libraries and loader, in front of a link of the same name."""
    for program in filter(None, map(_program, names)):
        name = os.path.basename(program)
        _copy(program, f"{root}/{'bin' if name in IN_BIN else 'usr/bin'}/{name}")
        for library in _libraries(program):
            _copy(library, root + library)


def _program(name: str) -> str | None:
    """Where the host has this program for everybody, in its own directories only, never by a PATH that somebody set."""
    return next((path for path in (f"{one}/{name}" for one in SEARCHED) if os.access(path, os.R_OK | os.X_OK)), None)


def _libraries(program: str) -> list[str]:
    """Libraries and loader of one of the host's own programs, none where it is static (ldd(1))."""
    words = _told("/usr/bin/ldd", program, check=False).split()
    return list(dict.fromkeys(word for word in words if word.startswith("/") and os.path.isfile(word)))


def _told(*command: str, check: bool) -> str:
    """What a program prints, which dies with this process. Raises OSError, or SubprocessError where it is late or, if so
    wanted, fails.
    """
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=check,
        timeout=PROGRAM_SECONDS,
        env={"LC_ALL": "C"},
        preexec_fn=lambda: syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL),
    )
    return done.stdout


def _copy(source: str, target: str) -> None:
    """A copy of a program or library, in place of what was there."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(target)
    shutil.copyfile(source, target)
    os.chmod(target, 0o755)  # noqa: S103  # programs are for everybody to run
