"""Looking at a registry on this machine: it is the learner's own and only HTTP, so the learner's side asks, never the helper."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...facts import Registry, Repository, Tag

if TYPE_CHECKING:
    from http.client import HTTPConnection

HOST, PORT = "127.0.0.1", 5050
"""Root's port. Not 5000, which is where Debian's package starts a registry of the machine's own."""
FIRST_PORT, PORTS = 10_000, 20_000
"""Where the others' ports are: below those that the kernel gives to clients (ip_local_port_range)."""
ANSWER_SECONDS = 0.5
"""Seconds for each answer: what listens there may be anything."""
LISTENING = "0A"
"""TCP_LISTEN in /proc/net/tcp (proc_net(5))."""
MOST_LISTED = 20
"""Repositories, and tags of each, that are looked at."""
MANIFEST = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


def port_of(uid: int) -> int:
    """The port of this learner's registry, so that many can have one on a machine."""
    return FIRST_PORT + uid % PORTS if uid else PORT


def address(uid: int) -> str:
    """Where this learner's registry is to listen, as lessons write it."""
    return f"{HOST}:{port_of(uid)}"


def listener(table: str, port: int) -> int | None:
    """The uid of who listens on this port of the loopback interface, or of all, by /proc/net/tcp; None where nobody does."""
    for line in table.splitlines()[1:]:
        words = line.split()
        host, _, number = words[1].partition(":")
        if words[3] == LISTENING and host in ("0100007F", "00000000") and int(number, 16) == port:
            return int(words[7])
    return None


def find(persons: Collection[int], port: int) -> Registry:
    """The registry on this port of the loopback interface, if one of these uids' listens there; raises nothing."""
    from http.client import HTTPConnection, HTTPException  # noqa: PLC0415  # heavy: lessons' words need the address alone

    if listener(Path("/proc/net/tcp").read_text(), port) not in persons:
        return Registry()
    connection = HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        headers, _ = _get(connection, "/v2/")
        if not headers.get("docker-distribution-api-version", "").startswith("registry/"):
            return Registry()
        names = _get(connection, "/v2/_catalog")[1].get("repositories") or []
        return Registry(True, tuple(_repository(connection, str(name)) for name in names[:MOST_LISTED]))
    except (OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError):  # none there, or it speaks otherwise
        return Registry()
    finally:
        connection.close()


def _repository(connection: HTTPConnection, name: str) -> Repository:
    names = _get(connection, f"/v2/{name}/tags/list")[1].get("tags") or []
    return Repository(name, tuple(_tag(connection, name, str(one)) for one in sorted(names)[:MOST_LISTED]))


def _tag(connection: HTTPConnection, repository: str, name: str) -> Tag:
    headers, manifest = _get(connection, f"/v2/{repository}/manifests/{name}")
    layers = tuple(str(one["digest"]) for one in manifest.get("layers", ()))
    return Tag(name, headers.get("docker-content-digest", ""), layers)


def _get(connection: HTTPConnection, path: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers with names in small letters, and the object in the body; raises ValueError where there is none."""
    connection.request("GET", path, headers={"Accept": MANIFEST})
    answer = connection.getresponse()
    return {name.lower(): value for name, value in answer.getheaders()}, json.loads(answer.read())
