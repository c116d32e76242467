"""Docker: how it answers this learner, how it gets box's image, and which of its containers a lesson's undo may remove."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from ..facts import Facts
from .leftovers import Leftover, Removal

SOCKET = "/run/docker.sock"
IMAGE = "busybox"
IMPORT = f"box run --rm {IMAGE} sh -c 'tar -cf - [!dps]* sbin' | docker import --change 'CMD [\"sh\"]' - {IMAGE}"
"""Gives Docker the image that box has; needs no network."""
REMOVES: Mapping[str, Removal] = {"docker": ("docker", "rm", "-f")}
"""What removes a container; its id comes after it."""
_LIST = ("docker", "ps", "--no-trunc", "--format", "{{.ID}} {{.Image}}")
_NAMES = frozenset({IMAGE, f"{IMAGE}:latest"})
"""Only a container of the lessons' own image can be a lesson's: others are somebody's."""


@dataclass(frozen=True)
class Docker:
    """What was seen of Docker. `trouble` says why it can't be used, '' where it can: a key of texts/*/engine.toml."""

    address: str = ""
    version: str = ""
    image: bool = False
    trouble: str = ""


def seen(environment: Mapping[str, str], patience: float) -> Docker:
    """Docker as it answers this user now."""
    address = environment.get("DOCKER_HOST") or f"unix://{SOCKET}"
    path = address.removeprefix("unix://")
    if not shutil.which("docker", path=environment.get("PATH")):
        return Docker(path, trouble="no_command")
    if path == address:
        return Docker(address, trouble="elsewhere")
    try:
        version = _get(path, "/version", patience)
        return Docker(path, str(json.loads(version)["Version"]), bool(_get(path, f"/images/{IMAGE}:latest/json", patience)))
    except PermissionError:
        return Docker(path, trouble="refused")
    except (TimeoutError, ValueError, LookupError, TypeError):  # nothing, or something else than Docker says
        return Docker(path, trouble="silent")
    except OSError:
        return Docker(path, trouble="no_daemon")


def _get(path: str, what: str, patience: float) -> bytes:
    """The body of Docker's answer over its socket, b'' where that is not 200. Raises OSError.

    HTTP by hand, as the standard library's client takes longer to load than this takes to ask.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(patience)
        connection.connect(path)
        connection.sendall(f"GET {what} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    return body if head.split(b" ", 2)[1:2] == [b"200"] else b""


def give_image() -> bool:
    """Give Docker box's image, for which `box` and `docker` must be on PATH; True where that went well."""
    return subprocess.run(["bash", "-o", "pipefail", "-c", IMPORT], check=False).returncode == 0


def leftovers(before: Facts, now: Facts, _: int, lessons: frozenset[str]) -> list[Leftover]:
    """Containers that appeared since, of the lessons' own image. Pure."""
    return [Leftover("docker", one.id) for one in now.containers if before.same(one) is None and one.id in lessons]


def of_lessons(now: Facts) -> list[str]:
    """The ids of Docker's containers that can be a lesson's; none where Docker runs none, or does not tell this user."""
    if not any(one.engine == "docker" for one in now.containers):
        return []
    with suppress(OSError):
        told = subprocess.run(_LIST, check=False, capture_output=True, text=True).stdout.split()
        return [identity for identity, image in zip(told[::2], told[1::2], strict=True) if image in _NAMES]
    return []
