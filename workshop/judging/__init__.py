"""Evidence to verdict: the five verdicts, what a check may use to come to one, what a machine lacks, and one attempt judged."""

from .answers import SHELLS, command_of, interactive, is_shell, kinds_named, layers_of, means, number, typed
from .attempt import Others, attempt, content_version, untouched, would_pass
from .requirements import REQUIREMENTS, missing
from .verdict import Blocked, Broken, Impossible, NotYet, Passed, Value, Verdict

__all__ = [
    "REQUIREMENTS",
    "SHELLS",
    "Blocked",
    "Broken",
    "Impossible",
    "NotYet",
    "Others",
    "Passed",
    "Value",
    "Verdict",
    "attempt",
    "command_of",
    "content_version",
    "interactive",
    "is_shell",
    "kinds_named",
    "layers_of",
    "means",
    "missing",
    "number",
    "typed",
    "untouched",
    "would_pass",
]
