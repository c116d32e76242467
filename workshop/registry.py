"""Looking at a registry on this machine: it is the learner's own and only HTTP, so the learner's side asks, never the helper."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import Any

from .facts import Registry, Repository, Tag

HOST, PORT = "127.0.0.1", 5050
"""Not 5000, which is where Debian's package starts a registry of the machine's own."""
PATIENCE = 0.5
"""Seconds for each answer: what listens there may be anything."""
MOST = 20
"""Repositories, and tags of each, that are looked at."""
MANIFEST = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


def find(port: int = PORT) -> Registry:
    """The registry that listens on this port of the loopback interface, if one does; raises nothing."""
    connection = HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        headers, _ = _get(connection, "/v2/")
        if not headers.get("docker-distribution-api-version", "").startswith("registry/"):
            return Registry()
        names = _get(connection, "/v2/_catalog")[1].get("repositories") or []
        return Registry(True, tuple(_repository(connection, str(name)) for name in names[:MOST]))
    except (OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError):  # none there, or it speaks otherwise
        return Registry()
    finally:
        connection.close()


def _repository(connection: HTTPConnection, name: str) -> Repository:
    names = _get(connection, f"/v2/{name}/tags/list")[1].get("tags") or []
    return Repository(name, tuple(_tag(connection, name, str(one)) for one in sorted(names)[:MOST]))


def _tag(connection: HTTPConnection, repository: str, name: str) -> Tag:
    headers, manifest = _get(connection, f"/v2/{repository}/manifests/{name}")
    layers = tuple(str(one["digest"]) for one in manifest.get("layers", ()))
    return Tag(name, headers.get("docker-content-digest", ""), layers)


def _get(connection: HTTPConnection, path: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers with names in small letters, and the object in the body; raises ValueError where there is none."""
    connection.request("GET", path, headers={"Accept": MANIFEST})
    answer = connection.getresponse()
    return {name.lower(): value for name, value in answer.getheaders()}, json.loads(answer.read())
