"""Packets between the helper and a child that it forked, with descriptors beside them."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Generator, Iterable

from ...protocol import ProtocolError

MOST_LAYERS = 48
"""So many descriptors come in one packet, and so many names fit into overlay's options."""


class Channel:
    """One side's end: the helper's, which may not block, or the child's."""

    def __init__(self, end: socket.socket) -> None:
        """One end of a socket pair."""
        self.end = end

    def send(self, word: str, *descriptors: int) -> None:
        """Send a word; raises ProtocolError where the other side is gone, with the last word that it left."""
        try:
            socket.send_fds(self.end, [word.encode()], descriptors)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise refusal(self.receive()[0]) from error

    def receive(self) -> tuple[str, list[int]]:
        """The next packet, empty at the end; raises OSError EMFILE where descriptors beside it found no room."""
        try:
            return self._receive()
        except ConnectionResetError:  # told once, of a side that went without reading all: what it said is still there
            return self._receive()

    def _receive(self) -> tuple[str, list[int]]:
        data, descriptors, flags, _ = socket.recv_fds(self.end, 4096, MOST_LAYERS, socket.MSG_CMSG_CLOEXEC)
        if flags & socket.MSG_CTRUNC:
            close(descriptors)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return data.decode("utf-8", "replace"), descriptors

    def expect(self, word: str) -> tuple[str, list[int]]:
        """What follows the word; raises ProtocolError where something else, or nothing, comes."""
        packet, descriptors = self.receive()
        first, _, rest = packet.partition(" ")
        if first != word:
            raise refusal(packet)
        return rest, descriptors

    def await_word(self, word: str) -> Generator[int, None, tuple[str, list[int]]]:
        """As `expect`, for the helper's side."""
        yield self.end.fileno()
        return self.expect(word)


def refusal(packet: str) -> ProtocolError:
    """The refusal that a child's last packet stands for."""
    word, _, rest = packet.partition(" ")
    if word in ("command_not_found", "command_not_executable"):
        return ProtocolError(word, command=rest)
    return ProtocolError("start_failed", reason=rest if word == "failed" else "the program died before it began")


def close(descriptors: Iterable[int]) -> None:
    """Close all of these."""
    for descriptor in descriptors:
        os.close(descriptor)
