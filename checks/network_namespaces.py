"""Checks of the lesson on network namespaces: two containers joined by a cable, then by a bridge in a third."""

from __future__ import annotations

from ipaddress import IPv4Interface
from itertools import combinations

from workshop.facts import Container, Evidence, Facts, Interface
from workshop.judging import (
    NotYet,
    Passed,
    Verdict,
    at_terminal,
    gone_of,
    has_own,
    interactive,
    moment,
    newest_first,
    not_a_shell,
    number,
)

Ends = tuple[Container, Interface, Container, Interface]
"""Two containers and the interface of each that is one end of a cable between them."""


def first_started(seen: Evidence) -> Verdict:
    """A shell on a terminal became PID 1 of a container with an empty network namespace of its own."""
    appeared, left = seen.appeared(), _left(seen)
    if left and left in appeared and not _given(seen.now, left):
        return Passed(container=left.name, namespace=left.namespaces.net)
    for container in appeared:
        return _lacking(seen, container)
    return NotYet("already_there", container=left.name) if left else NotYet("no_container")


def _lacking(seen: Evidence, container: Container) -> NotYet:
    """What keeps a container that did start from being the first one."""
    if not at_terminal(container):
        return not_a_shell(container)
    if "net" in container.namespaces.shared_with(seen.now.host.namespaces):
        return NotYet("host_network", container=container.name)
    return NotYet("has_network", container=container.name, name=_given(seen.now, container)[0].name)


def interfaces_counted(seen: Evidence) -> Verdict:
    """The answer is how many interfaces the first container has."""
    answered, left = number(seen.answer), _left(seen)
    if not left or answered is None:
        return NotYet("no_answer") if left else NotYet("no_container")
    if answered == len(left.interfaces):
        return Passed(count=answered, host=len(seen.now.host.interfaces))
    if answered == len(seen.now.host.interfaces):
        return NotYet("host_counted", answered=answered)
    return NotYet("other_count", answered=answered)


def second_started(seen: Evidence) -> Verdict:
    """There is a second container whose network namespace is neither the host's nor the first one's."""
    left, appeared = _left(seen), seen.appeared()
    if not left:
        return NotYet("no_first")
    for container in _others(seen, left):
        if container in appeared and not _given(seen.now, container) and not _bridges(container):
            return Passed(container=container.name, pid=container.init.pid, first=left.init.pid)
    new = [one for one in appeared if one != left and not _bridges(one)]
    return _not_second(seen, left, new[0]) if new else NotYet("no_second")


def _not_second(seen: Evidence, left: Container, container: Container) -> NotYet:
    """What keeps a new container from being the second one."""
    if container.namespaces.net == left.namespaces.net:
        return NotYet("same_network", container=container.name)
    if given := _given(seen.now, container):
        return NotYet("second_has_network", container=container.name, name=given[0].name)
    return NotYet("shares_host", container=container.name)


def cable_laid(seen: Evidence) -> Verdict:
    """A veth pair has one end in the first container and the other in another one."""
    left = _left(seen)
    if not left:
        return NotYet("no_container")
    if found := _cables(seen.now):
        one, end, other, far = found[0]
        if _cables(seen.before):
            return NotYet("already_laid", name=end.name)
        return Passed(container=one.name, name=end.name, index=end.index, other=other.name, far=far.name, far_index=far.index)
    return _misplaced(seen) or NotYet("no_cable", pid=left.init.pid)


def _misplaced(seen: Evidence) -> NotYet | None:
    """Where a new veth or bridge lies instead; None where there is none."""
    known = {one.name for one in seen.before.host.interfaces}
    for link in seen.now.host.interfaces:
        if link.name not in known and link.kind in ("bridge", "veth"):
            return NotYet("on_host", name=link.name)
    for container in seen.now.containers:
        earlier = seen.before.same(container)
        old = {one.name for one in earlier.interfaces} if earlier else set()
        for link in container.interfaces:
            if link.kind == "veth" and not link.elsewhere and link.name not in old:
                return NotYet("both_ends", container=container.name, name=link.name)
    return None


def addresses_given(seen: Evidence) -> Verdict:
    """Both ends of the cable are up and have addresses of one network."""
    found, earlier = _cables(seen.now), _cables(seen.before)
    if not found:
        return NotYet("no_cable_now")
    one, end, other, far = found[0]
    if earlier and (_ready(earlier[0][1]), _ready(earlier[0][3])) == (True, True) == (_ready(end), _ready(far)):
        return NotYet("already_given")
    for container, link in ((one, end), (other, far)):
        if not link.up:
            return NotYet("down", container=container.name, name=link.name)
        if not _addresses(link):
            return NotYet("no_address", container=container.name, name=link.name)
    return _networks_of(_addresses(end)[0], _addresses(far)[0])


def _ready(link: Interface) -> bool:
    """It is up and has an address."""
    return link.up and bool(_addresses(link))


