"""The networks of this helper: whose they are, who is in them, and the names by which those find each other.

A network is a bridge in a network namespace of its own, held by nothing but the helper's socket in it. When that is closed,
by removing the network or by the helper's end however it comes, the kernel takes it apart with all that is plugged in.
The host's network namespace, its interfaces, routes and firewall, never change.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from dataclasses import dataclass, field

from ...protocol import NO_NETWORK, NetworkInfo, NetworkMember, ProtocolError
from ..kernel import netlink

EACH = 8
"""How many networks one owner may have."""
PREFIX = 16
INTERFACE = "eth0"
_FIRST_SUBNET = 18  # 172.18.0.0/16, where Docker's begin too
_HOSTS = 65534
_SAME_FOR_ALL = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


@dataclass(frozen=True)
class Member:
    """A sandbox in a network: its address there, and the names that lead to it."""

    address: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Plug:
    """What connects a sandbox that is being started: the socket, the bridge's port, the address, the file of names."""

    switch: socket.socket
    port: str
    address: str
    hosts: str

    def put_into(self, pid: int) -> None:
        """Give the network namespace of this process an interface that ends at the bridge; raises OSError."""
        netlink.ask(self.switch, netlink.pair(self.port, INTERFACE, pid))


@dataclass
class Network:
    """One network: `number` is that of its subnet among its owner's, `given` counts addresses."""

    id: str
    name: str
    owner: int
    number: int
    switch: socket.socket
    hosts: str
    created: float = field(default_factory=time.time)
    given: int = 0
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def subnet(self) -> str:
        """All addresses of this network's."""
        return f"172.{_FIRST_SUBNET + self.number}.0.0/{PREFIX}"

    def address(self, host: int) -> str:
        """An address of this network's, the second for host 0: the first is a gateway's by custom."""
        return f"172.{_FIRST_SUBNET + self.number}.{(host + 2) // 256}.{(host + 2) % 256}"

    def info(self) -> NetworkInfo:
        """What its owner may know of it."""
        members = {key: NetworkMember(one.names[0], one.address) for key, one in self.members.items()}
        return NetworkInfo(self.id, self.name, self.created, self.subnet, members)

    def join(self, sandbox: str, names: tuple[str, ...]) -> Plug:
        """Reserve the next address for a sandbox, and let the others know its names."""
        taken = {one.address for one in self.members.values()}
        while (address := self.address(self.given % (_HOSTS - 2))) in taken:
            self.given += 1
        port = f"port{self.given}"
        self.given += 1  # an address goes round once before it is another's: nobody meets the wrong neighbour
        self.members[sandbox] = Member(address, names)
        self.write_hosts()
        return Plug(self.switch, port, address, self.hosts)

    def write_hosts(self) -> None:
        """Write hosts(5) in place, since the file is mounted in every member."""
        text = hosts_text(tuple(self.members.values())).encode()
        descriptor = os.open(self.hosts, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            os.write(descriptor, text)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)


class Networks:
    """All networks by id; every method that takes an owner finds that owner's only (root finds all)."""

    def __init__(self, directory: str) -> None:
        """None yet; their files of names will be in this directory."""
        self.directory = directory
        self.all: dict[str, Network] = {}

    def of(self, owner: int) -> list[Network]:
        """The networks that this uid may know of, oldest first."""
        return [one for one in self.all.values() if owner in (0, one.owner)]

    def find(self, owner: int, reference: str) -> Network:
        """By name or the beginning of an id, one's own first; raises ProtocolError `no_such_network`."""
        known = sorted(self.of(owner), key=lambda one: one.owner != owner)
        named = [one for one in known if one.name == reference]
        if found := named or [one for one in known if reference and one.id.startswith(reference)]:
            return found[0]
        raise ProtocolError("no_such_network", network=reference)

    def create(self, owner: int, name: str) -> Network:
        """A new network; raises ProtocolError where it is refused, or `network_failed` with the kernel's reason."""
        mine = [one for one in self.all.values() if one.owner == owner]
        if os.geteuid():
            raise ProtocolError("network_needs_root")
        if name in {one.name for one in mine} | {NO_NETWORK}:
            raise ProtocolError("network_name_taken", name=name)
        if len(mine) >= EACH:
            raise ProtocolError("too_many_networks", maximum=EACH)
        number = min(set(range(EACH)) - {one.number for one in mine})
        identity = os.urandom(32).hex()
        made = Network(identity, name, owner, number, _new_switch(), f"{self.directory}/{identity}")
        self.all[identity] = made
        return made

    def remove(self, network: Network) -> None:
        """Take a network apart; raises ProtocolError `network_in_use` while a sandbox is in it."""
        if network.members:
            raise ProtocolError("network_in_use", network=network.name, container=next(iter(network.members.values())).names[0])
        del self.all[network.id]
        network.switch.close()
        with contextlib.suppress(FileNotFoundError):  # nobody was ever in it
            os.unlink(network.hosts)

    def leave(self, sandbox: str) -> None:
        """Forget the address of a sandbox that has ended; its interface went with its namespace."""
        for network in self.all.values():
            if network.members.pop(sandbox, None):
                network.write_hosts()

    def left(self) -> list[str]:
        """The files that a crash left. The networks themselves went with their helper.

        Nobody can list the directory: the files tell names, and a file's own name, an id, is known to its owner only.
        """
        os.makedirs(self.directory, mode=0o711, exist_ok=True)
        return [f"{self.directory}/{name}" for name in os.listdir(self.directory)]


def hosts_text(members: tuple[Member, ...]) -> str:
    """hosts(5) for all who are in a network."""
    return _SAME_FOR_ALL + "".join(f"{one.address}\t{' '.join(dict.fromkeys(one.names))}\n" for one in members)


def _new_switch() -> socket.socket:
    """A bridge in a new network namespace; raises ProtocolError `network_failed`."""
    with contextlib.ExitStack() as undo:
        try:
            switch = undo.enter_context(netlink.open_namespace())
            netlink.ask(switch, netlink.bridge("bridge"))
        except OSError as error:
            raise ProtocolError("network_failed", reason=str(error)) from error
        undo.pop_all()
    return switch
