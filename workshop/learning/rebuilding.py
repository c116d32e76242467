"""What a step needs and has gone since: when to offer it again, for the screens and for plain mode."""

from __future__ import annotations

from ..course import Typed
from .session import Session


def missing(session: Session) -> tuple[Typed, ...]:
    """The first lines to type so that the current step can be done; () where nothing is missing, or where nothing is to
    be done: a step that was passed before, or that waits for another one.

    Raises HelperError.
    """
    waits = session.check().kind == "not_yet"
    return session.rebuild() if waits and session.state(session.step) != "passed" else ()
