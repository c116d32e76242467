"""How every `box` command asks the helper, and how a refusal becomes text and an exit code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import click

from ..client import HelperError
from ..client.connection import Client, connected
from .options import told

NO_PROGRAM = {"command_not_executable": 126, "command_not_found": 127}


class BoxError(Exception):
    """An error of box itself: its text, and the code to exit with."""

    def __init__(self, text: str, code: int = 1) -> None:
        """Keep text and code."""
        super().__init__(text)
        self.text, self.code = text, code


@contextlib.contextmanager
def helper(code: int = 1) -> Iterator[Client]:
    """A connection to the helper, which is started for this user where none listens.

    A refusal ends box with this code, or with the shells' codes for programs that cannot be run.
    """
    try:
        with connected() as client:
            yield client
    except HelperError as error:
        raise BoxError(told(error), NO_PROGRAM.get(error.slug, code)) from error


def each(names: Sequence[str], act: Callable[[Client, str], object], missing_is_fine: bool = False, quiet: bool = False) -> int:
    """Do this to each box and print its name; a failure is told and does not keep the others from it."""
    code = 0
    with helper() as client:
        for name in names:
            try:
                act(client, name)
                if not quiet:
                    click.echo(name)
            except HelperError as error:
                click.echo(f"box: {told(error)}", err=True)
                code = code if missing_is_fine and error.slug == "no_such_container" else 1
    return code
