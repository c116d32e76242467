"""What an image's configuration says (OCI image specification, "Image Configuration"): a caller's text, so read with care."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from ...protocol import ProtocolError
from .channel import MOST_LAYERS
from .layers import DIGEST

DEEPEST = 32
"""So many objects and lists may stand in each other: the specification needs six, and Python's own limit is each version's."""


@dataclass(frozen=True)
class Configuration:
    """What the helper reads of one: diff ids, the bottom layer's first, and the command that runs where none is given."""

    layers: list[str]
    command: list[str]


def read(config: str) -> Configuration:
    """What a configuration says, which came in a packet and is no longer than one.

    Raises ProtocolError `bad_config` where it is none, or a text in it could not be handed to the kernel or to a terminal, and
    `bad_layer_count`.
    """
    try:
        told = json.loads(config)
        if not _is_clean(told):
            raise ProtocolError("bad_config")
        layers, inner = _texts(told["rootfs"]["diff_ids"]), _or_none(told, "config", {})
        command = _texts(_or_none(inner, "Entrypoint", [])) + _texts(_or_none(inner, "Cmd", []))
        _require_objects(_or_none(told, "history", []))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ProtocolError("bad_config") from error
    if not all(map(DIGEST.fullmatch, layers)):
        raise ProtocolError("bad_config")
    if not 1 <= len(layers) <= MOST_LAYERS:
        raise ProtocolError("bad_layer_count", maximum=MOST_LAYERS)
    return Configuration(layers, command or ["sh"])


def of_busybox(digest: str) -> str:
    """The configuration of the image whose one layer is made of this machine's own programs."""
    machine = os.uname().machine
    return json.dumps(
        {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine),
            "os": "linux",
            "config": {"Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [digest]},
            "history": [{"created_by": "the programs of this machine"}],
        }
    )


def _is_clean(value: Any, deepest: int = DEEPEST) -> bool:
    """True where no text in it, a key neither, holds a NUL or half of a surrogate pair: JSON can write both as `\\u....`.

    False for what is too deep.
    """
    if isinstance(value, dict):
        return deepest > 0 and all(_is_clean(key) and _is_clean(one, deepest - 1) for key, one in value.items())
    if isinstance(value, list):
        return deepest > 0 and all(_is_clean(one, deepest - 1) for one in value)
    return not isinstance(value, str) or b"\0" not in value.encode("utf-8")  # raises UnicodeError, a ValueError


def _or_none(told: dict[str, Any], key: str, default: Any) -> Any:
    """What stands under a key; the default where that is null, or nothing does."""
    found = told.get(key)
    return default if found is None else found


def _texts(value: Any) -> list[str]:
    """A list of texts; raises TypeError for anything else."""
    if type(value) is not list or not all(type(one) is str for one in value):
        raise TypeError
    return value


def _require_objects(value: Any) -> None:
    """Raise TypeError for what is no list of objects, as a history must be: clients read it."""
    if type(value) is not list or not all(type(one) is dict for one in value):
        raise TypeError
