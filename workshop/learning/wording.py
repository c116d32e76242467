"""Verdicts, our own faults and lines to type as the learner reads them, for the screens and for plain mode."""

from __future__ import annotations

import traceback
from pathlib import Path

from ..judging import Verdict
from ..progress import private
from ..words import clean, say, sentence
from ..words.line_breaks import joined
from .session import Session


def told(session: Session, verdict: Verdict) -> str:
    """The sentence for a verdict. A broken check's log goes into a file, and the sentence says where it is.

    Where a container would have passed the step that is not shown to be the learner's, it says whose that may be.
    """
    if verdict.kind != "broken":
        return joined(session.message(verdict), _others(session) if verdict is session.verdict else "")
    log = str(verdict.values["log"])
    path = session.progress.path.parent / "broken-check.log"
    return say(session.language, "tui.broken", reason=log.strip().splitlines()[-1], log=_kept(path, log))


def _others(session: Session) -> str:
    other = session.other
    if other is None:
        return ""
    whose = "nobodys_container" if not other.owners else "others_container"
    return say(
        session.language, f"session.{whose}", container=other.name, engine=other.engine, uid=", ".join(map(str, other.owners))
    )


def fault(session: Session, error: Exception) -> str:
    """The sentence for a failure that is the workshop's own, whose traceback goes into a file."""
    log = "".join(traceback.format_exception(error))
    path = session.progress.path.parent / "workshop-fault.log"
    return say(session.language, "tui.fault", reason=clean(f"{type(error).__name__}: {error}"), log=_kept(path, log))


def not_saved(session: Session) -> str:
    """Why progress is not being saved now, and what to do; '' where it is."""
    trouble = session.recorder.trouble
    return say(session.language, "tui.not_saved", why=sentence(session.language, trouble)) if trouble else ""


def is_key(line: str) -> bool:
    """True for a line that is one control character: a key to press, with no Enter behind it."""
    return len(line) == 1 and not line.isprintable()


def keystrokes(line: str) -> str:
    """What to send to a terminal for a line of a solution."""
    return line if is_key(line) else f"{line}\r"


def readable(line: str) -> str:
    """A line of a solution as one reads it: Ctrl-D for the character 4 (ascii(7))."""
    return f"Ctrl-{chr(ord(line) + 64)}" if is_key(line) else line


def _kept(path: Path, log: str) -> str:
    """The file that the log was written to, or why it could not be."""
    try:
        private.write(path, log.encode("utf-8", "backslashreplace"))
    except OSError as error:
        return f"{path}: {error.strerror}"
    return str(path)
