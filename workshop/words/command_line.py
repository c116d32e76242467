"""What `workshop` and `box` have in common: streams that no letter breaks, and an end in words, never in a traceback."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn

LOST = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What a write to standard output fails with where it is a full disk, a file at its limit, a gone terminal, or closed."""


def run(name: str, work: Callable[[], object]) -> NoReturn:
    """Do a command's work and exit with the code that it returns or exits with; 1 where its output could not be written.

    Quietly where nobody reads the output any more, as in `workshop progress | head -1`, else with a sentence.
    """
    furnish()
    try:
        code = _code(work)
        sys.stdout.flush()
    except BrokenPipeError:
        code = 1
        _put_nothing(1, os.O_WRONLY)
    except OSError as error:
        if error.filename is None and error.errno not in LOST:
            raise
        code = 1
        _tell(name, error)
        _put_nothing(1, os.O_WRONLY)  # Python writes what it holds once more at its end (signal, Note on SIGPIPE)
    raise SystemExit(code)


def _code(work: Callable[[], object]) -> object:
    try:
        return work()
    except SystemExit as end:
        return end.code


def furnish() -> None:
    """Every standard stream is there, and takes every text: what its encoding has no letter for is shown as `?`.

    A closed one would otherwise be the next file or socket that is opened. Output still fails (EBADF, write(2)) where its stream
    was closed; what is said on a closed stream of errors nobody wants to know.
    """
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            _put_nothing(descriptor, os.O_RDONLY if descriptor < 2 else os.O_WRONLY)
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115  # to the program's end
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _put_nothing(descriptor: int, flags: int) -> None:
    """Make /dev/null of a standard descriptor, which programs that are started from here have, too."""
    opened = os.open(os.devnull, flags)
    if opened == descriptor:
        os.set_inheritable(descriptor, True)
    else:
        os.dup2(opened, descriptor)
        os.close(opened)


def _tell(name: str, error: OSError) -> None:
    """Say on the other stream which file it was; one without a name is standard output.

    Where that fails as well, nobody is told: what Python still holds of it would else end it with 120 (sys.exit).
    """
    from .language import language_of, say  # noqa: PLC0415  # texts are slow to load, and mostly not needed

    key = "streams.not_written" if error.filename is None else "streams.file"
    try:
        sentence = say(language_of(), key, file=error.filename, reason=error.strerror)
        print(f"{name}: {sentence}", file=sys.stderr, flush=True)
    except OSError:
        _put_nothing(2, os.O_WRONLY)
