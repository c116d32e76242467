"""Checks of the lesson on microservices: three services on one network, one of them replaced while a visitor keeps asking.

A service is a container that listens on a port which others can reach, whatever program does that. Which of them is which
shows in what they run: the clock asks for the date, the front asks the two others by their names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workshop.facts import Container, Evidence, Facts
from workshop.judging import NotYet, Passed, Verdict, command_of, left_of, new_of, number, typed

WINDOW = 8080
"""The port of the second window."""
TICKS = 100
"""Clock ticks of a second in /proc (USER_HZ), on every architecture that Docker runs on."""

Network = tuple[int, int]


@dataclass(frozen=True)
class Shop:
    """Who is on the clock's network, oldest first of each kind."""

    clock: tuple[Container, ...] = ()
    greeting: tuple[Container, ...] = ()
    front: tuple[Container, ...] = ()
    windows: tuple[Container, ...] = ()
    others: tuple[Container, ...] = ()

    @property
    def visitors(self) -> tuple[Container, ...]:
        """Those that ask the front and wait for nobody themselves."""
        return tuple(one for one in self.others if "front" in command_of(one))

    @property
    def members(self) -> tuple[Container, ...]:
        """All of the shop."""
        return self.clock + self.greeting + self.front + self.windows + self.visitors


def services_started(seen: Evidence) -> Verdict:
    """A clock and one other service appeared on one network."""
    appeared, shop = seen.appeared(), _shop(seen.now)
    if shop.greeting and shop.clock[-1] in appeared and shop.greeting[-1] in appeared:
        return Passed(clock=_address(shop.clock[-1]), greeting=_address(shop.greeting[-1]))
    if shop.greeting:
        return NotYet("already_there", container=shop.greeting[-1].name)
    new = [one for one in appeared if one.listeners]
    if alone := [one for one in new if not _networks(one)]:
        return NotYet("no_network", container=alone[0].name)
    if len(new) < 2:
        return NotYet("only_one", container=new[0].name) if new else NotYet("no_service")
    return NotYet("apart") if any(map(_is_clock, new)) else NotYet("no_clock", container=new[0].name)


def greeting_address_named(seen: Evidence) -> Verdict:
    """The answer is the address of the service that is not the clock."""
    found, shop = re.search(r"\d+(?:\.\d+){3}", typed(seen.answer)), _shop(seen.now)
    if not shop.greeting:
        return NotYet("no_services")
    if not found:
        return NotYet("no_answer")
    greeting, clock = _address(shop.greeting[-1]), _address(shop.clock[-1])
    if found[0] == greeting:
        return Passed(greeting=greeting, clock=clock)
    if found[0].startswith("127."):
        return NotYet("loopback", answered=found[0])
    return NotYet("clocks_address") if found[0] == clock else NotYet("other_address", answered=found[0])


def greeting_address(facts: Facts) -> str:
    """The address of the service that is not the clock."""
    return _address(_shop(facts).greeting[-1])


def front_started(seen: Evidence) -> Verdict:
    """A service appeared that asks the two others by name, on their network."""
    shop, fronts = _shop(seen.now), [one for one in seen.appeared() if _is_front(one)]
    if not shop.greeting:
        return NotYet("no_services")
    for one in fronts:
        if one in shop.front:
            return Passed(address=_address(one), pid=one.init.pid)
    if not fronts:
        return NotYet("already_there", container=shop.front[-1].name) if shop.front else NotYet("no_front")
    return NotYet("front_apart", container=fronts[0].name) if fronts[0].listeners else NotYet("deaf", container=fronts[0].name)


def visitor_served(seen: Evidence) -> Verdict:
    """A visitor got an answer from the front and sleeps before it asks again."""
    shop = _shop(seen.now)
    if not shop.front:
        return NotYet("no_front")
    new = new_of(seen, shop.visitors)
    for one in new:
        if any(process.name == "sleep" for process in one.processes):
            return Passed(visitor=one.name, pid=one.init.pid)
    if shop.visitors:
        return NotYet("unanswered", visitor=new[-1].name) if new else NotYet("already_there", visitor=shop.visitors[-1].name)
    if shop.others:
        return NotYet("other_program", container=shop.others[-1].name, command=command_of(shop.others[-1]))
    return NotYet("no_visitor")


def greeting_replaced(seen: Evidence) -> Verdict:
    """The greeting is another container with another command, and everybody else is still the very same."""
    before, now = _shop(seen.before), _shop(seen.now)
    if not (before.greeting and before.front and before.visitors):
        return NotYet("incomplete")
    if not _goes_on(seen, before.front):
        return NotYet("front_restarted")
    if not _goes_on(seen, before.clock):
        return NotYet("clock_restarted")
    return _replaced(seen, before, now) if _goes_on(seen, before.visitors) else NotYet("visitor_left")


def _goes_on(seen: Evidence, ones: Sequence[Container]) -> bool:
    return any(seen.now.same(one) for one in ones)


def _replaced(seen: Evidence, before: Shop, now: Shop) -> Verdict:
    old = left_of(seen, before.greeting)
    new = [one for one in now.greeting if not seen.before.same(one)]
    if old or not new:
        return NotYet("two_greetings") if new else NotYet("untouched") if old else NotYet("no_greeting")
    if command_of(new[-1]) in map(command_of, before.greeting):
        return NotYet("same_words", command=command_of(new[-1]))
    older = (new[-1].init.started - before.front[-1].init.started) // TICKS
    return Passed(pid=before.front[-1].init.pid, seconds=older)


