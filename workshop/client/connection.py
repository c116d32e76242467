"""The learner's end of the helper's socket: one blocking connection, one question at a time."""

from __future__ import annotations

import array
import os
import socket
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from .. import protocol
from .refusal import HelperError as HelperError  # noqa: PLC0414  # for whoever talks to the helper

if TYPE_CHECKING:  # `box ps` takes half as long without them: what needs them imports them
    from ..facts import Facts

MAXIMUM_DESCRIPTORS = 4
LONGEST_ANSWER = 64 << 20
"""Bytes of a memory file; the most that the watcher writes (workshop/helper/watcher/process.py)."""
LONGEST_LOG = 1 << 20
"""Bytes of the log of one's own helper, from which on the next one begins it anew."""


Value = TypeVar("Value")


@dataclass(frozen=True)
class Reply(Generic[Value]):
    """What the helper answered; the descriptors are the receiver's to close."""

    value: Value
    descriptors: tuple[int, ...] = ()


class Client:
    """One connection. A sandbox that was not detached dies with the connection that asked for it."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a connected socket."""
        self._connection = connection

    @classmethod
    def connect(cls) -> Self:
        """The system's helper, else the user's own; raises HelperError `no_helper` where neither answers."""
        instance = instance_name()
        for uid in dict.fromkeys((0, os.geteuid())):
            directory = protocol.runtime_directory(instance, uid)
            if uid == 0 or _is_ours(directory, uid):
                connection = _connected(f"{directory}/helper.sock")
                if connection:
                    return cls(connection)
        raise HelperError("no_helper", instance=instance)

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """End the connection, and with it the sandboxes that it ran and did not detach."""
        self._connection.close()

    def fileno(self) -> int:
        """The socket's descriptor, so that a caller may wait for a reply or a hang-up beside other things."""
        return self._connection.fileno()

    def ask(self, request: protocol.Request[Value]) -> Reply[Value]:
        """The reply to a request; raises HelperError with the helper's slug, or `lost_helper` where it went away."""
        self.send(request)
        return self.receive(type(request))

    def send(self, request: protocol.Request[object]) -> None:
        """The first half of `ask`, for those who wait for several things at once."""
        try:
            self._connection.send(protocol.request_packet(request))
        except protocol.ProtocolError as error:
            raise HelperError(error.slug, **error.values) from error
        except BrokenPipeError:  # the helper hung up; why can still be received
            return
        except OSError as error:
            raise HelperError("lost_helper") from error

    def receive(self, kind: type[protocol.Request[Value]]) -> Reply[Value]:
        """The second half of `ask`, for the reply to a request of this kind."""
        packet, descriptors = self._packet()
        try:
            message = protocol.decode(packet)
            if "file" in message:  # a reply too large for a packet came as a memory file
                message, descriptors = {"ok": protocol.decode(_contents(descriptors))}, ()
            if "error" not in message:
                return Reply(protocol.read(protocol.reply_of(kind), message.get("ok")), descriptors)
            why = protocol.read(protocol.Refusal, message)
        except protocol.ProtocolError as error:
            raise HelperError("unreadable_reply") from error
        raise HelperError(why.error, **why.values)

    def observe(self, subjects: Sequence[str]) -> Facts:
        """What the kernel shows now of these subjects; raises HelperError."""
        import msgspec  # noqa: PLC0415  # see above

        from ..facts import Facts  # noqa: PLC0415  # see above

        reply = self.ask(protocol.Observe(list(subjects)))
        try:
            return msgspec.json.decode(_contents(reply.descriptors), type=Facts)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise HelperError("unreadable_reply") from error

    def _packet(self) -> tuple[bytes, tuple[int, ...]]:
        """The next packet and the descriptors beside it."""
        held = array.array("i")
        try:
            packet, beside, _, _ = self._connection.recvmsg(
                protocol.MAXIMUM_PACKET, socket.CMSG_LEN(MAXIMUM_DESCRIPTORS * held.itemsize), socket.MSG_CMSG_CLOEXEC
            )
        except OSError as error:
            raise HelperError("lost_helper") from error
        for level, kind, data in beside:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                held.frombytes(data[: len(data) - len(data) % held.itemsize])
        if not packet:
            raise HelperError("lost_helper")
        return packet, tuple(held)


def connected() -> Client:
    """A connection to the installed helper, else to this user's own, which is started; raises HelperError."""
    try:
        return Client.connect()
    except HelperError as error:
        if error.slug != "no_helper":
            raise
    start_helper()
    return Client.connect()


def start_helper() -> None:
    """Start a helper that runs as this user and ends when it has long been idle; returns once its socket answers.

    Raises HelperError `helper_failed`, with what the helper said, where it did not come up.
    """
    directory = Path(protocol.runtime_directory(instance_name(), os.geteuid()))
    try:
        directory.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, exist_ok=True)
        if not _is_ours(str(directory), os.geteuid()):
            raise HelperError("helper_failed", reason=f"{directory} is not only yours")
        with open(directory / "helper.log", "ab+") as log:
            if os.fstat(log.fileno()).st_size > LONGEST_LOG:
                log.truncate(0)
            _start(log.fileno())
    except OSError as error:
        raise HelperError("helper_failed", reason=f"{directory}: {error.strerror}") from error


def _start(log: int) -> None:
    """Run the helper, wait for it to close or write its standard output, and leave a thread to reap it."""
    import subprocess  # noqa: PLC0415  # see above
    import threading  # noqa: PLC0415  # see above

    main = Path(__file__).resolve().parents[1] / "helper" / "__main__.py"
    before = os.fstat(log).st_size
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-X", "utf8", str(main), "run", "--idle", "30"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,
        cwd="/",
    )
    assert process.stdout is not None  # noqa: S101  # PIPE was asked for
    with process.stdout as ready:
        if not ready.read(1):
            process.wait()
            if _answers():  # somebody else started one at the same time, and was first
                return
            said = os.pread(log, 65536, before).decode("utf-8", "replace").strip()
            raise HelperError("helper_failed", reason=said.splitlines()[-1] if said else f"exit code {process.returncode}")
    threading.Thread(target=process.wait, daemon=True, name="reap the helper").start()


def _answers() -> bool:
    """True where a helper can be talked to."""
    try:
        Client.connect().close()
    except HelperError:
        return False
    return True


def instance_name() -> str:
    """The helper's name; raises HelperError where the environment has a bad one."""
    try:
        return protocol.instance_name()
    except protocol.ProtocolError as error:
        raise HelperError(error.slug, **error.values) from error


def _is_ours(directory: str, uid: int) -> bool:
    """True for a directory that nobody else can have prepared: /tmp is everybody's."""
    try:
        seen = os.lstat(directory)
    except OSError:
        return False
    return seen.st_uid == uid and not seen.st_mode & 0o022 and stat.S_ISDIR(seen.st_mode)


def _connected(path: str) -> socket.socket | None:
    """A connection to the helper at this path, None where none answers or it is not for us."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        return None
    return connection


def _contents(descriptors: Sequence[int]) -> bytes:
    """All of the memory file that came, which is closed; raises HelperError where none did, or one that is too long."""
    try:
        with open(descriptors[0], "rb") as file:
            if file.seek(0, os.SEEK_END) <= LONGEST_ANSWER:
                file.seek(0)
                return file.read()
    except (IndexError, OSError) as error:
        raise HelperError("unreadable_reply") from error
    raise HelperError("unreadable_reply")
