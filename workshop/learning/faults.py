"""Failures of ours and of the disk, in words: a traceback goes into a file beside the progress, and the sentence says where."""

from __future__ import annotations

import traceback
from pathlib import Path

from ..progress import ProgressError, private
from ..words import clean, say, sentence


def fault(folder: Path, language: str, error: Exception) -> str:
    """The sentence for a failure that is the workshop's own."""
    log = "".join(traceback.format_exception(error))
    reason = clean(f"{type(error).__name__}: {error}")
    return say(language, "tui.fault", reason=reason, log=_kept(folder / "workshop-fault.log", log))


def broken(folder: Path, language: str, log: str) -> str:
    """The sentence for a check that raised."""
    reason = log.strip().splitlines()[-1]
    return say(language, "tui.broken", reason=reason, log=_kept(folder / "broken-check.log", log))


def not_saved(language: str, trouble: ProgressError | None) -> str:
    """Why progress is not being saved now, and what to do; '' where it is."""
    return say(language, "tui.not_saved", why=sentence(language, trouble)) if trouble else ""


def _kept(path: Path, log: str) -> str:
    """The file that the log was written to, or why it could not be."""
    try:
        private.write(path, log.encode("utf-8", "backslashreplace"))
    except OSError as error:
        return f"{path}: {error.strerror}"
    return str(path)
