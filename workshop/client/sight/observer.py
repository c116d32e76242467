"""Looking at the kernel through the helper, which is started where it may be and found again when it was restarted."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...engines import lxc
from ...facts import Facts
from ..refusal import HelperError
from . import registry
from .hypervisor import find
from .image_by_hand import look

if TYPE_CHECKING:
    from ..connection import Client
    from .witness import Witness

PROGRAMS = ("busybox", "runc", "docker-registry", "curl", "lxc-start")
"""What a lesson may ask the learner to start, and machines may lack."""
LOOKS: Mapping[str, Callable[[Facts], object]] = {
    "virtual": lambda _: find(),
    "handmade": lambda _: look(Path.home()),
    "registry": lambda facts: registry.find(facts.persons, registry.port_of(facts.caller)),
    "lxc": lambda _: lxc.look(Path.home()),
    "programs": lambda _: tuple(filter(shutil.which, PROGRAMS)),
}
"""The subjects that the learner's own side shows, each for the field of Facts of the same name."""


class Observer:
    """`observer(subjects)` returns Facts; one connection, kept open, so that an idle helper stays while we are here."""

    def __init__(self) -> None:
        """Nothing is connected before the first look."""
        self._client: Client | None = None
        self._witness: Witness | None = None
        self._lock = threading.Lock()

    def __call__(self, subjects: Sequence[str]) -> Facts:
        """What the kernel and the learner's own side show now; raises HelperError where no helper can be had."""
        facts = self._witnessed(self._seen(subjects))
        own: dict[str, Any] = {name: looked(facts) for name, looked in LOOKS.items() if name in subjects}
        return replace(facts, **own)

    def _seen(self, subjects: Sequence[str]) -> Facts:
        with self._lock:
            try:
                return self._open().observe(subjects)
            except HelperError as error:
                if error.slug != "lost_helper":
                    raise
                self._drop()
                return self._open().observe(subjects)
            except BaseException:  # broken off, by a signal say: the answer still to come would be taken for the next one's
                self._drop()
                raise

    def _witnessed(self, facts: Facts) -> Facts:
        """With the learner's uid at those of Docker's containers that the learner was seen to ask for."""
        if self._witness is None:
            from .witness import Witness  # noqa: PLC0415  # psutil is heavy: not before the first frame is painted

            self._witness = Witness()
        own = self._witness.own()
        containers = (replace(one, owners=(facts.caller,)) if one.id in own else one for one in facts.containers)
        return replace(facts, containers=tuple(containers))

    def _open(self) -> Client:
        if self._client is None:
            from ..connection import connected  # noqa: PLC0415  # heavy: not before the first frame is painted

            self._client = connected()
        return self._client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._drop()
        if self._witness:
            self._witness.close()
