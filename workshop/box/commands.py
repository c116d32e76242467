"""The `box` command: containers in the manner of Docker, asked of the helper. Needs no privileges of its own."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from .. import __version__, protocol
from ..client.connection import Client
from ..words import command_line
from .attach import Attachment, SignalError, window
from .helper_call import BoxError, each, helper
from .image_commands import COMMANDS
from .network_commands import network_group
from .options import Bytes, Command, Count, Cpus, Group, say, usage_error
from .tables import FormatError, container_table, details, formatted, image_table, short

BOX_FAILED = 125
"""The exit code of `run` when box itself or the helper failed, as with Docker; the program's own codes come through."""


@click.group(cls=Group)
@click.version_option(__version__, prog_name="box")
def box() -> None:
    """Stand over all commands; its help is in the texts."""


@box.command(cls=Command)
@click.option("-i", "--interactive", is_flag=True)
@click.option("-t", "--tty", is_flag=True)
@click.option("--rm", "remove", is_flag=True)
@click.option("-d", "--detach", is_flag=True)
@click.option("--name", default="", metavar="string")
@click.option("-h", "--hostname", default="", metavar="string")
@click.option("--cpus", type=Cpus(), default=0)
@click.option("-m", "--memory", type=Bytes(), default=0)
@click.option("--pids-limit", type=Count(), default=0)
@click.option("--step", is_flag=True)
@click.option("--cpuset-cpus", default="", metavar="string")
@click.option("-c", "--cpu-shares", type=Count(), default=0)
@click.option("--cap-drop", multiple=True, metavar="string")
@click.option("-e", "--env", multiple=True, metavar="string")
@click.option("--network", default=protocol.NO_NETWORK, metavar="string")
@click.argument("image")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def run(tty: bool, command: tuple[str, ...], **others: Any) -> int:
    """Start a box and, unless it is detached, stay with it until its end."""
    attached = others["interactive"] and not others["detach"]
    _must_be_terminal(tty, attached)
    if others["step"] and not (tty and attached):
        raise BoxError(say("helper.step_needs_terminal"), BOX_FAILED)
    rows, columns = window()
    request = protocol.Run(command=list(command), terminal=tty, rows=rows, columns=columns, **_named(others))
    limited = request.millicpus or request.pids or request.memory or request.cpus or request.shares
    with helper(BOX_FAILED) as client:
        if limited and not _can_limit(client):
            click.echo(f"box: {say('box.limits_ignored')}", err=True)
        reply = client.ask(request)
        if request.detach:
            _close(reply.descriptors)
            click.echo(reply.value.id)
            return 0
        descriptors = reply.descriptors
        if request.step:
            from .step import walk_through  # noqa: PLC0415  # few runs need it

            descriptors = walk_through(client, reply.value)
        return _attach(client, protocol.Wait(reply.value.id), descriptors, request)


@box.command("exec", cls=Command)
@click.option("-i", "--interactive", is_flag=True)
@click.option("-t", "--tty", is_flag=True)
@click.option("-d", "--detach", is_flag=True)
@click.argument("container")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(tty: bool, container: str, command: tuple[str, ...], interactive: bool, detach: bool) -> int:
    """Run one more program in a box."""
    _must_be_terminal(tty, interactive and not detach)
    rows, columns = window()
    request = protocol.Exec(container, list(command), tty, interactive, detach, rows, columns)
    with helper() as client:
        reply = client.ask(request)
        if detach:
            _close(reply.descriptors)
            return 0
        return _attach(client, protocol.Wait(container, reply.value.process), reply.descriptors, request)


@box.command(cls=Command)
@click.option("-a", "--all", "every", is_flag=True)
@click.option("-q", "--quiet", is_flag=True)
@click.option("--no-trunc", "whole", is_flag=True)
def ps(every: bool, quiet: bool, whole: bool) -> None:
    """List boxes."""
    with helper() as client:
        listed = client.ask(protocol.List(every)).value.containers
    found = sorted(listed, key=lambda one: one.created, reverse=True)
    if quiet:
        for one in found:
            click.echo(short(one.id, not whole))
    else:
        click.echo(container_table(found, time.time(), not whole))


@box.command(cls=Command)
@click.option("-t", "--timeout", "--time", "seconds", type=Count(), default=10)
@click.argument("container", nargs=-1, required=True)
def stop(seconds: int, container: tuple[str, ...]) -> int:
    """End boxes."""
    return each(container, lambda client, name: client.ask(protocol.Stop(name, seconds)))


@box.command(cls=Command)
@click.option("-f", "--force", is_flag=True)
@click.argument("container", nargs=-1, required=True)
def rm(force: bool, container: tuple[str, ...]) -> int:
    """Forget boxes; with force, one that is not there is no failure, as with Docker."""
    return each(container, lambda client, name: client.ask(protocol.Remove(name, force)), missing_is_fine=force)


@box.command(cls=Command)
@click.option("--cpus", type=Cpus(lift=True), default=0)
@click.option("-m", "--memory", type=Bytes(lift=True), default=0)
@click.option("--pids-limit", type=Count(lift=True), default=0)
@click.option("--cpuset-cpus", default="", metavar="string")
@click.option("-c", "--cpu-shares", type=Count(), default=0)
@click.argument("container", nargs=-1, required=True)
def update(container: tuple[str, ...], **limits: Any) -> int:
    """Change the limits of boxes."""
    with helper() as client:
        if not _can_limit(client):
            raise BoxError(say("box.limits_impossible"))
    return each(container, lambda client, name: client.ask(protocol.Update(name, **_named(limits))))


