"""What is seen of interfaces that lead from one container into another, on the real kernel."""

from __future__ import annotations

import subprocess

import pytest

from tests.observed import EVERYTHING, seen, shell

pytestmark = pytest.mark.root


def test_a_cable_between_two_containers_is_seen_at_both_ends() -> None:
    """Each end of a veth pair names the other's number, and a ping shows in the counters of both namespaces."""
    with shell("unshare", *EVERYTHING) as left, shell("unshare", *EVERYTHING) as right:
        facts = seen(0, {}, "interfaces")
        ends = [one.container(facts) for one in (left, right)]
        near, far = (one.init.pid for one in ends if one)
        cable = f"ip link add near netns {near} type veth peer name far netns {far}"
        subprocess.run(cable.split(), check=True)
        left.say("ip addr add 10.99.0.1/24 dev near; ip link set near up")
        right.say("ip link add more type bridge; ip addr add 10.99.0.2/24 dev far; ip link set far up")
        left.say("busybox ping -c 1 10.99.0.2")
        after = seen(0, {}, "interfaces")
        one, other = left.container(after), right.container(after)
        assert one and other
        by_name = {link.name: link for link in (*one.interfaces, *other.interfaces)}
        assert (by_name["near"].peer, by_name["far"].peer) == (by_name["far"].index, by_name["near"].index)
        assert by_name["near"].elsewhere and by_name["near"].up and "10.99.0.1/24" in by_name["near"].addresses
        assert by_name["more"].kind == "bridge"
        assert (one.pings.replies, other.pings.requests) == (1, 1)
