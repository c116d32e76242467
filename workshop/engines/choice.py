"""Which engine the lessons speak of, Docker where the learner may use it, else box: `decide` is the one place that says so."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..protocol import helper_socket
from ..words import WordedError, clean, say

FENCE = re.compile(r"^```(?P<engine>docker|box)(?P<lines>\n.*?^```)\n?", re.MULTILINE | re.DOTALL)
"""A block of lines to type that is shown with one engine only: its name stands behind the opening fence."""
FOR_DOCKER = ("answers", "no_image")
"""Why Docker is chosen; every other reason is one for box."""
DEFAULT_SOCKET = "/run/docker.sock"
IMAGE = "busybox"
IMPORT = f"box run --rm {IMAGE} sh -c 'tar -cf - [!dps]* sbin' | docker import --change 'CMD [\"sh\"]' - {IMAGE}"
"""Gives Docker the image that box has; needs no network."""
QUICK, PATIENT = 0.5, 5.0
"""Seconds that a daemon may take to answer: when it was not asked for, and when it was."""


@dataclass(frozen=True)
class Docker:
    """What was seen of Docker. `trouble` says why it can't be used, '' where it can: a key of texts/*/engine.toml."""

    address: str = ""
    version: str = ""
    image: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class Choice:
    """What was chosen is told by why it was: a key of texts/*/engine.toml, with its values."""

    why: str = "asked"
    values: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The command that lessons show: docker or box."""
        return "docker" if self.why in FOR_DOCKER else "box"

    @property
    def socket(self) -> str:
        """The path at which this engine listens."""
        if self.name == "docker":
            return str(self.values["address"])
        return helper_socket()

    def fill(self, text: str) -> str:
        """A lesson's text for this engine: `{engine}` and `{socket}` filled in, without the fences marked for the other.

        Other braces in prose, such as awk's, stay.
        """
        own = FENCE.sub(self._own, text).replace("{engine}", self.name)
        return own.replace("{socket}", self.socket) if "{socket}" in own else own

    def _own(self, fence: re.Match[str]) -> str:
        return f"```{fence['lines']}\n" if fence["engine"] == self.name else ""

    def reason(self, language: str) -> str:
        """Which engine and why, as a sentence."""
        why = clean(say(language, f"engine.{self.why}", **self.values))
        return why if self.name == "docker" else say(language, "engine.box", why=why)


class EngineError(WordedError):
    """The engine that was asked for can't be used."""

    area = "engine"


def choose(asked: str | None = None) -> Choice:
    """The engine for these lessons, within a moment; raises EngineError where Docker was asked for and can't be used."""
    if asked == "box":
        return Choice()
    return decide(seen(os.environ, PATIENT if asked else QUICK), asked)


def decide(docker: Docker, asked: str | None = None) -> Choice:
    """Docker where it can be used, else box. Pure; raises EngineError as `choose` does."""
    where = {"address": docker.address}
    if docker.trouble and asked:
        raise EngineError(docker.trouble, **where)
    if docker.trouble:
        return Choice(docker.trouble, where)
    why = "answers" if docker.image else "no_image"
    return Choice(why, {**where, "version": docker.version, "command": IMPORT})


def seen(environment: Mapping[str, str], patience: float) -> Docker:
    """Docker as it answers this user now."""
    address = environment.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"
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
