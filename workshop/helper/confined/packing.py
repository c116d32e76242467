"""A directory as the archive of a layer (OCI image specification, "Image Layer Filesystem Changeset").

What overlay notes in its own way (kernel: Documentation/filesystems/overlayfs.rst) becomes what the specification says: a
deleted name, a device of number 0, becomes an empty file `.wh.NAME`; a directory that hides the one below holds `.wh..wh..opq`.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
OPAQUE_ATTRIBUTE = "user.overlay.opaque"
WRITTEN_BY_HELPER = frozenset(("etc/hostname", "etc/hosts", "etc/resolv.conf"))
MOUNTED_UPON = frozenset(("dev", "etc", "proc", "sys"))


def write_archive(root: str, file: BinaryIO, moment: int | None = None) -> None:
    """Write everything below `root`, in the order of names.

    With a `moment` all times become that; without, it is a container's own layer, in which what the helper puts into every
    container is left out. The same files give the same bytes. Raises OSError where a file shrinks while it is read.
    """
    links: dict[tuple[int, int], str] = {}
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive:
        for name in _names(root, "", moment is None):
            path = f"{root}/{name}"
            seen = os.lstat(path)
            if _is_opaque(path, seen):
                archive.addfile(_member(f"{name}/{OPAQUE}", seen, moment, tarfile.REGTYPE))
            member = _described(name, path, seen, moment, links)
            if member is None:
                continue
            if member.size:
                with open(path, "rb") as content:
                    archive.addfile(member, content)
            else:
                archive.addfile(member)


def _names(root: str, above: str, container: bool) -> Iterator[str]:
    """Every path below, a directory before what it holds."""
    for name in sorted(os.listdir(f"{root}/{above}")):
        path = f"{above}/{name}" if above else name
        directory = stat.S_ISDIR(os.lstat(f"{root}/{path}").st_mode)
        inside = list(_names(root, path, container)) if directory else []
        if container and (path in WRITTEN_BY_HELPER or (path in MOUNTED_UPON and not inside)):
            continue
        yield path
        yield from inside


def _described(
    name: str, path: str, seen: os.stat_result, moment: int | None, links: dict[tuple[int, int], str]
) -> tarfile.TarInfo | None:
    """The member for a file, None for a socket or device, which no layer has."""
    kind = stat.S_IFMT(seen.st_mode)
    if kind == stat.S_IFCHR and seen.st_rdev == 0:
        above, _, last = name.rpartition("/")
        return _member(f"{above}/{WHITEOUT}{last}".lstrip("/"), seen, moment, tarfile.REGTYPE)
    if kind == stat.S_IFREG and (first := links.setdefault((seen.st_dev, seen.st_ino), name)) != name:
        return _member(name, seen, moment, tarfile.LNKTYPE, first)
    if kind == stat.S_IFLNK:
        return _member(name, seen, moment, tarfile.SYMTYPE, os.readlink(path))
    types = {stat.S_IFREG: tarfile.REGTYPE, stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFIFO: tarfile.FIFOTYPE}
    if kind not in types:
        return None
    member = _member(name, seen, moment, types[kind])
    member.size = seen.st_size if kind == stat.S_IFREG else 0
    return member


def _member(name: str, seen: os.stat_result, moment: int | None, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member with a file's owner, mode and time, in whole seconds, and no names of accounts."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    member.mode, member.uid, member.gid = stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid
    member.mtime = int(seen.st_mtime) if moment is None else moment
    return member


def _is_opaque(path: str, seen: os.stat_result) -> bool:
    """True for a directory of which overlay shows nothing from below."""
    if not stat.S_ISDIR(seen.st_mode):
        return False
    try:
        return os.getxattr(path, OPAQUE_ATTRIBUTE, follow_symlinks=False) == b"y"
    except OSError:
        return False
