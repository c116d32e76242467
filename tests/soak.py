"""`make soak`: thousands of crashes, a million mangled messages, and events written while their writers are killed.

    python -m tests.soak [--kills N] [--cleaners N] [--messages N] [--events N]      prints one line of figures as JSON

A quarter of an hour as root. Each part ends with what must be true, and raises AssertionError where it is not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests import faults
from tests.census import census, left_in_the_end
from tests.helper_process import remove_directories
from tests.layouts import archive, digest
from workshop.client.connection import Client, HelperError
from workshop.progress.progress import Progress
from workshop.protocol import (
    CreateNetwork,
    Exec,
    Hello,
    List,
    Register,
    Remove,
    Run,
    Step,
    Stop,
    Transferred,
    Unpack,
    Update,
    request_packet,
)

ACCOUNTS = (4001, 4002)
SOCKET = f"/run/{faults.INSTANCE}/helper.sock"
KILLS, CLEANERS, MESSAGES, EVENTS, DOUBLE_KILLS = 2_000, 500, 1_000_000, 10_000, 200
LONGEST_SECONDS = 0.15
"""The helper is killed at some moment of so long a time after it began to serve."""
LAYER = archive(*((f"opt/file{number}", bytes(2000)) for number in range(40)))


def as_account(uid: int) -> Client:
    """A connection of this account's: the kernel keeps the uid of the moment of connecting. Raises OSError where none listens."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end.settimeout(20)
    libc_setresuid(uid)
    try:
        end.connect(SOCKET)
    finally:
        libc_setresuid(0)
    return Client(end)


def libc_setresuid(uid: int) -> None:
    """Change the effective uid of this thread alone (setresuid(2) by its number): other threads connect as somebody else."""
    import ctypes  # noqa: PLC0415  # this one use

    number = {"x86_64": 117, "aarch64": 147}[os.uname().machine]
    ctypes.CDLL(None).syscall(number, ctypes.c_long(-1), ctypes.c_long(uid), ctypes.c_long(-1))


class Server(faults.Helper):
    """A helper that every account may ask, as where it is installed; what it complains of is kept."""

    def __init__(self) -> None:
        """Start it; raises AssertionError with what it said where it does not come up."""
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the helper
        super().__init__(log=self.log.fileno())
        assert self.listens, self.said()
        Path(SOCKET).chmod(0o666)

    def said(self) -> str:
        """All that it complained of."""
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")


class Customer(threading.Thread):
    """An account that does everything that a helper can be in the middle of, one thing after the other."""

    def __init__(self, uid: int) -> None:
        """Begin with `start`."""
        super().__init__(daemon=True)
        self.uid = uid
        self.dice = random.Random(uid)  # noqa: S311  # a test's dice, which must fall the same way again
        self.enough = threading.Event()
        self.done: Counter[str] = Counter()

    def run(self) -> None:
        """Go on until it is enough, whether a helper answers or not."""
        acts = (self.runs, self.executes, self.loads, self.stops, self.joins, self.steps)
        while not self.enough.wait(0.001):
            act = self.dice.choice(acts)
            with contextlib.suppress(HelperError, OSError), as_account(self.uid) as client:
                act(client)
                self.done[act.__name__] += 1

    def runs(self, client: Client) -> None:
        """A box that is left to run, or one that dies with its client."""
        reply = client.ask(Run("busybox", faults.BROOD, detach=self.dice.random() < 0.5))
        faults.close_all(reply.descriptors)

    def executes(self, client: Client) -> None:
        """A program in a box."""
        box = client.ask(Run("busybox", ["sleep", "600"], detach=True)).value.id
        faults.close_all(client.ask(Exec(box, ["sleep", "1"])).descriptors)
        client.ask(Remove(box, force=True))

    def loads(self, client: Client) -> None:
        """A layer, and a name for it."""
        layer = archive(("version", str(self.dice.random()).encode())) if self.dice.random() < 0.5 else LAYER
        reply = client.ask(Unpack(digest(layer)))
        if reply.descriptors:
            with open(reply.descriptors[0], "wb") as pipe:
                pipe.write(layer)
            client.ask(Transferred())
        told = {"rootfs": {"diff_ids": [digest(layer)]}, "config": {"Cmd": ["/version"]}}
        client.ask(Register("soak:1", json.dumps(told)))

    def stops(self, client: Client) -> None:
        """A box that ignores SIGTERM."""
        box = client.ask(Run("busybox", faults.BROOD, detach=True)).value.id
        client.ask(Stop(box, 0))
        client.ask(Remove(box, force=True))

    def joins(self, client: Client) -> None:
        """A box in a network."""
        name = f"n{self.dice.randrange(10**6)}"
        client.ask(CreateNetwork(name))
        faults.close_all(client.ask(Run("busybox", ["sleep", "600"], network=name)).descriptors)

    def steps(self, client: Client) -> None:
        """A box that is made step by step."""
        box = client.ask(Run("busybox", ["sh"], step=True, terminal=True)).value.id
        for _ in range(self.dice.randrange(20)):
            faults.close_all(client.ask(Step(box)).descriptors)


