"""A verdict as the learner reads it, for the screens and for plain mode."""

from __future__ import annotations

from pathlib import Path

from .language import say
from .session import Session
from .verdict import Verdict


def told(session: Session, verdict: Verdict) -> str:
    """The sentence for a verdict. A broken check's log goes into a file, and the sentence says where it is."""
    if verdict.kind != "broken":
        return session.message(verdict)
    log = str(verdict.values["log"])
    return say(session.language, "tui.broken", reason=log.strip().splitlines()[-1], log=_kept(session.progress.path, log))


def _kept(beside: Path, log: str) -> str:
    """The file that the log was written to, or why it could not be."""
    path = beside.with_name("broken-check.log")
    try:
        path.write_text(log, "utf-8")
    except OSError as error:
        return f"{path}: {error.strerror}"
    return str(path)
