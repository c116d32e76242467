"""How the image `busybox` is made, of this machine's own programs: nothing is downloaded.

Made in a directory beside its place and renamed into it, so that an image is either whole or not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable

from ...protocol import ProtocolError
from ..confined import disk
from ..confined.packing import write_archive
from ..kernel import files, syscalls
from ..kernel.troubles import saying
from .layers import Layers

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


def bake(layers: Layers) -> tuple[str, str]:
    """Make the layer; returns its digest and the image's configuration. Raises ProtocolError `image_failed` with the reason.

    The same programs make the same digests, whenever and wherever this is done.
    """
    with disk.refusing():
        making = layers.begin()
    try:
        _fill(f"{making}/root")
        with open(f"{making}/layer.tar", "wb") as file:
            write_archive(f"{making}/root", file, moment=0)
        with open(f"{making}/layer.tar", "rb") as file:
            digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
            syscalls.sync_file_system(file.fileno())
        for left in layers.keep(making, digest, disk.count(f"{making}/root")):
            files.remove(left)
    except (OSError, subprocess.SubprocessError) as error:
        with saying(f"{making} is left for the next start"):
            files.remove(making)
        raise ProtocolError("image_failed", image="busybox", reason=str(error)) from error
    return digest, _configuration(digest)


def _configuration(digest: str) -> str:
    """What the OCI calls an image configuration."""
    machine = os.uname().machine
    return json.dumps(
        {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine),
            "os": "linux",
            "config": {"Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [digest]},
            "history": [{"created_by": "the programs of this machine"}],
        }
    )


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
    listed = subprocess.run([busybox, "--list-full"], capture_output=True, text=True, check=True, timeout=10, env={})
    for path in listed.stdout.split():
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
    """Where the host has this program, in its own directories only, never by a PATH that somebody set."""
    return next((path for path in (f"{one}/{name}" for one in SEARCHED) if os.access(path, os.X_OK)), None)


def _libraries(program: str) -> list[str]:
    """Libraries and loader of one of the host's own programs, none where it is static (ldd(1))."""
    told = subprocess.run(["/usr/bin/ldd", program], capture_output=True, text=True, check=False, timeout=10, env={"LC_ALL": "C"})
    words = [word for line in told.stdout.splitlines() for word in line.split()]
    return list(dict.fromkeys(word for word in words if word.startswith("/") and os.path.isfile(word)))


def _copy(source: str, target: str) -> None:
    """A copy of a program or library, in place of what was there."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(target)
    shutil.copyfile(source, target)
    os.chmod(target, 0o755)  # noqa: S103  # programs are for everybody to run