@contextlib.contextmanager
def customers() -> Iterator[list[Customer]]:
    """Two accounts at work."""
    found = [Customer(uid) for uid in ACCOUNTS]
    for one in found:
        one.start()
    try:
        yield found
    finally:
        for one in found:
            one.enough.set()
        for one in found:
            one.join(30)


def crashes(kills: int) -> dict[str, Any]:
    """The helper is killed so often, while two accounts do everything: each next start succeeds at its first try."""
    dice, dirty = random.Random(1), 0  # noqa: S311  # as above
    with customers() as found:
        for _ in range(kills):
            server = Server()
            time.sleep(dice.random() * LONGEST_SECONDS)  # the moment is the experiment: there is nothing to wait for
            server.kill()
            dirty += bool(faults.left())
    return {"kills": kills, "left_something": dirty, "did": dict(sum((one.done for one in found), Counter()))}


def killed_cleaners(kills: int) -> dict[str, Any]:
    """What cleans up after a crash is killed at any moment, too: the next start finds what both left."""
    dice = random.Random(2)  # noqa: S311  # as above
    command = [sys.executable, "-I", faults.MAIN, "reconcile"]
    with customers():
        for _ in range(kills):
            server = Server()
            time.sleep(dice.random() * LONGEST_SECONDS)  # as above
            server.kill()
            with subprocess.Popen(
                command, env=faults.ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as cleaner:
                time.sleep(dice.random() * LONGEST_SECONDS)  # as above
                cleaner.kill()
    return {"killed_cleaners": kills}


def clean() -> None:
    """The last start of all leaves nothing of what went before."""
    server = Server()
    assert faults.left_in_the_end(server) == {}
    server.process.terminate()
    server.process.wait(30)


def mangled(messages: int) -> dict[str, Any]:
    """So many requests with bytes changed, cut out and put in: all are answered or end their connection, and nothing grows."""
    server = Server()
    status = Path(f"/proc/{server.process.pid}")
    workers = [threading.Thread(target=_mangle, args=(uid, messages // len(ACCOUNTS))) for uid in ACCOUNTS]
    _mangle(ACCOUNTS[0], 2_000)
    before = _memory(status), len(list((status / "fd").iterdir()))
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    after = _memory(status), len(list((status / "fd").iterdir()))
    with as_account(ACCOUNTS[0]) as client:
        client.ask(List())
    server.kill()
    assert "Traceback" not in server.said(), server.said()[-2000:]
    assert after[0] < before[0] * 1.3 and after[1] <= before[1] + 4, (before, after)
    return {"messages": messages, "unhandled": 0, "kib": [before[0], after[0]], "descriptors": [before[1], after[1]]}


def _memory(status: Path) -> int:
    """KiB that a process has in memory."""
    line = next(line for line in (status / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


def _mangle(uid: int, count: int) -> None:
    """Send so many, over connections of a hundred messages each or until one is ended."""
    dice, sent = random.Random(uid), 0  # noqa: S311  # as above
    whole = [
        request_packet(one)
        for one in (Hello(), List(True), Run("nothing", ["sh"]), Register("x", "{}"), Stop("x"), Exec("x", ["a"]))
    ]
    while sent < count:
        with as_account(uid) as client, contextlib.suppress(HelperError, OSError):
            for _ in range(min(100, count - sent)):
                sent += 1
                os.write(client.fileno(), _changed(dice, bytearray(dice.choice(whole))))
                client.receive(
                    Update
                )  # whatever it was made to ask: this reply has no fields, and those of others are passed over


def _changed(dice: random.Random, packet: bytearray) -> bytes:
    for _ in range(dice.randrange(1, 5)):
        place = dice.randrange(len(packet)) if packet else 0
        match dice.randrange(3):
            case 0 if packet:
                packet[place] = dice.randrange(256)
            case 1:
                packet[place:place] = dice.choice((b"\0", b'"', b"{", b"]", b"\xff", b"9" * 30, b"\\udc80"))
            case _:
                del packet[place : place + dice.randrange(1, 6)]
    return bytes(packet) or b" "


WRITER = """
import sys
from pathlib import Path
from workshop.progress.events import Event, uuid7
from workshop.progress.progress import Progress
progress = Progress(Path(sys.argv[1]))
while True:
    print(progress.add(Event(uuid7(), 0, "lesson", "step", "verdict", "not_yet", "slug")).id, flush=True)
"""


def events(wanted: int, kills: int) -> dict[str, Any]:
    """Events are written by two programs at once that are both killed, again and again: what was acknowledged is there once."""
    dice, acknowledged = random.Random(3), list[str]()  # noqa: S311  # as above
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "progress.sqlite"
        for number in range(kills):
            acknowledged += _written(path, wanted * (number + 1) // kills - len(acknowledged), dice)
        progress = Progress(path)
        found = Counter(one.id for one in progress.events())
        progress.close()
        aside = [one.name for one in Path(folder).iterdir() if "unreadable" in one.name]
    lost, twice = [one for one in acknowledged if not found[one]], [one for one, count in found.items() if count > 1]
    assert (lost, twice, aside) == ([], [], [])
    return {"events": len(acknowledged), "double_kills": kills, "lost": len(lost), "twice": len(twice)}


def _written(path: Path, least: int, dice: random.Random) -> list[str]:
    """Ids that two writers acknowledged before both were killed, so many at least."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) for _ in range(2)]
    found: list[str] = []
    lock = threading.Lock()

    def take(stream: Any) -> None:
        for line in stream:
            if line.endswith(b"\n"):
                with lock:
                    found.append(line.decode().strip())

    readers = [threading.Thread(target=take, args=(one.stdout,)) for one in writers]
    for reader in readers:
        reader.start()
    while len(found) < least:
        assert any(one.poll() is None for one in writers), "both writers ended by themselves"
        time.sleep(0.005)
    time.sleep(dice.random() * 0.02)  # the moment is the experiment
    for one in writers:
        one.kill()
    for reader, one in zip(readers, writers, strict=True):
        reader.join()
        one.wait()
    return found


def main() -> None:
    """All parts, and one line of figures."""
    parser = argparse.ArgumentParser()
    for name, usual in (("kills", KILLS), ("cleaners", CLEANERS), ("messages", MESSAGES), ("events", EVENTS)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    before, began = census(), time.monotonic()
    figures: dict[str, Any] = {}
    parts: list[Callable[[], dict[str, Any]]] = [
        lambda: crashes(asked.kills),
        lambda: killed_cleaners(asked.cleaners),
        lambda: mangled(asked.messages),
        lambda: events(asked.events, DOUBLE_KILLS),
    ]
    try:
        for part in parts:
            figures |= part()
            clean()
    finally:
        faults.end_all()
        remove_directories(faults.INSTANCE)
    assert left_in_the_end(before) == {}
    print(json.dumps({**figures, "minutes": round((time.monotonic() - began) / 60, 1)}))


if __name__ == "__main__":
    main()
