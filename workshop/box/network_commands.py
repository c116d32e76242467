"""`box network`: networks that boxes reach each other on, in the manner of Docker's."""

from __future__ import annotations

import json

import click

from .. import protocol
from ..words import escaped
from .helper_call import BoxError, each, helper
from .options import Command, Group, say
from .tables import moment, network_table


class NetworkCommand(Command):
    """A command whose words are those of `network_NAME`."""

    text_prefix = "network_"


class NetworkGroup(Group):
    """The group `box network`."""

    command_class = NetworkCommand


@click.group("network", cls=NetworkGroup)
def network_group() -> None:
    """Stand over the commands on networks; its help is in the texts."""


@network_group.command()
@click.argument("name")
def create(name: str) -> None:
    """Make a network and print its id."""
    with helper() as client:
        click.echo(client.ask(protocol.CreateNetwork(name)).value.id)


@network_group.command()
def ls() -> None:
    """List networks."""
    click.echo(network_table(_listed()))


@network_group.command()
@click.argument("network", nargs=-1, required=True)
def rm(network: tuple[str, ...]) -> int:
    """Remove networks."""
    return each(network, lambda client, name: client.ask(protocol.RemoveNetwork(name)))


@network_group.command()
@click.argument("network")
def inspect(network: str) -> None:
    """Show everything about a network."""
    known = _listed()
    found = [one for one in known if network == one.name] or [one for one in known if one.id.startswith(network)]
    if not found:
        raise BoxError(say("helper.no_such_network", network=escaped(network)))
    click.echo(json.dumps([_details(found[0])], indent=4))


def _listed() -> tuple[protocol.NetworkInfo, ...]:
    """The user's networks."""
    with helper() as client:
        return client.ask(protocol.Networks()).value.networks


def _details(one: protocol.NetworkInfo) -> dict[str, object]:
    """A network under the keys of `docker network inspect`."""
    length = one.subnet.partition("/")[2]
    members = {key: {"Name": member.name, "IPv4Address": f"{member.address}/{length}"} for key, member in one.containers.items()}
    return {
        "Name": one.name,
        "Id": one.id,
        "Created": moment(one.created),
        "Driver": "bridge",
        "IPAM": {"Config": [{"Subnet": one.subnet}]},
        "Containers": members,
    }
