"""Undoing a step: what appeared on the machine since it began and is the learner's, found by comparing facts, and removed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..engines import ENGINES, Leftover, Removal, docker
from ..facts import HAND_FOLDER, Facts, Interface
from ..words import say

BY_HAND = frozenset({"bridge", "veth"})
"""Kinds of link that a lesson's commands make."""
ENGINES_LINK = re.compile(r"veth[0-9a-f]{7,}|br-[0-9a-f]{12}|(docker|podman|cni|lxc|lxd|virbr|vnet|vb-|ve-).*")
"""How engines name theirs: one that appears meanwhile is somebody's network, and taking it away would cut that."""
REMOVES: Mapping[str, Removal] = {
    "queue": ("ipcrm", "-q"),
    "segment": ("ipcrm", "-m"),
    "semaphores": ("ipcrm", "-s"),
    "link": ("ip", "link", "delete"),
    "file": ("rm", "-f"),
    **{kind: removal for engine in ENGINES for kind, removal in engine.REMOVES.items()},
}
"""What removes each kind of leftover."""


def leftovers(before: Facts, now: Facts, uid: int, dockers: Collection[str] = ()) -> list[Leftover]:
    """What appeared since `before`: this user's IPC objects, what engines made, root's links, files by hand. Pure.

    Of Docker's containers those whose ids are among `dockers`.
    """
    found = [
        Leftover(kind, str(one.id))
        for kind, old, new in (
            ("queue", before.host.ipc.queues, now.host.ipc.queues),
            ("segment", before.host.ipc.segments, now.host.ipc.segments),
            ("semaphores", before.host.ipc.semaphores, now.host.ipc.semaphores),
        )
        for one in new
        if one.owner == uid and one.id not in {other.id for other in old}
    ]
    for engine in ENGINES:
        found += engine.leftovers(before, now, uid, frozenset(dockers))
    found += [Leftover("link", one.name) for one in _new_links(before, now)] if uid == 0 else []
    return found + [Leftover("file", one) for one in _new_files(before, now)]


def _new_files(before: Facts, now: Facts) -> list[str]:
    """Paths of files by hand that were made since, from the learner's home on."""
    looked = "handmade" in before.subjects and "handmade" in now.subjects
    return [
        f"{HAND_FOLDER}/{one.path}"
        for one in now.handmade
        if looked and one.path not in {other.path for other in before.handmade}
    ]


def _new_links(before: Facts, now: Facts) -> list[Interface]:
    """Links of the host that somebody made by hand since; none where the step did not look at interfaces."""
    if "interfaces" not in before.subjects:
        return []
    old = {one.name for one in before.host.interfaces}
    new = [one for one in now.host.interfaces if one.name not in old and one.kind in BY_HAND]
    return [one for one in new if not ENGINES_LINK.fullmatch(one.name)]


def remove(leftover: Leftover) -> None:
    """Remove it as this user. That it is gone already, or that the command is missing, is no error: the next look tells."""
    with suppress(OSError):
        removal = REMOVES[leftover.kind]
        if callable(removal):
            removal(leftover.name)
        else:
            subprocess.run([*removal, leftover.name], check=False, capture_output=True, cwd=Path.home())


def undo(before: Facts, now: Facts) -> list[Leftover]:
    """Remove what appeared since `before`; returns what was tried."""
    found = leftovers(before, now, os.getuid(), docker.of_lessons(now))
    for leftover in found:
        remove(leftover)
    return found


def removed(tried: Sequence[Leftover], left: Collection[Leftover], language: str) -> list[str]:
    """What was removed, and what of it is left all the same, in sentences. Pure."""
    sentences = [
        say(language, "session.not_removed" if one in left else f"session.removed_{one.kind}", name=one.shown) for one in tried
    ]
    return list(dict.fromkeys(sentences)) or [say(language, "session.nothing_to_undo")]


def end_orphans(before: Facts, now: Facts) -> None:
    """Remove Docker's containers whose terminal was closed: they live on where box's end with it."""
    attached = {one.id for one in now.containers if one.init.terminal}
    for identity in docker.of_lessons(now):
        if identity in attached and identity not in {one.id for one in before.containers}:
            remove(Leftover("docker", identity))
