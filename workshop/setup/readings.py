"""What this machine is, read as it stands and not judged: the readings behind `workshop doctor`."""

from __future__ import annotations

import importlib.util
import locale
import os
import platform
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..client import HelperError
from ..client.connection import Client
from ..client.sight import PROGRAMS as ASKED_FOR
from ..client.sight import hypervisor
from ..engines import Choice, choose
from ..facts import KINDS, Hierarchy, Virtual, trees
from ..progress import default_path, why_not
from ..protocol import Hello

PROGRAMS = ("busybox", "ip", "ipcmk", "ipcs", "nsenter", "ps", "unshare", "vim")
"""What the lessons' commands use, and box's image is made of."""
ENGINE_PROGRAMS = {
    "docker": ("docker", "version", "--format", "{{.Server.Version}}"),
    "podman": ("podman", "info", "--format", "{{.Version.Version}}"),
    "runc": ("runc", "list", "--quiet"),
    "lxc": ("lxc-ls",),
}
"""Engines that the lessons work with as well, and a command of each that succeeds where this user may use it."""
SETTINGS = {
    "user.max_user_namespaces": "/proc/sys/user/max_user_namespaces",
    "kernel.unprivileged_userns_clone": "/proc/sys/kernel/unprivileged_userns_clone",
    "kernel.apparmor_restrict_unprivileged_userns": "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
}
"""Settings that can keep ordinary users from making user namespaces (user_namespaces(7); the last is Ubuntu's)."""
OVERLAY = (
    "mount -t tmpfs none /mnt && cd /mnt && mkdir lower upper work root &&"
    " mount -t overlay none root -o lowerdir=lower,upperdir=upper,workdir=work,userxattr"
)
"""Mounts an overlay as box does, in a mount namespace that ends with the command."""
ANSWER_SECONDS = 3.0
"""Seconds that another program or the helper may take to answer; a doctor must never hang."""


@dataclass(frozen=True)
class Engine:
    """A container engine on PATH: its version, and in `trouble` the last line of why it can't be used ('' if it can)."""

    name: str
    version: str
    trouble: str = ""


@dataclass(frozen=True)
class Readings:
    """The readings. `helper` is root, own or '' for none; sizes of the terminal are 0 where there is none; `disk` in bytes.

    `progress` names the file that progress is kept in; `unsaved` why it can't be, a key of progress.toml, '' where it can.
    `chosen` is the engine that lessons show, `clock` epoch seconds; `..._refused` is the last line of why that is, '' where it
    is possible.
    """

    python: str = ""
    kernel: str = ""
    architecture: str = ""
    root: bool = False
    processors: int = 0
    namespaces: tuple[str, ...] = ()
    hierarchies: tuple[Hierarchy, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    user_namespace_refused: str = ""
    filesystems: tuple[str, ...] = ()
    lsms: tuple[str, ...] = ()
    helper: str = ""
    engines: tuple[Engine, ...] = ()
    chosen: Choice = field(default_factory=Choice)
    absent: tuple[str, ...] = ()
    columns: int = 0
    rows: int = 0
    colours: bool = True
    encoding: str = ""
    emulator: bool = True
    progress: str = ""
    unsaved: str = ""
    unsaved_values: Mapping[str, str | int] = field(default_factory=dict)
    disk: int = 0
    clock: float = 0.0
    overlay_refused: str = ""
    virtual: Virtual = field(default_factory=Virtual)
    programs: tuple[str, ...] = ()


def read() -> Readings:
    """Everything, within a few seconds and without changing anything; what can't be read stays empty."""
    columns, rows = _terminal()
    progress, trouble = default_path().absolute(), why_not(default_path())
    return Readings(
        python=platform.python_version(),
        kernel=platform.release(),
        architecture=platform.machine(),
        root=os.geteuid() == 0,
        processors=os.cpu_count() or 0,
        namespaces=tuple(name for name in KINDS if Path("/proc/self/ns", name).exists()),
        hierarchies=hierarchies(lambda path: Path(path).read_text("utf-8", "replace")),
        settings={name: text for name, path in SETTINGS.items() if (text := _text(path).strip())},
        user_namespace_refused=_ask("unshare", "--user", "--map-root-user", "--mount", "true")[1],
        filesystems=filesystems(_text("/proc/filesystems"), Path("/lib/modules", platform.release())),
        lsms=tuple(one for one in _text("/sys/kernel/security/lsm").strip().split(",") if one),
        helper=_helper(),
        engines=tuple(engine for name in ENGINE_PROGRAMS if (engine := _engine(name))),
        chosen=choose(),
        absent=tuple(name for name in PROGRAMS if not shutil.which(name)),
        columns=columns,
        rows=rows,
        colours="NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb",
        encoding=locale.getencoding(),
        emulator=importlib.util.find_spec("pyghostty") is not None,
        progress=str(progress),
        unsaved=trouble.slug if trouble else "",
        unsaved_values=trouble.values if trouble else {},
        disk=_free(progress),
        clock=time.time(),
        overlay_refused=_ask("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", OVERLAY)[1],
        virtual=hypervisor.find(),
        programs=tuple(filter(shutil.which, ASKED_FOR)),
    )


def hierarchies(read: Callable[[str], str]) -> tuple[Hierarchy, ...]:
    """The control group trees, as the helper and its observer see them; `read` gives the text of a file or raises OSError."""
    try:
        return tuple(tree.hierarchy for tree in trees.read_trees(read))
    except (OSError, trees.UnreadableError):
        return ()


def filesystems(known: str, modules: Path) -> tuple[str, ...]:
    """What the kernel can mount: in the text of /proc/filesystems, or a module that it loads at the first mount (mount(2))."""
    loadable = {path.name.partition(".")[0] for path in modules.glob("kernel/fs/*/*.ko*")}
    return tuple(dict.fromkeys([*(line.split()[-1] for line in known.splitlines() if line.split()), *sorted(loadable)]))


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""


def _ask(*command: str) -> tuple[str, str]:
    """The first line that a program printed, and why it failed ('' where it did not)."""
    try:
        ran = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return "", f"{command[0]}: not found"
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    said = ran.stdout.strip().splitlines()
    complaint = ran.stderr.strip().splitlines()
    trouble = "" if ran.returncode == 0 else (complaint or said or [f"exit code {ran.returncode}"])[-1]
    return said[0] if said else "", trouble


def _engine(name: str) -> Engine | None:
    """The engine of this name, None where it is not installed."""
    program = ENGINE_PROGRAMS[name][0]
    if not shutil.which(program):
        return None
    version, _ = _ask(program, "--version")
    _, trouble = _ask(*ENGINE_PROGRAMS[name])
    return Engine(name, version.removeprefix(f"{name.capitalize()} version ").removeprefix(f"{name} version "), trouble)


def _helper() -> str:
    """Whether a helper answers, and as whom it runs: root, own or ''."""
    try:
        with Client.connect() as client:
            client.send(Hello())
            answers, _, _ = select.select([client], [], [], ANSWER_SECONDS)
            return ("root" if client.receive(Hello).value.root else "own") if answers else ""
    except HelperError:
        return ""


def _terminal() -> tuple[int, int]:
    """Columns and rows of the terminal that this runs in, 0 where it runs in none."""
    for stream in (sys.stdout, sys.stdin, sys.stderr):
        try:
            columns, rows = os.get_terminal_size(stream.fileno())
            return columns, rows
        except (OSError, ValueError, AttributeError):
            continue
    return 0, 0


def _free(path: Path) -> int:
    """Bytes that are free where this path is, or would be."""
    return shutil.disk_usage(next(filter(os.path.isdir, path.parents))).free
