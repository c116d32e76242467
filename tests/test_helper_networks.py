"""Networks of sandboxes: who reaches whom and by which name, whose they are, and that nothing of them stays."""

from __future__ import annotations

import dataclasses
import errno
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helper_process import (
    INSTANCE,
    Process,
    background,
    execute,
    inspect,
    refusal,
    run,
)  # fmt: skip
from tests.walking import WANTED, walked
from workshop.client.connection import Client
from workshop.helper.engine.networks import EACH, Member, hosts_text
from workshop.helper.kernel import netlink
from workshop.protocol import CreateNetwork, Networks, Remove, RemoveNetwork, Run, Stop

pytest_plugins = ["tests.helper_fixtures"]
pytestmark = pytest.mark.root
UID = 12345


@pytest.fixture
def shop(client: Client) -> Iterator[str]:
    """A network, removed after all who are in it."""
    client.ask(CreateNetwork("shop"))
    yield "shop"
    for network in client.ask(Networks()).value.networks:
        for container in network.containers:
            client.ask(Remove(container, force=True))
        client.ask(RemoveNetwork(network.id))


def links() -> list[str]:
    """Names of the interfaces of this machine's own network namespace."""
    return sorted(path.name for path in Path("/sys/class/net").iterdir())


def test_sandboxes_of_a_network_reach_each_other_by_name_and_address(client: Client, shop: str) -> None:
    """A service that listens in one is asked from another, by its name and by its address."""
    box = background(client, "nc", "-ll", "-p", "80", "-e", "echo", "hello", name="greeting", network=shop)
    assert run(client, "nc", "greeting", "80", network=shop).output == "hello\n"
    assert run(client, "nc", box.address, "80", network=shop).output == "hello\n"
    assert box.network == shop


def test_networks_are_apart(client: Client, shop: str) -> None:
    """From another network, and without any, neither the name nor the address leads there; the default is loopback only."""
    box = background(client, "nc", "-ll", "-p", "80", "-e", "echo", "hello", name="greeting", network=shop)
    client.ask(CreateNetwork("street"))
    assert run(client, "nc", "-w1", "greeting", "80", network="street").code != 0
    assert run(client, "nc", "-w1", box.address, "80", network="street").code != 0
    assert run(client, "nc", "-w1", box.address, "80").code != 0
    assert "eth0" not in run(client, "ip", "link").output


def test_names_come_and_go_while_others_run(client: Client, shop: str) -> None:
    """A running sandbox knows those that came after it, by name and host name, and no more those that have ended."""
    watcher = background(client, network=shop)
    box = background(client, name="greeting", hostname="desk", network=shop)
    assert f"{box.address}\tgreeting desk\n" in execute(client, watcher.id, "cat", "/etc/hosts").output
    client.ask(Stop("greeting", seconds=0))
    assert "greeting" not in execute(client, watcher.id, "cat", "/etc/hosts").output
    assert inspect(client, box.id).address == ""


def test_nobody_inside_writes_the_names(client: Client, shop: str) -> None:
    """The file of names is the helper's: a sandbox reads it and can't change it for the others."""
    ran = run(client, "sh", "-c", "echo 6.6.6.6 greeting >> /etc/hosts", network=shop)
    assert ran.code == 1
    assert "6.6.6.6" not in run(client, "cat", "/etc/hosts", network=shop).output


def test_nobody_outside_reads_the_names(client: Client, shop: str) -> None:
    """Other users of the machine can't list the files, and so not know which there are."""
    background(client, network=shop)
    folder = Path(f"/run/{INSTANCE}/networks")
    assert [len(list(folder.iterdir())), folder.stat().st_mode & 0o777] == [1, 0o711]


def test_an_address_goes_round_before_it_is_anothers(client: Client, shop: str) -> None:
    """The one that comes next has the next address, even where an earlier one is free again."""
    first = background(client, network=shop)
    client.ask(Remove(first.id, force=True))
    assert [first.address, background(client, network=shop).address] == ["172.18.0.2", "172.18.0.3"]


def test_facts_show_the_address(client: Client, shop: str) -> None:
    """A container's interfaces are loopback and eth0 with its address, and the port of a service is told."""
    box = background(client, network=shop)
    server = background(client, "nc", "-ll", "-p", "80", "-e", "echo", "hello", network=shop)
    facts = {one.id: one for one in client.observe(["interfaces", "listeners"]).containers}
    seen = facts[box.id]
    assert (seen.listeners, facts[server.id].listeners) == ((), (80,))
    assert {one.name: one.addresses[:1] for one in seen.interfaces} == {
        "lo": ("127.0.0.1/8",),
        "eth0": (f"{box.address}/16",),
    }


