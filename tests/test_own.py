"""What is the learner's own: told by who started a container and who owns an object, and nothing else passes a step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workshop.facts import (
    Component,
    Container,
    Facts,
    Host,
    Ipc,
    Mount,
    Namespaces,
    Others,
    Process,
    Queue,
    Segment,
    own,
    unclaimed,
)

ANN, BOB = 1000, 1001
HOST = Namespaces(pid=1, ipc=2)
ABOVE = (Process(1, 1, 0, 0, "systemd"), Process(40, 40, 1, ANN, "bash"), Process(50, 50, 1, BOB, "bash"))


def container(number: int, *owners: int, parent: int = 40, engine: str = "unshare", ipc: int = 9) -> Container:
    """A container that this uid started."""
    init = Process(number, 1, parent, 0, "sh")
    return Container(f"{number:064x}", f"c{number}", engine, Namespaces(pid=number, ipc=ipc), init, (init,), owners=owners)


def seen(*containers: Container, **host: object) -> Facts:
    """What ann is shown."""
    return Facts(replace(Host(HOST), **host), containers, caller=ANN, persons=(ANN,))  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(("owners", "is_own"), [((ANN,), True), ((BOB,), False), ((0,), False), ((), False), ((BOB, ANN), True)])
def test_a_container_is_whose_started_it(owners: tuple[int, ...], is_own: bool) -> None:
    """Ann's own are kept; bob's, root's, and those of which nothing shows who asked for them, are only told of."""
    facts = seen(container(100, *owners, engine="docker"))
    assert bool(own(facts).containers) is is_own
    assert bool(unclaimed(facts)) is not is_own


def test_root_by_sudo_is_also_who_typed_it() -> None:
    """Who works as root by sudo passes by what the account does without it, and not by what others do."""
    facts = replace(seen(container(100, ANN), container(101, 0), container(102, BOB)), caller=0, persons=(0, ANN))
    assert [one.init.pid for one in own(facts).containers] == [100, 101]


def test_facts_of_an_earlier_version_are_the_callers() -> None:
    """Evidence that does not say who stands for the caller is read as the caller's alone."""
    facts = replace(seen(container(100, ANN)), persons=())
    assert own(facts).containers == facts.containers


def test_objects_count_by_owner() -> None:
    """Others' queues and segments are gone from the host's; how many there were, and which queues, is told."""
    ipc = Ipc((Queue(0, 1, ANN), Queue(1, 2, BOB)), (Segment(5, 3, 0),))
    facts = own(seen(ipc=ipc))
    assert (facts.host.ipc, facts.host.others) == (Ipc((Queue(0, 1, ANN),)), Others((1,), 2))
    assert own(facts) == facts


def test_a_container_in_the_hosts_ipc_namespace_shows_no_others_objects() -> None:
    """With --ipc=host a container sees what is everybody's."""
    inside = replace(container(100, ANN, ipc=HOST.ipc), ipc=Ipc((Queue(0, 1, ANN), Queue(1, 2, BOB))))
    assert own(seen(inside)).containers[0].ipc == Ipc((Queue(0, 1, ANN),))


def test_nothing_of_others_is_recorded_that_a_step_does_not_need() -> None:
    """Processes above others' containers, their engines' processes, groups, mounts and sockets are left out."""
    mine, theirs = container(100, ANN), container(101, BOB, parent=50)
    components = (
        Component("daemon", 7, 1, "dockerd"),
        Component("shim", 40, 1, "containerd-shim"), Component("shim", 50, 1, "containerd-shim"),
        Component("client", 60, 40, "docker", ANN, owners=(ANN,)), Component("client", 61, 50, "docker", 0, owners=(BOB,)),
    )  # fmt: skip
    facts = own(
        seen(
            mine, theirs, processes=ABOVE, components=components,
            groups=("/g/by-hand", f"/g/{mine.id}", f"/g/{theirs.id}"),
            mounts=(Mount("/", "ext4", "/dev/vda"), Mount("/var/lib/docker/overlay2/x/merged", "overlay", "overlay")),
            sockets=("/run/docker.sock", f"/run/user/{BOB}/podman/podman.sock", f"/run/user/{ANN}/podman/podman.sock"),
        )
    )  # fmt: skip
    assert [one.pid for one in facts.host.processes] == [1, 40]
    assert [one.pid for one in facts.host.components] == [7, 40, 60]
    assert facts.host.groups == ("/g/by-hand", f"/g/{mine.id}")
    assert [one.target for one in facts.host.mounts] == ["/"]
    assert facts.host.sockets == ("/run/docker.sock", f"/run/user/{ANN}/podman/podman.sock")
