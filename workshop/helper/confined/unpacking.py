"""The archive of a layer becomes a directory as overlay wants it. Runs confined, in the layer's directory as its root.

The archive is an enemy's until proven otherwise: its digest is compared before anything of it is read, then each member is
looked at, and one that no layer needs, or that would be written through a link, ends it all.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, BinaryIO

from ...protocol import ProtocolError
from .disk import Taken, blocks
from .packing import OPAQUE, OPAQUE_ATTRIBUTE, WHITEOUT
from .quota import Room, full

MEMBERS = 30_000
DEPTH = 64
LONGEST_PATH = 1024
CHUNK = 1 << 16
KEPT_BITS = 0o1777
"""No setuid and setgid: in a sandbox they would count for nothing, and the layer lies on the host's disk."""


def receive(source: BinaryIO, archive: BinaryIO, digest: str, room: Room) -> None:
    """Copy what comes; raises ProtocolError `layer_too_large`, `images_full`, or `layer_differs`: it is not what was promised."""
    told, size = hashlib.sha256(), 0
    while piece := source.read(CHUNK):
        size += len(piece)
        if size > room.archive:
            raise ProtocolError("layer_too_large", maximum=room.archive)
        if size > room.disk:
            raise full()
        told.update(piece)
        archive.write(piece)
    archive.flush()
    if (found := f"sha256:{told.hexdigest()}") != digest:
        raise ProtocolError("layer_differs", digest=digest, found=found)


def unpack(archive: BinaryIO, room: Room, owners: bool) -> Taken:
    """Unpack into the current directory; with `owners` each file gets its owner. Returns what all that was made takes.

    Raises ProtocolError `layer_unreadable`, `layer_refused` or `images_full`.
    """
    archive_takes = blocks(archive.seek(0, os.SEEK_END))
    archive.seek(0)
    try:
        # Not `tarfile.open`: it tries compressors, and a layer's digest is that of the plain archive.
        with tarfile.TarFile(fileobj=archive, mode="r", encoding="utf-8", errors="surrogateescape") as opened:
            unpacking = _Unpacking(opened, room.archive, room.disk - archive_takes, room.files, owners)
            unpacking.run()
            return Taken(unpacking.disk, unpacking.files)
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise ProtocolError("layer_unreadable", reason=str(error)) from error


@dataclass
class _Unpacking:
    """One archive on its way: what it may still hold and take, and what it took; `files` are the directories too."""

    archive: tarfile.TarFile
    left: int
    most_disk: int
    most_files: int
    owners: bool
    disk: int = 0
    files: int = 0
    directories: list[tarfile.TarInfo] = field(default_factory=list)

    def run(self) -> None:
        """All members, then the times of directories, which each file in them has changed."""
        for member in self.archive:
            size = max(0, member.size)
            self.left -= size
            if self.left < 0:
                raise _refused(member, "a file larger than the layer may be")
            self._count(member, size)
            self._place(member)
        if not self.files:
            _require_end(self.archive)
        for member in reversed(self.directories):
            os.utime(_path(member), (member.mtime, member.mtime))

    def _count(self, member: tarfile.TarInfo, size: int) -> None:
        """Count one more file, or directory, before it is made; raises ProtocolError where it is one too many."""
        self.files += 1
        self.disk += blocks(size)
        if self.files > MEMBERS:
            raise _refused(member, f"the {MEMBERS + 1}th file or directory")
        if self.files > self.most_files or self.disk > self.most_disk:
            raise full()

    def _make_parents(self, above: str, member: tarfile.TarInfo) -> None:
        """The directories that a member lies in, where the layer does not list them; a link among them is refused."""
        for path in _leading_to(above):
            try:
                _require_directory(path, member)
            except FileNotFoundError:
                self._count(member, 0)
                os.mkdir(path)

    def _place(self, member: tarfile.TarInfo) -> None:
        """One member."""
        path = _path(member)
        if path == ".":
            return
        above, _, name = path.rpartition("/")
        self._make_parents(above, member)
        if name == OPAQUE:
            os.setxattr(above or ".", OPAQUE_ATTRIBUTE, b"y")
        elif name.startswith(WHITEOUT):
            _hide(above, name.removeprefix(WHITEOUT), member)
        else:
            self._make(path, member)

    def _make(self, path: str, member: tarfile.TarInfo) -> None:
        """A file, directory or link, in place of what an earlier member put there."""
        if member.isdir():
            _make_directory(path)
            self.directories.append(member)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            self._make_file(path, member)
        if member.islnk():
            return  # it is another name of a file that has its owner already
        if self.owners:
            os.chown(path, member.uid, member.gid, follow_symlinks=False)
        if not member.issym():
            os.chmod(path, member.mode & KEPT_BITS)
            os.utime(path, (member.mtime, member.mtime))

    def _make_file(self, path: str, member: tarfile.TarInfo) -> None:
        """Whatever is no directory."""
        if member.issym():
            os.symlink(member.linkname, path)
        elif member.islnk():
            target = _checked(member.linkname, member)
            for above in _leading_to(target.rpartition("/")[0]):
                _require_directory(above, member)
            os.link(target, path, follow_symlinks=False)
        elif member.isfifo():
            os.mkfifo(path)
        elif member.isreg():
            content = self.archive.extractfile(member)
            if content is not None:
                _write(path, content, member.size)
        else:
            raise _refused(member, "a device, or of a kind that no layer has")


