"""`workshop helper install`: the helper's files, owned by root, and the systemd units that start it when it is called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..client.connection import instance_name
from ..words import WordedError, say, sentence

OLDEST = (3, 11)
PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3", "/bin/python3")
PARTS = ("__init__.py", "protocol", "facts", "helper")
"""All that the helper is made of: none of it is third-party, and none of it may be writable for anybody but root."""

SOCKET = """\
[Unit]
Description=Socket of the container workshop's helper

[Socket]
ListenSequentialPacket=/run/{instance}/helper.sock
SocketMode=0666
DirectoryMode=0755

[Install]
WantedBy=sockets.target
"""
# SocketMode: every user of the machine may ask; the helper tells them apart by SO_PEERCRED and gives each only their own.

SERVICE = """\
[Unit]
Description=Helper of the container workshop
Documentation=file://{home}/workshop/helper/__init__.py
Requires={instance}-helper.socket
After={instance}-helper.socket

[Service]
Environment=WORKSHOP_INSTANCE={instance}
ExecStart={command} run
ExecStopPost={command} reconcile
Restart=on-failure
LimitNOFILE=65536
"""


START = """\
#!{python} -I
# Listens where every user of this machine can call, and becomes the helper: what the units do where systemd runs.
import os, socket, sys, time

path, waited = "/run/{instance}/helper.sock", False
while socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect_ex(path) == 0:
    if os.stat(path).st_mode & 0o006:
        print("A helper for everybody listens already at " + path)
        sys.exit()
    if not waited:
        print("Root's own helper runs; it ends half a minute after it was last used. Waiting for that.", flush=True)
    waited = True
    time.sleep(3)
os.umask(0o022)
os.makedirs(os.path.dirname(path), exist_ok=True)
if os.path.exists(path):
    os.unlink(path)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(path)
os.chmod(path, 0o666)
listener.listen(64)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {{"WORKSHOP_INSTANCE": "{instance}", "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}}
os.execv("{python}", "{command} run".split())
"""


class InstallError(WordedError):
    """What stands in the way."""

    area = "install"


def install(language: str) -> int:
    """Install the helper for every user of this machine, by one sudo if need be, and tell how it went: an exit code."""
    try:
        instance = instance_name()
        if os.geteuid() != 0:
            return _as_root(language, instance)
        place(instance)
        print(_started(language, instance))
    except WordedError as error:
        print(sentence(language, error), file=sys.stderr)
        return 1
    except OSError as error:
        print(say(language, "install.failed", reason=str(error)), file=sys.stderr)
        return 1
    return 0


def _as_root(language: str, instance: str) -> int:
    """Do this again as root; `-I` so that no file of the current directory is run."""
    again = [sys.executable, "-I", "-m", "workshop.setup", language, instance]
    if not (sudo := shutil.which("sudo")):
        raise InstallError("no_sudo", command=" ".join(again))
    print(say(language, "install.sudo"), flush=True)
    return subprocess.run([sudo, "--", *again], check=False).returncode


def place(instance: str, root: Path = Path("/")) -> None:
    """Copy the helper's files, and write its units and a program that starts it without systemd, under `root`.

    May be repeated. Raises InstallError where no Python of root's own is there to run it, OSError where a file cannot be written.
    """
    home = _home(instance)
    python = _python()
    values = {
        "instance": instance,
        "home": home,
        "python": python,
        "command": f"{python} -I -S -X utf8 {home}/workshop/helper/__main__.py",
    }
    _copy(root / home.relative_to("/"), START.format(**values))
    units = root / "etc/systemd/system"
    units.mkdir(parents=True, exist_ok=True)
    (units / f"{instance}-helper.socket").write_text(SOCKET.format(**values))
    (units / f"{instance}-helper.service").write_text(SERVICE.format(**values))


def _home(instance: str) -> Path:
    """Where the helper's files are."""
    return Path("/usr/local/lib") / f"{instance}-helper"


def _python() -> str:
    """The system's own Python, which no user can change; raises InstallError where there is none that is new enough."""
    for path in PYTHONS:
        if _root_only(path) and _version(path) >= OLDEST:
            return path
    raise InstallError("no_python", oldest=".".join(map(str, OLDEST)), places=", ".join(PYTHONS))


def _root_only(path: str) -> bool:
    """True for a program that only root can change."""
    try:
        seen = Path(path).resolve(strict=True).stat()
    except OSError:
        return False
    return seen.st_uid == 0 and not seen.st_mode & 0o022


def _version(python: str) -> tuple[int, ...]:
    """Major and minor version of a Python, () where it does not run."""
    asked = [python, "-I", "-S", "-c", "import sys; print(*sys.version_info[:2])"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in said.split())


def _copy(home: Path, start: str) -> None:
    """Put a fresh copy in place of an old one: made beside it, with root's ownership and modes, then renamed."""
    source, fresh, old = (
        Path(__file__).resolve().parents[1],
        home.with_name(f"{home.name}.new"),
        home.with_name(f"{home.name}.old"),
    )
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    fresh.mkdir(mode=0o700)  # nobody adds a file before all is as it shall be
    package = fresh / "workshop"
    package.mkdir()
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, package / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source / part, package / part)
    (fresh / "start").write_text(start)
    for path in (*fresh.rglob("*"), fresh):
        os.chown(path, 0, 0)
        path.chmod(0o755 if path.is_dir() or path.name == "start" else 0o644)
    if home.exists():
        home.rename(old)
    fresh.rename(home)
    shutil.rmtree(old, ignore_errors=True)


def _started(language: str, instance: str) -> str:
    """Have systemd listen for callers, where it runs; else the words that say what to run instead."""
    if not Path("/run/systemd/system").is_dir():  # sd_booted(3)
        return say(language, "install.no_systemd", command=_home(instance) / "start")
    socket, service = f"{instance}-helper.socket", f"{instance}-helper.service"
    for arguments in (["daemon-reload"], ["enable", "--now", socket], ["try-restart", service]):
        done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise InstallError("systemd_failed", command=" ".join(["systemctl", *arguments]), reason=done.stderr.strip())
    return say(language, "install.done", socket=socket, service=service, instance=instance)
