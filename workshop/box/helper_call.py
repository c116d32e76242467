"""How every `box` command asks the helper, and how a refusal becomes text and an exit code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import click

from ..client import Client, HelperError, connected
from ..words import escaped
from .options import say

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
        raise BoxError(_text(error), NO_PROGRAM.get(error.slug, code)) from error


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
                click.echo(f"box: {_text(error)}", err=True)
                code = code if missing_is_fine and error.slug == "no_such_container" else 1
    return code


def _text(error: HelperError) -> str:
    """The helper's refusal in the user's language, safe to print."""
    values = {key: escaped(value) if isinstance(value, str) else value for key, value in error.values.items()}
    try:
        return say(f"helper.{error.slug}", **values)
    except KeyError:  # a helper that is newer than this client
        return say("box.unknown_refusal", slug=escaped(error.slug))
