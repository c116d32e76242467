"""Who asked Docker for a container: its daemon does not tell, so the learner's side looks at who asks while it is being made.

Docker starts every container as root for whoever may ask it, and keeps no record of who that was. But it tells at once that a
container is being created, and whoever asked then waits for the answer: the client that waits is seen in /proc with its user.
"""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from ...engines import docker
from ...progress import default_path

STARTING = frozenset({"compose", "create", "restart", "run", "start", "up"})
"""Commands of the client, and parts of paths in Docker's interface, that have a container made or started."""
CLIENTS = ("curl", "docker", "docker-compose")
EVENTS = {"type": ["container", "network"], "event": ["create", "connect"]}
"""A container is created, and connected to its network before it starts, also where that is `none`."""
JUST_NOW_SECONDS = 10.0
"""A client that began longer ago waits for another container, if there is one that has just begun."""
KEPT = 500
SHORTEST_ID = 4
PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Asked:
    """A container that Docker was asked for, as its event tells."""

    id: str
    name: str = ""
    image: str = ""
    composed: bool = False


@dataclass(frozen=True)
class Client:
    """A process of Docker's client: the uid behind it, its words, and when it began (epoch seconds)."""

    pid: int
    began: float
    person: int
    words: tuple[str, ...]


def parse_event(line: bytes) -> Asked | None:
    """The container that an event is about, None where the line is no such event (Docker Engine API, `/events`).

    An event of a network names the container by its id alone.
    """
    try:
        told = json.loads(line)
        actor = told["Actor"]
        attributes = {str(key): str(value) for key, value in actor["Attributes"].items()}
        if told["Type"] == "network":
            return Asked(attributes["container"])
        composed = "com.docker.compose.project" in attributes
        return Asked(str(actor["ID"]), attributes.get("name", ""), attributes.get("image", ""), composed)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def may_have_asked(client: Client, asked: Asked) -> bool:
    """True where the client's command line, or a path of Docker's interface in it, fits the container."""
    words = {*client.words, *(part for word in client.words for part in re.split("[/?&=]", word))} - {""}
    named = _option(client.words, "--name")
    if not STARTING & words or named not in ("", asked.name):
        return False
    by_id = any(len(word) >= SHORTEST_ID and asked.id.startswith(word) for word in words)
    return by_id or asked.composed or bool({asked.name, asked.image} & words)


def who_asked(asked: Asked, clients: Iterable[Client], now: float) -> Client | None:
    """The client that asked for it; None where there is none, or where clients of several people might have."""
    fitting = [one for one in clients if may_have_asked(one, asked)]
    recent = [one for one in fitting if now - one.began <= JUST_NOW_SECONDS] or fitting
    people = {one.person for one in recent}
    return min(recent, key=lambda one: one.began) if len(people) == 1 else None


def _option(words: Sequence[str], name: str) -> str:
    """The value of an option, in either way of writing it; '' where it is not there."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == name or word.startswith(f"{name}="):
            return word.partition("=")[2] or following
    return ""


class Witness:
    """Knows which of Docker's containers are the learner's, from the moment on at which it first could ask Docker."""

    def __init__(self, kept: Path | None = None) -> None:
        """What was seen on other days is in the file `kept`, beside the progress unless it is named."""
        self._kept = kept or default_path().with_name("docker-containers")
        self._own = set(_read(self._kept))
        self._persons = frozenset((os.geteuid(), _person(psutil.Process())))
        self._others: set[str] = set()
        self._undecided: dict[str, Asked] = {}
        self._busy: set[tuple[int, float]] = set()
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()

    def own(self) -> Collection[str]:
        """Ids of the learner's containers; looks for Docker where it was not there before."""
        with self._lock:
            if self._connection is None and (connection := _connected()):
                self._connection = connection
                threading.Thread(target=self._listen, args=(connection,), daemon=True, name="Docker's events").start()
        return frozenset(self._own)

    def close(self) -> None:
        """Listen no more."""
        with self._lock, suppress(OSError):
            if self._connection:
                self._connection.shutdown(socket.SHUT_RDWR)

    def _listen(self, connection: socket.socket) -> None:
        """Take events until there is an end of them: Docker may be restarted."""
        with connection, suppress(OSError), connection.makefile("rb") as stream:
            for line in stream:
                if (asked := parse_event(line)) and asked.id not in self._own | self._others:
                    self._decide(self._undecided.get(asked.id, asked))
        with self._lock:
            self._connection = None

    def _decide(self, asked: Asked) -> None:
        """Whose it is, if that can be seen now: `docker create` may have ended already, and then `docker start` is waited for."""
        waiting = (one for one in clients() if (one.pid, one.began) not in self._busy)
        client = who_asked(asked, waiting, time.time())
        if client:
            self._busy.add((client.pid, client.began))
        if client and client.person in self._persons:
            self._own.add(asked.id)
            _append(self._kept, asked.id)
        elif client:
            self._others.add(asked.id)
        else:
            self._undecided[asked.id] = asked


def clients() -> Iterator[Client]:
    """Docker's clients that run on this machine, as far as this user may see them."""
    for pid in reversed(psutil.pids()):  # the latest first: it may end at any moment
        with suppress(psutil.Error, OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() in CLIENTS:  # psutil's own name() is slower, and some end soon
                process = psutil.Process(pid)
                yield Client(pid, process.create_time(), _person(process), tuple(process.cmdline()))


def _person(process: psutil.Process) -> int:
    """The uid behind a process: of itself or, where that is root's, of the nearest process above that is not; 0 if none is."""
    with suppress(psutil.Error):
        uids = (one.uids().effective for one in (process, *process.parents()))
        return next((uid for uid in uids if uid), 0)
    return 0


def _connected() -> socket.socket | None:
    """A connection on which Docker tells its events, None where it does not let this user."""
    path = os.environ.get("DOCKER_HOST", f"unix://{docker.SOCKET}")
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE_SECONDS)
    try:
        connection.connect(path.removeprefix("unix://"))
        connection.sendall(f"GET /events?filters={quote(json.dumps(EVENTS))} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
    except OSError:
        connection.close()
        return None
    connection.settimeout(None)
    return connection


def _read(kept: Path) -> list[str]:
    with suppress(OSError, UnicodeDecodeError):
        return kept.read_text("ascii").split()[-KEPT:]
    return []


def _append(kept: Path, identity: str) -> None:
    """Keep an id; what can't be kept is known until the workshop ends."""
    with suppress(OSError), open(kept, "a", encoding="ascii") as file:
        file.write(f"{identity}\n")
