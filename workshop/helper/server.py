"""Who calls, and how much: connections, their identity, their limits. What is asked for is done in operations.

A caller can't make the thread wait: nothing here blocks, a packet is read only when it is whole (SOCK_SEQPACKET), and a
caller who doesn't read its answers loses the connection.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..protocol import MAXIMUM_PACKET, ProtocolError, encode, parse_request
from .answers import Answer, memory_file
from .images.transfers import Transfer
from .operations import perform
from .sandboxes import Execution, Sandbox, Sandboxes

CONNECTIONS_EACH = 32
CONNECTIONS = 512
MARGIN = 64
"""Bytes of a packet that are not the answer's values."""
SHARE = 0.5
"""How much of the thread's time one uid may take, over a longer time."""
BURST_SECONDS = 0.3
"""How much of it at once: for so long may one uid, on all its connections together, keep the others waiting."""


@dataclass
class Allowance:
    """Seconds of the thread's time that a uid has left; refilled with time, negative when it took too much."""

    left: float = BURST_SECONDS
    since: float = field(default_factory=time.monotonic)

    def take(self, seconds: float) -> float:
        """Take some; returns for how long this uid has to wait now."""
        now = time.monotonic()
        self.left = min(BURST_SECONDS, self.left + (now - self.since) * SHARE) - seconds
        self.since = now
        return max(0.0, -self.left / SHARE)


class Connection:
    """One caller's connection."""

    def __init__(self, server: Server, end: socket.socket) -> None:
        """Take the identity from the kernel: what a caller says of itself is never read."""
        self.server = server
        self.end = end
        self.pid, self.uid, _ = struct.unpack("iii", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        self.sandboxes: dict[str, Sandbox] = {}
        self.executions: dict[int, Execution] = {}
        self.transfer: Transfer | None = None
        self.followed: tuple[str, Sandbox] | None = None
        self.waiting = False
        self.open = True

    def read(self) -> None:
        """Handle one packet; a longer one than is allowed was cut by the kernel, and ends the connection."""
        if self.server.holds_back(self):
            return
        try:
            packet, beside, flags, _ = self.end.recvmsg(MAXIMUM_PACKET, 0)
        except BlockingIOError:
            return
        except OSError:
            packet, beside, flags = b"", [], 0
        if not packet or flags & socket.MSG_TRUNC or beside:
            self.close()
            return
        began = time.monotonic()
        self._handle(packet)
        self.server.charge(self, time.monotonic() - began)

    def answer_later(self) -> Callable[[Answer | Exception], None]:
        """What answers when something is over; until then this connection asks nothing more."""
        self.waiting = True

        def answer(outcome: Answer | Exception) -> None:
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
            self.server.sandboxes.kill(sandbox)
        for execution in self.executions.values():
            execution.kill()

    def _handle(self, packet: bytes) -> None:
        """Do what the packet asks for, and answer."""
        if self.waiting:
            self._send({"error": "one_at_a_time", "values": {}})
            return
        try:
            outcome: Answer | Exception | None = perform(self.server.sandboxes, self, parse_request(packet))
        except Exception as error:
            self.waiting = False
            outcome = error
        if outcome is not None:
            self._answer(outcome)

    def _answer(self, outcome: Answer | Exception) -> None:
        """Send an answer, as a memory file where it is too large for a packet, or a refusal."""
        if isinstance(outcome, ProtocolError):
            self._send({"error": outcome.slug, "values": outcome.values})
        elif isinstance(outcome, Exception):  # our own fault: it must neither end the helper nor tell of its insides
            sys.excepthook(type(outcome), outcome, outcome.__traceback__)
            self._send({"error": "broken", "values": {"reason": type(outcome).__name__}})
        elif len(json.dumps(outcome.values, ensure_ascii=False).encode("utf-8", "replace")) > MAXIMUM_PACKET - MARGIN:
            self._send({"file": True}, memory_file(outcome.values))
        else:
            self._send({"ok": outcome.values}, *outcome.descriptors)

    def _send(self, message: dict[str, object], *descriptors: int) -> None:
        """Send a packet; the descriptors are the caller's alone afterwards."""
        try:
            if self.open:
                socket.send_fds(self.end, [encode(message)], descriptors)
        except (OSError, ProtocolError):  # it is gone, or it does not read
            self.close()
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


class Server:
    """The listening socket and everybody who is connected."""

    def __init__(self, sandboxes: Sandboxes, listener: socket.socket, idle: float | None) -> None:
        """Serve these sandboxes on this socket; end after so many idle seconds if a number is given."""
        self.sandboxes = sandboxes
        self.loop = sandboxes.home.loop
        self.listener = listener
        self.connections: set[Connection] = set()
        self._allowances: dict[int, Allowance] = {}
        self._idle = idle
        self._busy_until = time.monotonic()
        listener.setblocking(False)
        self.loop.watch(listener.fileno(), self.accept)
        self._end_if_idle()

    def accept(self) -> None:
        """Take a caller in, or send it away if it, or all together, have too many connections."""
        try:
            end, _ = self.listener.accept()
        except OSError:
            return
        end.setblocking(False)
        connection = Connection(self, end)
        mine = sum(one.uid == connection.uid for one in self.connections)
        if (mine >= CONNECTIONS_EACH and connection.uid != 0) or len(self.connections) >= CONNECTIONS:
            with contextlib.suppress(OSError):
                end.send(json.dumps({"error": "too_many_connections", "values": {"maximum": CONNECTIONS_EACH}}).encode())
            end.close()
            return
        self.connections.add(connection)
        self.loop.watch(end.fileno(), connection.read)

    def dropped(self, connection: Connection) -> None:
        """Listen to it no more."""
        self.connections.discard(connection)
        self.loop.forget(connection.end.fileno())

    def charge(self, connection: Connection, seconds: float) -> None:
        """Count the time that a request took. Root is trusted."""
        if connection.uid != 0:
            self._allowance(connection.uid).take(seconds + 0.0001)

    def holds_back(self, connection: Connection) -> bool:
        """True for a uid that took too much, on whichever of its connections: it is not listened to for a while."""
        pause = self._allowance(connection.uid).take(0.0)
        if pause > 0:
            self.loop.forget(connection.end.fileno())
            self.loop.later(pause, lambda: self._listen_again(connection))
        return pause > 0

    def _allowance(self, uid: int) -> Allowance:
        return self._allowances.setdefault(uid, Allowance())

    def _listen_again(self, connection: Connection) -> None:
        """After a pause, unless it has been closed meanwhile."""
        if connection.open:
            self.loop.watch(connection.end.fileno(), connection.read)

    def _end_if_idle(self) -> None:
        """Stop when there has been nobody and nothing for long enough; else look again then."""
        if self._idle is None:
            return
        now = time.monotonic()
        if self.connections or self.sandboxes.busy():
            self._busy_until = now
        if now - self._busy_until >= self._idle:
            self.loop.stop()
        else:
            self.loop.later(min(1.0, self._idle), self._end_if_idle)