def _networks_of(mine: IPv4Interface, theirs: IPv4Interface) -> Verdict:
    """Whether two addresses reach each other without a router."""
    if mine.ip == theirs.ip:
        return NotYet("same_address", address=str(mine.ip))
    if mine.ip not in theirs.network or theirs.ip not in mine.network:
        return NotYet("two_networks", mine=str(mine), theirs=str(theirs))
    return Passed(mine=str(mine), theirs=str(theirs))


def ping_answered(seen: Evidence) -> Verdict:
    """The first container has counted more replies, and another one that is joined to it more requests, than before."""
    if not _cables(seen.now) and not _bridged(seen.now):
        return NotYet("no_cable_now")
    left = _left(seen)
    replies = _more(seen, left, "replies") if left else 0
    asked = [one for one in seen.now.containers if one != left and _more(seen, one, "requests")]
    if asked and replies:
        return Passed(replies=replies, container=asked[0].name)
    if asked:
        return NotYet("asked_elsewhere", container=asked[0].name)
    return NotYet("pinged_itself") if replies else NotYet("no_reply")


def pinged_through(seen: Evidence) -> Verdict:
    """Both containers that are plugged into one switch have the addresses asked for, and the first one got replies."""
    left, joined = _left(seen), _bridged(seen.now)
    if not left or not joined:
        return NotYet("no_cable_now")
    for place, container in enumerate(sorted(joined, key=lambda one: one != left), 1):
        end = _ends(container)[0]
        if lacking := _not_ready(container, end, place, str(seen.drawn.get("net", ""))):
            return lacking
    return ping_answered(seen)


def _not_ready(container: Container, end: Interface, place: int, net: str) -> NotYet | None:
    """What an end lacks to have this place in the learner's network; any address will do where none was given."""
    given = _addresses(end)
    if not given:
        return NotYet("no_address", container=container.name, name=end.name)
    wanted = IPv4Interface(f"10.{net}.0.{place}/24") if net else given[0]
    other = NotYet("other_address", container=container.name, name=end.name, address=str(given[0]), number=place)
    if wanted.ip not in {one.ip for one in given}:
        return other
    if not end.up:  # the kernel tells the length of its network only when it is up
        return NotYet("down", container=container.name, name=end.name)
    return None if wanted in given else other


def bridge_made(seen: Evidence) -> Verdict:
    """A container has a bridge in its network namespace, and the bridge is up."""
    if not _left(seen):
        return NotYet("no_container")
    bridges = [(one, link) for one in seen.now.containers for link in _bridges(one)]
    up = [(container, link) for container, link in bridges if link.up]
    for container, link in up:
        if not _was_up(seen, container, link):
            return Passed(container=container.name, name=link.name, index=link.index)
    return _not_up(seen, bridges)


def _not_up(seen: Evidence, bridges: list[tuple[Container, Interface]]) -> NotYet:
    """What is there instead of a bridge that has just come up."""
    known = {one.name for one in seen.before.host.interfaces}
    for container, link in sorted(bridges, key=lambda one: not one[1].up):
        return NotYet("already_up" if link.up else "bridge_down", container=container.name, name=link.name)
    for link in seen.now.host.interfaces:
        if link.kind == "bridge" and link.name not in known:
            return NotYet("bridge_on_host", name=link.name)
    return NotYet("no_bridge") if len(_own_networks(seen.now)) > 2 else NotYet("no_third")


def _was_up(seen: Evidence, container: Container, link: Interface) -> bool:
    """The interface was there and up when the step began."""
    earlier = seen.before.same(container)
    return any((one.name, one.up) == (link.name, True) for one in earlier.interfaces) if earlier else False


def ports_plugged(seen: Evidence) -> Verdict:
    """Two containers each have a cable to a port of one bridge, and both ports are up."""
    if not _left(seen):
        return NotYet("no_container")
    found = _bridged(seen.now)
    if found and _bridged(seen.before):
        return NotYet("already_plugged")
    if found:
        return Passed(one=found[0].name, other=found[1].name)
    return _misplaced(seen) or _unplugged(seen)


def _unplugged(seen: Evidence) -> NotYet:
    """What is missing between two containers and a bridge."""
    switch = next((one for one in seen.now.containers if _bridges(one)), None)
    if not switch:
        return NotYet("no_switch")
    cables = [far for near, _, other, far in _all_cables(seen.now) if other == switch and near != switch]
    for port in cables:
        if not port.bridge:
            return NotYet("not_at_bridge", name=port.name, container=switch.name)
        if not port.up:
            return NotYet("port_down", name=port.name, container=switch.name)
    return NotYet("one_port", name=cables[0].name) if cables else NotYet("no_port", container=switch.name)


def peer_named(seen: Evidence) -> Verdict:
    """The answer is the index that the other end of the first container's cable has in its own namespace."""
    answered, left = number(seen.answer), _left(seen)
    ends = [link for link in left.interfaces if link.kind == "veth"] if left else []
    if not ends or answered is None:
        return NotYet("no_answer") if ends else NotYet("no_end")
    if answered in {one.peer for one in ends}:
        port = next((far for near, _, _, far in _all_cables(seen.now) if near == left and far.index == answered), None)
        return Passed(index=answered, name=port.name if port else "?")
    return (
        NotYet("own_index", answered=answered)
        if answered in {one.index for one in ends}
        else NotYet("other_index", answered=answered)
    )


