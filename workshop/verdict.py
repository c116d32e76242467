"""The five verdicts under the name that lessons of other people's import them by; they are made in `workshop.judging`."""

from .judging import Blocked, Broken, Impossible, NotYet, Passed, Value, Verdict

__all__ = ["Blocked", "Broken", "Impossible", "NotYet", "Passed", "Value", "Verdict"]