def test_facts_tell_the_networks(process: Process, client: Client, shop: str) -> None:
    """Facts hold the caller's networks, so that what a step made can be undone; not those of others."""
    (seen,) = client.observe([]).networks
    assert (seen.name, seen.subnet) == (shop, "172.18.0.0/16")
    with process.connect(UID) as other:
        assert other.observe([]).networks == ()


def test_one_that_is_made_step_by_step_is_plugged_in_by_a_step(client: Client, shop: str) -> None:
    """Its cable is a step of its own, after which the half-made sandbox has the interface."""
    identity = str(client.ask(dataclasses.replace(WANTED, network=shop)).value.id)
    stops = list(walked(client, identity, "idmap"))
    assert stops[-2].why == "why_plug"
    assert "eth0" in Path(f"/proc/{stops[-1].pid}/net/dev").read_text()


def test_the_hosts_network_does_not_change(client: Client, shop: str) -> None:
    """Neither a network nor a sandbox in it adds an interface to the machine's own."""
    before = links()
    background(client, network=shop)
    assert links() == before
    assert "bridge" not in before


def test_a_network_with_somebody_in_it_stays(client: Client, shop: str) -> None:
    """It is removed only when the last one has left."""
    box = background(client, network=shop)
    assert refusal(client, RemoveNetwork(shop)) == "network_in_use"
    client.ask(Stop(box.id, seconds=0))
    client.ask(RemoveNetwork(shop))
    assert refusal(client, Run("busybox", [], network=shop)) == "no_such_network"


def test_what_is_not_there_or_too_much_is_refused(client: Client, shop: str) -> None:
    """A taken name, a name that is none, one network too many, and one that is not there."""
    assert refusal(client, CreateNetwork(shop)) == "network_name_taken"
    assert refusal(client, CreateNetwork("none")) == "network_name_taken"
    assert refusal(client, CreateNetwork("a/b")) == "bad_name"
    assert refusal(client, RemoveNetwork("street")) == "no_such_network"
    assert refusal(client, RemoveNetwork("")) == "no_such_network"
    for number in range(EACH - 1):
        client.ask(CreateNetwork(f"more{number}"))
    assert refusal(client, CreateNetwork("street")) == "too_many_networks"
    subnets = {one.subnet for one in client.ask(Networks()).value.networks}
    assert len(subnets) == EACH


def test_anothers_network_is_not_there(process: Process, client: Client, shop: str) -> None:
    """An ordinary user sees, joins and removes only their own, and may give one a name that another user has taken."""
    with process.connect(UID) as other:
        assert other.ask(Networks()).value.networks == ()
        assert refusal(other, Run("busybox", [], network=shop)) == "no_such_network"
        assert refusal(other, RemoveNetwork(shop)) == "no_such_network"
        other.ask(CreateNetwork(shop))
        assert [one.name for one in client.ask(Networks()).value.networks] == [shop, shop]
        other.ask(RemoveNetwork(shop))


def test_a_request_is_as_rtnetlink_has_it() -> None:
    """A message is filled up to four bytes everywhere and says its own length, and the peer's namespace is named by a pid."""
    message = netlink.pair("port0", "eth0", 77)
    assert struct.unpack_from("=IH", message) == (len(message), 16)
    assert len(message) % 4 == 0
    assert netlink.attribute(19, struct.pack("=I", 77)) in message
    assert netlink.attribute(3, b"eth0\0") == b"\x09\0\x03\0eth0\0\0\0\0"


@pytest.mark.parametrize(("number", "expected"), [(0, 0), (-errno.EEXIST, errno.EEXIST)])
def test_an_answer_is_read(number: int, expected: int) -> None:
    """The kernel's answer tells an error number, 0 for none."""
    assert netlink.refusal(struct.pack("=IHHIIi", 36, 2, 0, 1, 0, number) + bytes(16)) == expected


@pytest.mark.parametrize("answer", [b"", bytes(20), struct.pack("=IHHII", 16, 2, 0, 1, 0)])
def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    """Anything but an answer raises ValueError."""
    with pytest.raises(ValueError, match="rtnetlink"):
        netlink.refusal(answer)


def test_hosts_tells_each_name_once() -> None:
    """A sandbox whose host name is its name has it once."""
    members: tuple[Any, ...] = (Member("172.18.0.2", ("front", "front")), Member("172.18.0.3", ("clock", "0123456789ab")))
    assert hosts_text(members).splitlines()[2:] == ["172.18.0.2\tfront", "172.18.0.3\tclock 0123456789ab"]
