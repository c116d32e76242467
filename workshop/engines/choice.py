"""Which engine the lessons speak of, Docker where the learner may use it, else box: `decide` is the one place that says so."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..words import WordedError, clean, say
from . import docker
from .docker import Docker

FENCE = re.compile(r"^```(?P<engine>docker|box)(?P<lines>\n.*?^```)\n?", re.MULTILINE | re.DOTALL)
"""A block of lines to type that is shown with one engine only: its name stands behind the opening fence."""
QUICK, PATIENT = 0.5, 5.0
"""Seconds that a daemon may take to answer: when it was not asked for, and when it was."""
FOR_DOCKER = ("answers", "no_image")
"""Why Docker is chosen; every other reason is one for box."""


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
        from ..protocol import helper_socket  # noqa: PLC0415  # slow to load: not before the first frame is painted

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
    return decide(docker.seen(os.environ, PATIENT if asked else QUICK), asked)


def decide(found: Docker, asked: str | None = None) -> Choice:
    """Docker where it can be used, else box. Pure; raises EngineError as `choose` does."""
    where = {"address": found.address}
    if found.trouble and asked:
        raise EngineError(found.trouble, **where)
    if found.trouble:
        return Choice(found.trouble, where)
    why = "answers" if found.image else "no_image"
    return Choice(why, {**where, "version": found.version, "command": docker.IMPORT})