@box.command(cls=Command)
@click.argument("container", nargs=-1, required=True)
def pause(container: tuple[str, ...]) -> int:
    """Freeze boxes."""
    return each(container, lambda client, name: client.ask(protocol.Pause(name)))


@box.command(cls=Command)
@click.argument("container", nargs=-1, required=True)
def unpause(container: tuple[str, ...]) -> int:
    """Let boxes run on."""
    return each(container, lambda client, name: client.ask(protocol.Unpause(name)))


@box.command(cls=Command)
@click.argument("container", nargs=-1, required=True)
def wait(container: tuple[str, ...]) -> int:
    """Wait for boxes to end, and print their exit codes."""
    return each(container, lambda client, name: click.echo(client.ask(protocol.Wait(name)).value.code), quiet=True)


@box.command(cls=Command)
@click.option("-f", "--follow", is_flag=True)
@click.argument("container")
def logs(follow: bool, container: str) -> None:
    """Print what a detached box printed, as it printed it."""
    with helper() as client, contextlib.suppress(KeyboardInterrupt):
        printed = client.ask(protocol.Logs(container)).value
        _print_pieces(printed.pieces)
        while follow and not printed.ended:
            printed = client.ask(protocol.Logs(container, printed.next, wait=True)).value
            _print_pieces(printed.pieces)


@box.command(cls=Command)
@click.option("-f", "--format", "template", default="", metavar="string")
@click.argument("container", nargs=-1, required=True)
def inspect(template: str, container: tuple[str, ...]) -> int:
    """Show everything about boxes."""
    found: list[Mapping[str, object]] = []
    code = each(container, lambda client, name: found.append(details(client.ask(protocol.Inspect(name)).value)), quiet=True)
    try:
        text = "\n".join(formatted(template, one) for one in found) if template else json.dumps(found, indent=4)
    except FormatError as error:
        raise BoxError(say("box.bad_format", part=str(error))) from None
    if text:
        click.echo(text)
    return code


@box.command(cls=Command)
def images() -> None:
    """List images."""
    with helper() as client:
        click.echo(image_table(client.ask(protocol.Images()).value.images, time.time()))


@box.command(cls=Command)
@click.option("--no-stream", is_flag=True)
@click.argument("container", nargs=-1)
def stats(no_stream: bool, container: tuple[str, ...]) -> None:
    """Show what boxes use."""
    from .stats import show  # noqa: PLC0415  # it alone needs facts, which are slow to load

    with helper() as client:
        ids = {client.ask(protocol.Inspect(name)).value.id for name in container}
        with contextlib.suppress(KeyboardInterrupt):
            show(client, ids, not no_stream)


for one in COMMANDS:
    box.add_command(one)


def _named(options: dict[str, Any]) -> dict[str, Any]:
    """Options of the command line under the names that the helper has for them."""
    names = {
        "cpus": "millicpus",
        "pids_limit": "pids",
        "cpuset_cpus": "cpus",
        "cpu_shares": "shares",
        "cap_drop": "dropped",
        "env": "variables",
    }
    found = {names.get(key, key): list(value) if isinstance(value, tuple) else value for key, value in options.items()}
    if "variables" in found:
        given = [
            one if "=" in one else f"{one}={os.environ[one]}" for one in found["variables"] if "=" in one or one in os.environ
        ]
        found["variables"] = given
    return found


def _print_pieces(pieces: Sequence[tuple[int, str]]) -> None:
    """Write each piece to the stream that it came from."""
    for stream, text in pieces:
        file = sys.stdout.buffer if stream == 1 else sys.stderr.buffer
        file.write(text.encode("latin-1", "replace"))
        file.flush()


box.add_command(network_group)


def _must_be_terminal(tty: bool, attached: bool) -> None:
    """Refuse a terminal inside whose keys would come from a pipe or a file."""
    if tty and attached and not os.isatty(0):
        raise BoxError(say("box.not_a_terminal"))


def _attach(client: Client, wait: protocol.Wait, descriptors: tuple[int, ...], request: protocol.Run | protocol.Exec) -> int:
    """The exit code of the program, after its end; 128+n if signal n ended us before."""
    try:
        return Attachment(client, wait, descriptors, request.terminal, request.interactive).run()
    except SignalError as error:
        return 128 + error.number


def _can_limit(client: Client) -> bool:
    """False for a helper without root, which has no control groups to limit anything with."""
    return client.ask(protocol.Hello()).value.root


def _close(descriptors: Sequence[int]) -> None:
    """Close what came with a reply and is not needed."""
    for descriptor in descriptors:
        os.close(descriptor)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Do what the command line says and exit with the code that Docker's users expect."""
    command_line.run("box", lambda: _done(arguments or sys.argv[1:] or ["--help"]))


def _done(arguments: Sequence[str]) -> object:
    """The exit code of this command line; what went wrong is told."""
    try:
        code = box.main(arguments, prog_name="box", standalone_mode=False)
    except click.UsageError as error:
        code, text = BOX_FAILED, usage_error(error)
    except BoxError as error:
        code, text = error.code, error.text
    except click.Abort:  # Ctrl-C before there was anything to hand it to
        code, text = 130, ""
    else:
        text = ""
    if text:
        click.echo(f"box: {text}", err=True)
    return code
