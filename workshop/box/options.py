"""How `box` reads its command line: sizes, processors and counts as Docker writes them, help and errors in two languages."""

from __future__ import annotations

import re
from typing import Any

import click

from .. import words

UNITS = "bkmgtp"


def say(name: str, /, **values: object) -> str:
    """The text `area.name` in the user's language."""
    return words.say(words.language_of(), name, **values)


def told(error: words.WordedError) -> str:
    """The sentence of an error in the user's language, safe to print."""
    return words.sentence(words.language_of(), error, words.escaped)


class Quantity(click.ParamType):  # type: ignore[type-arg]  # it takes a type since click 8.4, and 8.1 is allowed
    """A value that is told to the helper as a whole number. `lift` allows -1: no limit any more."""

    def __init__(self, lift: bool = False) -> None:
        """Read values; with `lift` also -1."""
        self.lift = lift

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; fails with the option's name and an example of how to write it."""
        if isinstance(value, int):
            return value
        number = -1 if self.lift and value == "-1" else self.number(value)
        if number is None:
            option = param.opts[-1] if param else self.name
            self.fail(say(f"box.bad_{self.name}", value=value, option=option), param, ctx)
        return number

    def number(self, text: str) -> int | None:
        """The number in a text, None where it is none."""
        raise NotImplementedError


class Bytes(Quantity):
    """`64m` and the like, in powers of 1024, as bytes."""

    name = "bytes"

    def number(self, text: str) -> int | None:
        """Bytes in a size such as 512k, 64m, 1.5GiB or 1048576."""
        found = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?(?:([bkmgtp])|([kmgtp])i?b)?", text.lower(), re.ASCII)
        if not found:
            return None
        count = float(found[1]) if "." in found[1] else int(found[1])
        return int(count * 1024 ** UNITS.index(found[2] or found[3] or "b"))


class Cpus(Quantity):
    """`0.5` processors, as thousandths of one."""

    name = "decimal"

    def number(self, text: str) -> int | None:
        """Thousandths of a processor; less than one of them is no number, lest it read as no limit."""
        found = re.fullmatch(r"[0-9]{0,6}\.?[0-9]{0,18}", text, re.ASCII)
        if not found or not re.search("[0-9]", text):
            return None
        millicpus = round(float(text) * 1000)
        return millicpus if millicpus or not float(text) else None


class Count(Quantity):
    """A plain number."""

    name = "int"

    def number(self, text: str) -> int | None:
        """The number in a text of digits."""
        return int(text) if re.fullmatch("[0-9]{1,9}", text, re.ASCII) else None


class Command(click.Command):
    """A command whose help is `box.help_NAME`, and that of its options `box.option_LONG_NAME`."""

    text_prefix = ""
    """Before the name, where a command within a group has the name of another one."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        """Options that stand after the first argument belong to what runs in the box."""
        super().__init__(*arguments, **keywords)
        self.allow_interspersed_args = not any(one.name == "command" for one in self.params)

    def get_short_help_str(self, limit: int = 45) -> str:
        """The line that stands in the list of commands."""
        return say(f"box.help_{self.text_prefix}{self.name}")

    def get_help(self, ctx: click.Context) -> str:
        """The page that `--help` shows."""
        translated(self, ctx)
        return super().get_help(ctx)


class Group(click.Group):
    """A group of commands."""

    command_class: type[click.Command] = Command
    text_prefix = ""

    def get_short_help_str(self, limit: int = 45) -> str:
        """The line that stands in the list of commands."""
        return say(f"box.help_{self.name}")

    def get_help(self, ctx: click.Context) -> str:
        """The page that `--help` shows."""
        translated(self, ctx)
        return super().get_help(ctx)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command of this name; fails in the user's language where there is none."""
        if self.get_command(ctx, args[0]) is None:
            ctx.fail(say("box.no_such_command", command=args[0]))
        return super().resolve_command(ctx, args)


def translated(command: Command | Group, ctx: click.Context) -> None:
    """Put the user's words into a command's help and that of its options."""
    command.help = say(f"box.help_{command.text_prefix}{command.name}")
    for one in command.get_params(ctx):
        if isinstance(one, click.Option):
            longest = max(one.opts, key=len)
            one.help = say(f"box.option_{longest.strip('-').replace('-', '_')}")


def usage_error(error: click.UsageError) -> str:
    """What is wrong with a command line, and where its help is."""
    context = error.ctx
    path = context.command_path if context else "box"
    return f"{_mistake(error)}\n{say('box.see_help', command=path)}"


def _mistake(error: click.UsageError) -> str:
    """The first line of a usage error."""
    if isinstance(error, click.NoSuchOption):
        return say("box.no_such_option", option=error.option_name)
    if isinstance(error, click.MissingParameter):
        return say("box.missing_argument", argument=error.param.human_readable_name if error.param else "")
    if isinstance(error, click.BadOptionUsage):
        return say("box.option_needs_value", option=error.option_name)
    return error.message
