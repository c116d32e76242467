"""The operations on networks: each caller's own, as with sandboxes."""

from __future__ import annotations

from ... import protocol
from ...facts import Network
from ...protocol import NAME, Done, NetworkCreated, NetworkList, ProtocolError
from ..engine.sandboxes import Sandboxes
from .answers import DONE, Answer, Caller


def listing(sandboxes: Sandboxes, caller: Caller, _: protocol.Networks) -> Answer[NetworkList]:
    """Every network of the caller's."""
    return Answer(NetworkList(tuple(one.info() for one in sandboxes.home.networks.of(caller.uid))))


def facts(sandboxes: Sandboxes, caller: Caller) -> tuple[Network, ...]:
    """Those that are the caller's own, as facts: root lists those of everybody, but made none of them."""
    own = [one for one in sandboxes.home.networks.of(caller.uid) if one.owner == caller.uid]
    return tuple(Network(one.id, one.name, one.subnet) for one in own)


def create(sandboxes: Sandboxes, caller: Caller, request: protocol.CreateNetwork) -> Answer[NetworkCreated]:
    """A network of the caller's own."""
    if not NAME.fullmatch(request.name):
        raise ProtocolError("bad_name", name=request.name)
    return Answer(NetworkCreated(sandboxes.home.networks.create(caller.uid, request.name).id))


def remove(sandboxes: Sandboxes, caller: Caller, request: protocol.RemoveNetwork) -> Answer[Done]:
    """Without anybody in it, take it apart."""
    networks = sandboxes.home.networks
    networks.remove(networks.find(caller.uid, request.network))
    return DONE
