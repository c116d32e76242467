"""The commands of `box` on images: load, save, commit, diff, history, rmi, tag. The work is `images`'."""

from __future__ import annotations

import click

from .. import protocol
from ..client.connection import Client
from ..words import escaped
from .helper_call import each, helper
from .options import Command
from .tables import history_table


@click.command(cls=Command)
@click.option("-i", "--input", "source", default="", metavar="string")
@click.option("-q", "--quiet", is_flag=True)
def load(source: str, quiet: bool) -> None:
    """Take images in from an OCI layout: a tar archive, a directory, or standard input."""
    from . import images  # noqa: PLC0415  # archives, hashes and compression are slow to load, and few commands need them

    with helper() as client:
        for name in images.load(client, source):
            if not quiet:
                click.echo(f"Loaded image: {escaped(name)}")


@click.command(cls=Command)
@click.option("-o", "--output", "target", default="", metavar="string")
@click.argument("image")
def save(target: str, image: str) -> None:
    """Give an image out as an OCI layout in a tar archive."""
    from . import images  # noqa: PLC0415  # see above

    with helper() as client:
        images.save(client, image, target)


@click.command(cls=Command)
@click.option("-m", "--message", default="", metavar="string")
@click.argument("container")
@click.argument("name")
def commit(message: str, container: str, name: str) -> None:
    """Make an image of a box: its image's layers, and its own on top."""
    from . import images  # noqa: PLC0415  # see above

    with helper() as client:
        click.echo(images.commit(client, container, name, message))


@click.command(cls=Command)
@click.argument("container")
def diff(container: str) -> None:
    """List what a box has added, changed and deleted."""
    from . import images  # noqa: PLC0415  # see above

    with helper() as client:
        for kind, path in images.diff(client, container):
            click.echo(f"{kind} /{escaped(path)}")


@click.command(cls=Command)
@click.argument("image")
def history(image: str) -> None:
    """Show the layers of an image, the topmost first."""
    from . import images  # noqa: PLC0415  # see above

    with helper() as client:
        click.echo(history_table(images.history(client, image)))


@click.command(cls=Command)
@click.argument("image", nargs=-1, required=True)
def rmi(image: tuple[str, ...]) -> int:
    """Remove images."""

    def remove(client: Client, name: str) -> None:
        found = client.ask(protocol.Image(name)).value
        last = client.ask(protocol.Unregister(name)).value.last
        click.echo(f"Untagged: {escaped(found.name)}")
        if last:
            click.echo(f"Deleted: {found.id}")

    return each(image, remove, quiet=True)


@click.command(cls=Command)
@click.argument("image")
@click.argument("name")
def tag(image: str, name: str) -> None:
    """Give an image one more name."""
    with helper() as client:
        client.ask(protocol.Register(name, client.ask(protocol.Image(image)).value.config))


COMMANDS = (load, save, commit, diff, history, rmi, tag)
