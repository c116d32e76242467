"""Recorded evidence: a case of a check, as it lies in lessons/NUMBER_LESSON/facts/STEP__NAME.json."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..facts import Evidence
from .lesson import ContentError

CASE_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Case:
    """Evidence, and what the check of `step` must say of it: a verdict's kind and its slug."""

    step: str
    verdict: str
    slug: str
    evidence: Evidence


def read_case(path: Path) -> Case:
    """A case from its file; raises ContentError that says what to do."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Case)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ContentError(f"{path}: {error}; record it again") from error


def write_case(folder: Path, name: str, case: Case) -> Path:
    """Save a case in a lesson's folder; returns the file. Raises ContentError for a name that is no name."""
    if not CASE_NAME.fullmatch(name):
        raise ContentError(f"a case is named by small letters, digits and underscores, such as queue_in_container, not {name!r}")
    path = folder / "facts" / f"{case.step}__{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(sparse(case)), indent=1) + b"\n")
    return path


def sparse(value: Any) -> Any:
    """A dataclass as nested dictionaries without what is at its default, so that a person can read what matters."""
    if isinstance(value, tuple):
        return [sparse(one) for one in value]
    if not dataclasses.is_dataclass(value):
        return value
    pairs = ((one, getattr(value, one.name)) for one in dataclasses.fields(value))
    return {one.name: sparse(part) for one, part in pairs if part != _default(one)}


def _default(field: dataclasses.Field[Any]) -> Any:
    """A field's default, MISSING where it must be given."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
