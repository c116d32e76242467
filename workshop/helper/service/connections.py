"""One caller's connection: its packets, whose they are, and what ends with it. What is asked for is done in operations.

Nothing here blocks: a packet is read only when it is whole (SOCK_SEQPACKET), and a caller who doesn't read its answers loses the
connection.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Protocol

from ...protocol import MAXIMUM_PACKET, ProtocolError, Request, encode, parse_request, plain
from ..engine.sandbox import Execution, Sandbox
from ..engine.sandboxes import Sandboxes
from ..engine.transfers import Transfer
from ..kernel import memory_files
from ..kernel.troubles import contained
from ..operations.answers import Answer, Reply, refusal
from ..operations.sandboxes import perform
from ..watcher.looks import Looks
from . import callers


class Host(Protocol):
    """What a connection needs of the server that it is with."""

    sandboxes: Sandboxes
    looks: Looks

    def holds_back(self, connection: Connection) -> bool:
        """True for a caller that is not listened to for a while."""

    def dropped(self, connection: Connection) -> None:
        """Listen to it no more."""


class Connection:
    """One caller's connection."""

    def __init__(self, server: Host, end: socket.socket, account: int) -> None:
        """Serve this account: what a caller says of itself is never read."""
        self.server = server
        self.looks = server.looks
        self.end = end
        self.pid, _ = callers.peer(end)
        self.uid = account
        self.sandboxes: dict[str, Sandbox] = {}
        self.executions: dict[int, Execution] = {}
        self.transfer: Transfer | None = None
        self.followed: tuple[str, Sandbox] | None = None
        self.waiting = False
        self.open = True

    def read(self) -> None:
        """Handle one packet. One that is longer than is allowed, or comes with descriptors, ends the connection.

        The kernel cuts both off, and says so. Descriptors are never taken in: to close one can take as long as its owner likes,
        where it is a file of a file system that its owner serves.
        """
        if self.server.holds_back(self):
            return
        try:
            packet, _, flags, _ = self.end.recvmsg(MAXIMUM_PACKET, 0)
        except BlockingIOError:
            return
        except OSError:
            packet, flags = b"", 0
        if not packet or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            self.close()
            return
        self._handle(packet)

    def answer_later(self, request: Request[Reply]) -> Callable[[Answer[Reply] | Exception], None]:
        """What answers when something is over; until then this connection asks nothing more."""
        self.waiting = True

        def answer(outcome: Answer[Reply] | Exception) -> None:
            self.waiting = False
            self._answer(outcome)

        return answer

    def is_open(self) -> bool:
        """False once it is closed."""
        return self.open

    def close(self) -> None:
        """End the connection, and all that was to live no longer than it."""
        if not self.open:
            return
        self.open = False
        self.server.dropped(self)
        self.end.close()
        for sandbox in self.sandboxes.values():
            contained(self.server.sandboxes.kill, sandbox)
        for execution in self.executions.values():
            contained(execution.kill)

    def _handle(self, packet: bytes) -> None:
        """Do what the packet asks for, and answer."""
        if self.waiting:
            self._send(refusal(ProtocolError("one_at_a_time")))
            return
        try:
            outcome: Answer[object] | Exception | None = perform(self.server.sandboxes, self, parse_request(packet))
        except Exception as error:
            self.waiting = False
            outcome = error
        if outcome is not None:
            self._answer(outcome)

    def _answer(self, outcome: Answer[object] | Exception) -> None:
        """Send an answer, or a refusal, which is all that there is where an answer can't be made into a packet."""
        try:
            packet, descriptors = _packed(outcome) if isinstance(outcome, Answer) else (refusal(outcome), ())
        except OSError as error:
            packet, descriptors = refusal(error), ()
        self._send(packet, *descriptors)

    def _send(self, packet: bytes, *descriptors: int) -> None:
        """Send a packet; the descriptors are the caller's alone afterwards."""
        try:
            if self.open:
                socket.send_fds(self.end, [packet], descriptors)
        except OSError:  # it is gone, or it does not read
            self.close()
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def _packed(answer: Answer[object]) -> tuple[bytes, tuple[int, ...]]:
    """The packet of an answer and what goes beside it: a memory file with the reply where that is too long for a packet."""
    reply = plain(answer.reply)
    try:
        return encode({"ok": reply}), answer.descriptors
    except ProtocolError:
        return encode({"file": True}), (memory_files.holding(reply),)