def front_pid_named(seen: Evidence) -> Verdict:
    """The answer is the host's number of the front's PID 1."""
    answered, shop = number(seen.answer), _shop(seen.now)
    if not shop.front:
        return NotYet("no_front")
    if answered is None:
        return NotYet("no_answer")
    if answered in {one.init.pid for one in shop.front}:
        return Passed(pid=answered)
    if answered == 1:
        return NotYet("inside_number")
    others = [one.name for one in shop.clock + shop.greeting + shop.visitors if one.init.pid == answered]
    return NotYet("other_service", answered=answered) if others else NotYet("other_number", answered=answered)


def front_pid(facts: Facts) -> str:
    """The host's number of the front's PID 1."""
    return str(_shop(facts).front[-1].init.pid)


def window_opened(seen: Evidence) -> Verdict:
    """A service appeared that asks the front and waits on the second port, and nobody else was touched."""
    before, now = _shop(seen.before), _shop(seen.now)
    if not (before.greeting and before.front):
        return NotYet("incomplete")
    windows = [one for one in seen.appeared() if _is_window(one)]
    if right := [one for one in windows if one in now.windows and WINDOW in one.listeners]:
        kinds = {"front": before.front, "greeting": before.greeting, "clock": before.clock}
        touched = [kind for kind, ones in kinds.items() if not _goes_on(seen, ones)]
        return NotYet("restarted", kind=touched[0]) if touched else Passed(address=_address(right[0]))
    return _no_window(windows, now)


def _no_window(windows: Sequence[Container], now: Shop) -> NotYet:
    """What keeps the one that asks the front from being a window; one that listens is meant rather than one that does not."""
    if not windows:
        return NotYet("already_there", container=now.windows[-1].name) if now.windows else NotYet("no_window")
    nearest = max(windows, key=lambda one: len(one.listeners))
    if not nearest.listeners:
        return NotYet("deaf", container=nearest.name)
    if WINDOW not in nearest.listeners:
        return NotYet("other_port", container=nearest.name, port=nearest.listeners[0])
    return NotYet("window_apart", container=nearest.name)


def shop_closed(seen: Evidence) -> Verdict:
    """Everybody who was in the shop is gone, and the network as well."""
    before = _shop(seen.before)
    if not before.greeting:
        return NotYet("was_closed")
    if left := left_of(seen, before.members):
        return NotYet("still_there", count=len(left), container=left[0].name)
    if _networks(before.greeting[-1]) & _known(seen.now, before.greeting[-1].engine):
        return NotYet("network_there")
    return Passed(count=len(before.members))


def _shop(facts: Facts) -> Shop:
    """The shop around the clock that was started last; nobody where there is none."""
    clocks = [one for one in facts.containers if _is_clock(one) and _networks(one)]
    if not clocks:
        return Shop()
    around = _networks(max(clocks, key=_started))
    near = sorted((one for one in facts.containers if _networks(one) & around), key=_started)
    services = [one for one in near if one.listeners]
    return Shop(
        clock=tuple(one for one in services if _is_clock(one)),
        greeting=tuple(one for one in services if not (_is_clock(one) or _is_front(one) or _is_window(one))),
        front=tuple(one for one in services if _is_front(one)),
        windows=tuple(one for one in services if _is_window(one)),
        others=tuple(one for one in near if not one.listeners),
    )


def _started(container: Container) -> int:
    return container.init.started


def _is_front(container: Container) -> bool:
    return "greeting" in command_of(container) and "clock" in command_of(container)


def _is_window(container: Container) -> bool:
    """It asks the front and nobody else."""
    return "front" in command_of(container) and not _is_front(container)


def _is_clock(container: Container) -> bool:
    asks = _is_front(container) or _is_window(container)
    return bool(container.listeners) and "date" in command_of(container) and not asks


def _address(container: Container) -> str:
    """Its address without the length of the network."""
    return _addresses(container)[0].partition("/")[0]


def _addresses(container: Container) -> list[str]:
    """IPv4 addresses that others reach it by."""
    all_of_them = [address for one in container.interfaces if one.name != "lo" for address in one.addresses]
    return [one for one in all_of_them if ":" not in one and "/" in one]


def _networks(container: Container) -> frozenset[Network]:
    return _networks_of(_addresses(container))


def _known(facts: Facts, engine: str) -> frozenset[Network]:
    """Networks of this engine that are there although nobody may be in them: box's own, or those that the host has a bridge to.

    Never both: box gives its networks the same subnets as Docker does, where nothing of either meets.
    """
    bridges = [address for one in facts.host.interfaces if one.name.startswith("br-") for address in one.addresses]
    return _networks_of([one.subnet for one in facts.networks] if engine == "box" else bridges)


def _networks_of(addresses: Sequence[str]) -> frozenset[Network]:
    """`172.18.0.3/16` is in the network 172.18.0.0 with 16 bits."""
    found = set()
    for address in addresses:
        plain, _, length = address.partition("/")
        if ":" not in plain:
            value = sum(int(part) << shift for part, shift in zip(plain.split("."), (24, 16, 8, 0), strict=True))
            found.add((value >> (32 - int(length)) if length else value, int(length or 32)))
    return frozenset(found)
