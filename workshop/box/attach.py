"""Joins the user's terminal or pipes to a program in a box until that program has ended; the terminal is always restored."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal
import struct
import termios
import tty
from collections.abc import Iterator

from ..client.connection import Client
from ..protocol import Stop, Wait

HELD = 65536
PIECE = 4096  # a pipe that poll(2) calls writable takes this much without blocking (PIPE_BUF, pipe(7))
SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)


class SignalError(Exception):
    """A signal ends the client; the box goes with its connection."""

    def __init__(self, number: int) -> None:
        """Keep the signal's number for the exit code."""
        super().__init__(number)
        self.number = number


class Stream:
    """Bytes on their way from one descriptor to another; no more are read than the other end takes."""

    def __init__(self, source: int, sink: int, ours: tuple[int, ...]) -> None:
        """Copy from `source` to `sink`; `ours` are those of the two that are to be closed at the end of the stream."""
        self.source, self.sink, self.ours = source, sink, ours
        self.held = bytearray()
        self.open = True
        self.lost: OSError | None = None

    @property
    def done(self) -> bool:
        """True when the source has ended and everything from it is written."""
        return not (self.open or self.held)

    def wanted(self) -> Iterator[tuple[int, int]]:
        """What to wait for: descriptors and poll(2) events."""
        if self.open and len(self.held) < HELD:
            yield self.source, select.POLLIN
        if self.held:
            yield self.sink, select.POLLOUT

    def move(self, ready: dict[int, int]) -> None:
        """Read and write what is possible now."""
        if self.held and ready.get(self.sink, 0) & ~select.POLLIN:
            self._write()
        if self.open and len(self.held) < HELD and ready.get(self.source, 0) & ~select.POLLOUT:
            self._read()
        if self.done:
            self._close()

    def _read(self) -> None:
        """Take what is there; the master of a terminal that has gone says EIO rather than nothing (pty(7))."""
        with contextlib.suppress(BlockingIOError):
            try:
                piece = os.read(self.source, HELD)
            except BlockingIOError:
                raise
            except OSError:
                piece = b""
            self.held += piece
            self.open = bool(piece)

    def _write(self) -> None:
        """Hand over a piece; where nobody takes it any more, nothing more is read either."""
        with contextlib.suppress(BlockingIOError):
            try:
                del self.held[: os.write(self.sink, self.held[:PIECE])]
            except BlockingIOError:
                raise
            except OSError as error:
                self.held.clear()
                self.open = False
                self.lost = error

    def _close(self) -> None:
        """Close what is ours: the program on the other side sees the end of its input, or that nobody listens."""
        for descriptor in self.ours:
            os.close(descriptor)
        self.ours = ()


class Attachment:
    """One program in a box with the streams that join it to the user."""

    def __init__(self, client: Client, wait: Wait, descriptors: tuple[int, ...], terminal: bool, interactive: bool) -> None:
        """Take over the descriptors of a Run or Exec reply: `wait` asks for that program's end."""
        self.client, self.wait = client, wait
        self.raw = terminal and interactive
        self.terminal = descriptors[0] if terminal else None
        for descriptor in descriptors:
            os.set_blocking(descriptor, False)
        if terminal:
            (master,) = descriptors
            self.outputs = [Stream(master, 1, (master,))]
            self.inputs = [Stream(0, master, ())] if interactive else []
        else:
            *inward, out, err = descriptors
            self.outputs = [Stream(out, 1, (out,)), Stream(err, 2, (err,))]
            self.inputs = [Stream(0, pipe, (pipe,)) for pipe in inward]
        self.stopping: Client | None = None

    def run(self) -> int:
        """The program's exit code; raises SignalError by a signal that ends the client, HelperError for a lost helper.

        Raises OSError where output could not be written.
        """
        with _signals() as arrived, _raw_terminal(0) if self.raw else contextlib.nullcontext():
            self._resize()
            self.client.send(self.wait)
            code = self._pump(arrived)
        self._complain()
        return code

    def _complain(self) -> None:
        """Raise what output was lost by, as on a full disk; that nobody is there any more to read it is no trouble."""
        for stream in self.outputs:
            if stream.lost and stream.lost.errno not in (errno.EPIPE, errno.EIO):
                raise stream.lost

    def _pump(self, arrived: int) -> int:
        """Move bytes until the helper tells the exit code and all output is out."""
        code: int | None = None
        while True:
            ended = code is not None
            waited = [(arrived, select.POLLIN)] if ended else [(arrived, select.POLLIN), (self.client.fileno(), select.POLLIN)]
            ready = _poll([*waited, *self._wanted()], at_once=ended and not any(one.held for one in self.outputs))
            if code is not None and not any(one.source in ready or one.held for one in self.outputs):
                return code
            for stream in [*self.inputs, *self.outputs]:
                stream.move(ready)
            if arrived in ready:
                self._answer(os.read(arrived, 64))
            if code is None and self.client.fileno() in ready:
                code = self.client.receive(Wait).value.code

    def _wanted(self) -> Iterator[tuple[int, int]]:
        """What the streams wait for; once a terminal has gone, nothing more can be typed into it."""
        if self.terminal is not None and self.outputs[0].done:
            self.inputs, self.terminal = [], None
        for stream in [*self.inputs, *self.outputs]:
            yield from stream.wanted()

    def _answer(self, numbers: bytes) -> None:
        """Do what these signals ask for: a new size, a stop, or (asked twice, or with no box to stop) the end."""
        for number in numbers:
            if number == signal.SIGWINCH:
                self._resize()
            elif self.raw or self.wait.process or self.stopping or number == signal.SIGHUP:
                raise SignalError(number)
            else:
                self.stopping = Client.connect()
                self.stopping.send(Stop(self.wait.container))

    def _resize(self) -> None:
        """Give the terminal inside the size of the one outside; its programs get SIGWINCH for it (ioctl_tty(2))."""
        if self.terminal is not None:
            rows, columns = window()
            with contextlib.suppress(OSError):
                fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def window() -> tuple[int, int]:
    """Rows and columns of the user's terminal, 24 and 80 where there is none."""
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(descriptor)
            if size.lines and size.columns:
                return size.lines, size.columns
    return 24, 80


def _poll(wanted: list[tuple[int, int]], at_once: bool) -> dict[int, int]:
    """The events that have come, by descriptor; a descriptor may be wanted for reading and for writing."""
    poller, events = select.poll(), dict[int, int]()
    for descriptor, event in wanted:
        events[descriptor] = events.get(descriptor, 0) | event
        poller.register(descriptor, events[descriptor])
    return dict(poller.poll(0 if at_once else None))


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """A descriptor from which the numbers of arriving signals are read, so that none comes at a bad moment."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


@contextlib.contextmanager
def _raw_terminal(descriptor: int) -> Iterator[None]:
    """The terminal hands over every key as it comes; what was typed ahead is kept (TCSADRAIN, termios(3))."""
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor, termios.TCSADRAIN)
        yield
    finally:
        with contextlib.suppress(termios.error):  # a terminal that has gone needs no restoring
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
