"""Looking into the folder in which a learner makes an image by hand, with no more rights than the learner's."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from ...facts import HAND_FOLDER, HandFile

MOST_FILES = 64
MOST_BYTES = 32 << 20
TEXT_BYTES = 2048
MOST_MEMBERS = 64
END = bytes(1024)
"""So a whole archive ends (tar(5)): one that is just being written is none yet."""


def look(home: Path) -> tuple[HandFile, ...]:
    """The regular files of the folder `hand`, by path, not those of a root file system within it; none where it is missing."""
    folder = home / HAND_FOLDER
    found = [path for path in sorted(folder.glob("*")) + sorted(folder.glob("blobs/sha256/*")) if _is_file(path)]
    told = []
    for path in found[:MOST_FILES]:
        with suppress(OSError):  # it was removed just now, or may not be read
            seen = path.stat()
            told.append(_described(path, str(path.relative_to(folder)), seen.st_mtime_ns, seen.st_size))
    return tuple(told)


def _is_file(path: Path) -> bool:
    """True for a file that can be told of; a pipe would keep us waiting."""
    with suppress(OSError):
        return path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_BYTES
    return False


@lru_cache(maxsize=2 * MOST_FILES)
def _described(path: Path, name: str, time: int, size: int) -> HandFile:
    """A file, read again only when its time or size is another."""
    data = path.read_bytes()
    members = _members(path) if name.endswith(".tar") and data.endswith(END) else ()
    return HandFile(name, size, hashlib.sha256(data).hexdigest(), time, _text(data), members)


def _text(data: bytes) -> str:
    """A small file's text, '' for what is none."""
    with suppress(UnicodeDecodeError):
        return data.decode() if len(data) <= TEXT_BYTES and b"\0" not in data else ""
    return ""


def _members(path: Path) -> tuple[str, ...]:
    """The first names in an archive, none where it is no archive."""
    import tarfile  # noqa: PLC0415  # slow to load, and few look at archives

    names: list[str] = []
    with suppress(tarfile.TarError, OSError, ValueError), tarfile.open(path, "r:") as archive:
        for one in archive:
            names.append(one.name)
            if len(names) == MOST_MEMBERS:
                break
    return tuple(names)
