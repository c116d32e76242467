"""LXC's containers on disk: looking at them with no more rights than the learner's, and removing one."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..facts import Facts, Lxc, LxcContainer
from .leftovers import Leftover, Removal

PLACE = Path("/var/lib/lxc")
"""Where LXC keeps root's containers (lxc.lxcpath of lxc.system.conf(5))."""
COPIES = "other"
"""The folder, in the learner's home, that a lesson has the learner move a container to."""
ARCHIVE = "travel.tar"
"""The file, in the learner's home, that the lesson has an image packed into."""
GROUPS = Path("/sys/fs/cgroup")
MOST_CONTAINERS = 64
SOCKETS = Path("/proc/net/unix")
PATIENCE_SECONDS = 2.0
ROOT = re.compile(r"^\s*lxc\.rootfs\.path\s*=\s*(?:dir:)?(\S+)", re.MULTILINE)
BIND = re.compile(r"^\s*lxc\.mount\.entry\s*=\s*(/\S+)\s+\S+\s+\S+\s+(?:\S+,)?r?bind\b", re.MULTILINE)


def look(home: Path) -> Lxc:
    """Containers in LXC's own place and in the folder for copies, by path, what LXC has left, and the image packed beside."""
    configs = [path for place in (PLACE, home / COPIES) for path in _listed(place, "*/config")]
    sockets = _text(SOCKETS).split() if configs else []
    found = tuple(one for path in configs[:MOST_CONTAINERS] if (one := _container(path, sockets)))
    groups = tuple(str(one) for one in _groups() if not _text(one / "cgroup.procs"))
    return Lxc(found, groups, _changed(home / ARCHIVE))


def _listed(place: Path, pattern: str) -> list[Path]:
    with suppress(OSError):
        return sorted(place.glob(pattern))
    return []


def _text(path: Path) -> str:
    """A file's contents, '' where it may not be read."""
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text()
    return ""


def _container(config: Path, sockets: Sequence[str] = ()) -> LxcContainer | None:
    """What a configuration says, None where it names no root or lxc-create is still at work (it keeps a file `partial`).

    A monitor takes commands on a socket that is named after the container's folder (lxc_monitor; unix(7), abstract).
    """
    folder, text = config.parent, _text(config)
    named = ROOT.search(text)
    if named is None or (folder / "partial").exists():
        return None
    binds = tuple(BIND.findall(text))
    return LxcContainer(str(folder), named[1], _inode(folder / "rootfs"), binds, f"@{folder}/command" in sockets)


def _inode(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_ino
    return 0


def _changed(path: Path) -> int:
    with suppress(OSError):
        return int(path.stat().st_mtime)
    return 0


def _groups() -> list[Path]:
    """Those of LXC's own processes, at the top of each tree of version 1, and of version 2's."""
    return [one for top in ("", "*/") for name in ("pivot", "monitor.*") for one in _listed(GROUPS, f"{top}lxc.{name}")]


def leftovers(before: Facts, now: Facts, uid: int, _: frozenset[str]) -> list[Leftover]:
    """Root's containers that were made since, and the empty groups that LXC left; none where nobody looked. Pure."""
    if uid or "lxc" not in before.subjects or "lxc" not in now.subjects:
        return []
    old = {one.folder for one in before.lxc.containers}
    made = [Leftover("lxc", one.folder) for one in now.lxc.containers if one.folder not in old]
    return made + [Leftover("group", path) for path in now.lxc.groups if path not in before.lxc.groups]


def remove(folder: str) -> None:
    """Stop the container and remove it, with the empty groups that LXC leaves; raises OSError where LXC is not here.

    Destroying a copy would remove the root that its configuration names, which is another's: only its folder goes.
    """
    path = Path(folder)
    kept = _container(path / "config")
    _lxc("lxc-stop", path, "--kill")
    if kept and not kept.moved:
        _lxc("lxc-destroy", path)
    else:
        shutil.rmtree(path, ignore_errors=True)
    _sweep(path.name)


def _lxc(command: str, path: Path, *options: str) -> None:
    subprocess.run([command, "--lxcpath", path.parent, "--name", path.name, *options], check=False, capture_output=True)


def _sweep(name: str) -> None:
    """Remove LXC's empty groups; its monitor, which ends a little later than the container, is still in one of them."""
    end = time.monotonic() + PATIENCE_SECONDS
    while left := [one for one in _groups() if one.name in ("lxc.pivot", f"lxc.monitor.{name}")]:
        for group in left:
            with suppress(OSError):
                group.rmdir()
        if time.monotonic() > end:
            return
        time.sleep(0.02)


REMOVES: Mapping[str, Removal] = {"lxc": remove, "group": ("rmdir",)}
"""What removes each kind, by its path."""
