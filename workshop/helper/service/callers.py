"""Whose account a caller is: an account with all its subordinate identities is one caller, with one share of everything.

The kernel tells the uid that a caller had when it connected (SO_PEERCRED, unix(7)). Debian gives each account 65,536 subordinate
ones besides, and a caller with such a uid belongs to that account. Two sources tell to which, and either can be missing:

- the kernel: a uid that is mapped in a user namespace belongs to whoever owns that namespace (ioctl_ns(2)), for nobody but root
  can map identities there that the owner was not given (user_namespaces(7));
- /etc/subuid (subuid(5)), which tells of callers that are in no namespace as well: a file can make its reader a subordinate uid.

Nobody becomes root by either: namespaces and ranges of root's are what its container engines run. Names are looked up in
/etc/passwd itself, since a name service can keep its caller waiting. An account that is not there has a number all the same, as
root's ranges have one each: the first in it.

Not guarded: before Linux 6.5 nothing tells whether the process that connected is still there (SO_PEERPIDFD). Another one with
its number, in another namespace, then is asked instead. It can't make the caller somebody else, since only a namespace counts in
which the caller's uid is mapped; it can only hide the caller's own namespace. Ranges that /etc/subuid does not have (`subid:` in
nsswitch.conf) are known by the namespace alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..kernel import syscalls
from ..kernel.troubles import tell

NUMBER = re.compile(r"[0-9]{1,10}")
SUBUID, PASSWD = "/etc/subuid", "/etc/passwd"
_CREDENTIALS = struct.Struct("iII")
_SO_PEERPIDFD = 77
_NS_GET_PARENT, _NS_GET_OWNER_UID = 0xB702, 0xB704
_DEEPEST = 32
"""User namespaces are nested no deeper (user_namespaces(7))."""
Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Accounts:
    """Uids of accounts, and ranges of subordinate ones: each its first uid, how many, and the account that has it."""

    uids: frozenset[int] = frozenset()
    ranges: tuple[tuple[int, int, int], ...] = ()

    def of(self, uid: int) -> int:
        """The account that this uid belongs to; the uid itself where no range has it."""
        if uid in self.uids:
            return uid
        return next((account for first, count, account in self.ranges if first <= uid < first + count), uid)


def parse_accounts(passwd: str, subuid: str) -> Accounts:
    """What passwd(5) and subuid(5) say; lines that say nothing are left out."""
    uids = {words[0]: int(words[2]) for words in _fields(passwd) if len(words) > 2 and NUMBER.fullmatch(words[2])}
    ranges: list[tuple[int, int, int]] = []
    known = dict(uids)
    for name, first, count in (words for words in _fields(subuid) if len(words) == 3):
        if NUMBER.fullmatch(first) and NUMBER.fullmatch(count):
            account = known.setdefault(name, int(name if NUMBER.fullmatch(name) else first))
            ranges.append((int(first), int(count), account or int(first)))
    return Accounts(frozenset(uids.values()), tuple(ranges))


def _fields(text: str) -> Iterable[list[str]]:
    return (line.split(":") for line in text.splitlines())


def is_mapped(uid: int, uid_map: str) -> bool:
    """True where a user namespace's uid_map, as its reader sees it, has this uid of the reader's (user_namespaces(7))."""
    lines = (list(map(int, line.split())) for line in uid_map.splitlines())
    return any(first <= uid < first + count for _, first, count in lines)


@dataclass
class Callers:
    """The accounts of this machine, read again when their files have changed."""

    _accounts: Accounts = field(default_factory=Accounts)
    _stamp: Stamp = ()

    def account(self, end: socket.socket) -> int:
        """The account of whoever is at the other end of a socket: a uid, and root's for root only."""
        pid, uid = peer(end)
        if uid == 0:
            return 0
        self._refresh()
        return self._accounts.of(_owner(pid, uid, end) or uid)

    def _refresh(self) -> None:
        stamp = (*_stamp(PASSWD), *_stamp(SUBUID))
        if stamp != self._stamp:
            self._stamp = stamp
            self._accounts = parse_accounts(_text(PASSWD), _text(SUBUID))


def peer(end: socket.socket) -> tuple[int, int]:
    """The process that connected, which may have ended since, and the uid that it had then (SO_PEERCRED, unix(7))."""
    pid, uid, _ = _CREDENTIALS.unpack(end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid


def _stamp(path: str) -> Stamp:
    """What is another once a file is another, and before there is one."""
    try:
        seen = os.stat(path)
    except OSError:
        return (0,)
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def _text(path: str) -> str:
    """A file's text, none where it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except OSError as error:
        tell(f"subordinate identities may count as accounts of their own: {error}")
        return ""


def _owner(pid: int, uid: int, end: socket.socket) -> int:
    """Who owns the user namespace that a caller is in and that has its uid; 0 in the helper's own, and where none can be told."""
    with contextlib.suppress(OSError, ValueError):
        process = os.open(f"/proc/{pid}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            own, theirs = os.stat("/proc/self/ns/user"), os.stat("ns/user", dir_fd=process)
            if theirs.st_ino != own.st_ino and is_mapped(uid, _read_at(process, "uid_map")) and not _has_gone(end):
                return _owner_below(own.st_ino, os.open("ns/user", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process))
        finally:
            os.close(process)
    return 0


def _read_at(directory: int, name: str) -> str:
    with open(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)) as file:
        return file.read()


def _has_gone(end: socket.socket) -> bool:
    """True where the process that connected has ended, so that its number can be another's; False where that can't be told."""
    try:
        pidfd = int.from_bytes(end.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD, 4), sys.byteorder)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:
        return syscalls.has_ended(pidfd)
    finally:
        os.close(pidfd)


def _owner_below(own: int, namespace: int) -> int:
    """The owner of that one above a user namespace, or of itself, whose parent is the one with this inode; raises OSError.

    The namespace is closed.
    """
    try:
        for _ in range(_DEEPEST):
            parent = fcntl.ioctl(namespace, _NS_GET_PARENT)
            if os.fstat(parent).st_ino == own:
                os.close(parent)
                return int.from_bytes(fcntl.ioctl(namespace, _NS_GET_OWNER_UID, bytes(4)), sys.byteorder)
            os.close(namespace)
            namespace = parent
        return 0
    finally:
        os.close(namespace)