def _path(member: tarfile.TarInfo) -> str:
    """Where a member belongs."""
    return _checked(member.name, member)


def _checked(name: str, member: tarfile.TarInfo) -> str:
    """A name as a path from here; raises ProtocolError for one that would lead upwards, or too far down."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _refused(member, "a name with .. in it")
    if name.startswith("/"):
        raise _refused(member, "an absolute name")
    if len(parts) > DEPTH or len(name) > LONGEST_PATH:
        raise _refused(member, "a path that is too long")
    return "/".join(parts) or "."


def _leading_to(path: str) -> Iterator[str]:
    """A directory's path, after those of all that it lies in; none for the top."""
    parts = path.split("/") if path else []
    return ("/".join(parts[:length]) for length in range(1, len(parts) + 1))


def _require_directory(path: str, member: tarfile.TarInfo) -> None:
    """Raise ProtocolError where this is no directory, but a link to one, say; FileNotFoundError where nothing is there."""
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        raise _refused(member, "a path that leads through a link or a file")


def _make_directory(path: str) -> None:
    """A directory, unless it is there."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(path)


def _hide(above: str, name: str, member: tarfile.TarInfo) -> None:
    """A device of number 0: overlay then shows nothing of this name (allowed in user namespaces since Linux 5.8)."""
    if name.startswith(WHITEOUT):
        return  # aufs kept notes for itself under such names
    if name in ("", ".", ".."):
        raise _refused(member, "a mark of deletion without a name")
    path = f"{above}/{name}".lstrip("/")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))


def _write(path: str, content: IO[bytes], size: int) -> None:
    """A new file with all of its bytes; raises ProtocolError where the archive ends before them."""
    with open(path, "xb") as file:
        while piece := content.read(CHUNK):
            file.write(piece)
            size -= len(piece)
    if size:
        raise ProtocolError("layer_unreadable", reason="it ends in the middle of a file")


def _require_end(archive: tarfile.TarFile) -> None:
    """An archive without members must at least have an end of its own: two blocks of zeros."""
    file = archive.fileobj
    assert file is not None  # noqa: S101  # it was opened with one
    file.seek(0)
    if file.read(1024) != bytes(1024):
        raise ProtocolError("layer_unreadable", reason="it is no tar archive")


def _refused(member: tarfile.TarInfo, reason: str) -> ProtocolError:
    """The refusal of a member."""
    return ProtocolError("layer_refused", member=member.name[:200].encode("utf-8", "replace").decode(), reason=reason)