def cables_gone(seen: Evidence) -> Verdict:
    """The container with the bridge was there when the step began and is gone, and so is every cable that led to it."""
    switches = [one for one in seen.before.containers if _bridges(one)]
    if not switches:
        return NotYet("was_not_there")
    gone = gone_of(seen, switches)
    if not gone:
        return NotYet("still_there", container=switches[0].name)
    left = _left(seen)
    if not left:
        return NotYet("first_gone")
    still = [link.name for link in left.interfaces if link.kind == "veth"]
    return NotYet("cable_left", container=left.name, name=still[0]) if still else Passed(container=left.name, switch=gone[0].name)


def all_gone(seen: Evidence) -> Verdict:
    """The first container was there when the step began and is gone, and the host has no new link."""
    earlier = moment(seen.before)
    left = _left(earlier)
    if not left:
        return NotYet("was_not_there")
    if seen.now.same(left):
        return NotYet("still_running", container=left.name)
    if misplaced := _misplaced(seen):
        return misplaced
    others = _others(earlier, left)
    here = [one.name for one in others if seen.now.same(one) and not _outward(one)]
    if here and len(here) == len(others):
        return NotYet("second_running", container=here[0])
    return Passed("others_left", names=", ".join(here)) if here else Passed(count=len(seen.now.host.interfaces))


def interface_count(facts: Facts) -> str:
    """How many interfaces the first container has."""
    left = _left(moment(facts))
    return str(len(left.interfaces)) if left else ""


def peer_index(facts: Facts) -> str:
    """The index of the other end of the first container's cable."""
    left = _left(moment(facts))
    return str(next(link.peer for link in left.interfaces if link.kind == "veth")) if left else ""


def _left(seen: Evidence) -> Container | None:
    """The first container: the newest with a shell on a terminal and a network namespace of its own, without a way out."""
    host = seen.now.host.namespaces
    own = [one for one in interactive(seen) if "net" in one.namespaces.apart_from(host)]
    return next((one for one in own if all(link.kind == "veth" for link in _outward(one))), None)


def _outward(container: Container) -> list[Interface]:
    """Its interfaces that are up or have another end: what could lead out of it."""
    return [one for one in container.interfaces if one.name != "lo" and (one.up or one.peer)]


def _given(facts: Facts, container: Container) -> list[Interface]:
    """Its interfaces with an address that lead to no other container: what an engine gave it."""
    laid = [end for near, end, _, _ in _all_cables(facts) if near == container]
    return [one for one in _outward(container) if one.addresses and one not in laid]


def _bridges(container: Container) -> list[Interface]:
    return [one for one in container.interfaces if one.kind == "bridge"]


def _own_networks(facts: Facts) -> list[Container]:
    """Containers with a network namespace of their own, the newest first."""
    return newest_first(one for one in facts.containers if has_own(one, facts.host.namespaces, ["net"]))


def _others(seen: Evidence, left: Container) -> list[Container]:
    """Containers whose network namespace is neither the host's nor the first container's."""
    return [one for one in _own_networks(seen.now) if one.namespaces.net != left.namespaces.net]


def _all_cables(facts: Facts) -> list[Ends]:
    """Every veth pair between two containers, each seen from both of its ends."""
    found: list[Ends] = []
    for one, other in combinations(_own_networks(facts), 2):
        for end in _ends(one):
            for far in _ends(other):
                if (end.peer, far.peer) == (far.index, end.index):
                    found += [(one, end, other, far), (other, far, one, end)]
    return found


def _ends(container: Container) -> list[Interface]:
    return [link for link in container.interfaces if link.kind == "veth" and link.elsewhere]


def _cables(facts: Facts) -> list[Ends]:
    """Cables from the first container straight to another one that is no bridge's."""
    left = _left(moment(facts))
    return [ends for ends in _all_cables(facts) if ends[0] == left and not ends[3].bridge]


def _bridged(facts: Facts) -> tuple[Container, Container] | None:
    """The first container and another, with a cable each to a port of the same bridge, the ports being up."""
    left = _left(moment(facts))
    plugged = [(near, other, far) for near, _, other, far in _all_cables(facts) if far.bridge and far.up]
    for (one, switch, port), (other, other_switch, other_port) in combinations(plugged, 2):
        if left in (one, other) and one != other and (switch, port.bridge) == (other_switch, other_port.bridge):
            return one, other
    return None


def _addresses(link: Interface) -> list[IPv4Interface]:
    return [IPv4Interface(one) for one in link.addresses if ":" not in one]


def _more(seen: Evidence, container: Container, what: str) -> int:
    """How many more requests or replies a container has counted than when the step began."""
    earlier = seen.before.same(container)
    before = getattr(earlier.pings, what) if earlier else 0
    return int(getattr(container.pings, what)) - before
