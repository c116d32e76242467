"""Who calls, and how much: who is let in and who is told why not, and everybody's share of the one thread."""

from __future__ import annotations

import contextlib
import socket
import time

from ...protocol import MAXIMUM_PACKET, ProtocolError
from ..engine.loop import Loop
from ..engine.sandboxes import Sandboxes
from ..kernel import descriptors
from ..operations.answers import refusal
from ..watcher.looks import Looks
from .callers import Callers
from .connections import Connection

CONNECTIONS_EACH = 32
CONNECTIONS = 512
ROOTS = 32
"""So many of them are root's, whoever has the others: somebody must be able to look."""
REFUSED = 64
REFUSED_EACH = 4
REFUSED_SECONDS = 2.0
"""So many who were refused, in all and of one account, stay for so long at most to read why."""


class Farewells:
    """Connections that were refused, until their callers have read why.

    One that is closed while a question of its caller's is unread is reset, and the reason lost (unix(7), ECONNRESET).
    """

    def __init__(self, loop: Loop) -> None:
        """Nobody yet."""
        self._loop = loop
        self._held: dict[socket.socket, int] = {}

    def say(self, end: socket.socket, account: int, why: ProtocolError) -> None:
        """Tell why, and keep the connection for a moment where there is room for that."""
        with contextlib.suppress(OSError):
            end.send(refusal(why))
        mine = list(self._held.values()).count(account)
        last = descriptors.is_among_the_last(end.fileno(), descriptors.FOR_ROOT)
        if len(self._held) >= REFUSED or mine >= REFUSED_EACH or last:
            end.close()
            return
        self._held[end] = account
        self._loop.watch(end.fileno(), lambda: self._read(end))
        self._loop.later(REFUSED_SECONDS, lambda: self._close(end))

    def _read(self, end: socket.socket) -> None:
        """Take what it asks, so that nothing is left unread; its own end of the connection ends ours."""
        try:
            asked = end.recv(MAXIMUM_PACKET)
        except BlockingIOError:
            return
        except OSError:
            asked = b""
        if not asked:
            self._close(end)

    def _close(self, end: socket.socket) -> None:
        if self._held.pop(end, None) is not None:
            self._loop.forget(end.fileno())
            end.close()


class Server:
    """The listening socket and everybody who is connected."""

    def __init__(self, sandboxes: Sandboxes, listener: socket.socket, idle: float | None) -> None:
        """Serve these sandboxes on this socket; end after so many idle seconds if a number is given."""
        self.sandboxes = sandboxes
        self.loop = sandboxes.home.loop
        self.listener = listener
        self.connections: set[Connection] = set()
        self.looks = Looks(sandboxes)
        self._callers = Callers()
        self._farewells = Farewells(self.loop)
        self._idle = idle
        self._busy_until = time.monotonic()
        listener.setblocking(False)
        self.loop.watch(listener.fileno(), self.accept)
        self._end_if_idle()

    def accept(self) -> None:
        """Take a caller in, or send it away with the reason. Raises OSError where there is no descriptor for either."""
        try:
            end, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        end.setblocking(False)
        account = self._callers.account(end)
        if why := self._refused(account, end.fileno()):
            self._farewells.say(end, account, why)
            return
        connection = Connection(self, end, account)
        self.connections.add(connection)
        self.loop.watch(end.fileno(), connection.read, account)

    def _refused(self, account: int, descriptor: int) -> ProtocolError | None:
        """Why this account can't have one more connection, None where it can: root has a share that nobody else can take."""
        if descriptors.is_among_the_last(descriptor, descriptors.FOR_CONNECTIONS if account else descriptors.FOR_ROOT):
            return ProtocolError("no_descriptors")
        if len(self.connections) >= (CONNECTIONS - ROOTS if account else CONNECTIONS):
            return ProtocolError("too_many_callers", maximum=CONNECTIONS)
        if account and sum(one.uid == account for one in self.connections) >= CONNECTIONS_EACH:
            return ProtocolError("too_many_connections", maximum=CONNECTIONS_EACH)
        return None

    def dropped(self, connection: Connection) -> None:
        """Listen to it no more."""
        self.connections.discard(connection)
        self.loop.forget(connection.end.fileno())

    def holds_back(self, connection: Connection) -> bool:
        """True for an account that took too much, on whichever of its connections: it is not listened to for a while."""
        pause = self.loop.shares.pause(connection.uid)
        if pause > 0:
            self.loop.forget(connection.end.fileno())
            self.loop.later(pause, lambda: self._listen_again(connection))
        return pause > 0

    def _listen_again(self, connection: Connection) -> None:
        """After a pause, unless it has been closed meanwhile."""
        if connection.open:
            self.loop.watch(connection.end.fileno(), connection.read, connection.uid)

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
