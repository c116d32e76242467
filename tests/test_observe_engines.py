"""Which engine a container is of, told from recorded cgroup paths and the processes above it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from workshop.facts import Process
from workshop.helper.watcher.asked import Sandboxed
from workshop.helper.watcher.cgroups import parse_cgroup
from workshop.helper.watcher.engines import Clues, Identity, box_id, identify
from workshop.helper.watcher.starters import logged_in, starters
from workshop.helper.watcher.visibility import Question

RECORDED = Path(__file__).parent / "recorded" / "engines"
BOX = "654bd6413abb005ccb2e93e096151650e022132b7186171fd871cc8d5692e356"
DOCKER = "3f1c0a7be2d94c58a6f5ce3b7d20914e8a5b6c7d8e9f00112233445566778899"
SESSION = ("/user.slice/user-1000.slice/session-3.scope",)


def paths(name: str) -> list[str]:
    return [line.path for line in parse_cgroup((RECORDED / name).read_text())]


def process(name: str, *arguments: str) -> Process:
    return Process(10, 10, 1, 0, name, arguments)


@pytest.mark.parametrize(
    ("name", "engine", "known_as"),
    [
        ("docker_v1", "docker", DOCKER),
        ("docker_v2_systemd", "docker", DOCKER),
        ("docker_v2_cgroupfs", "docker", DOCKER),
        ("docker_rootless", "docker", DOCKER),
        ("docker_in_lxc", "docker", DOCKER),
        ("podman_root", "podman", DOCKER),
        ("podman_rootless", "podman", DOCKER),
        ("podman_v1_cgroupfs", "podman", DOCKER),
        ("lxc_v1", "lxc", "web1"),
        ("lxc_v1_payload", "lxc", "web1"),
        ("lxc_v2", "lxc", "web1"),
        ("nspawn_service", "nspawn", "my-box"),
        ("nspawn_scope", "nspawn", "my-box"),
        ("runc_systemd", "runc", "hello"),
        ("kubernetes", "unknown", DOCKER),
        ("box_v1", "box", BOX),
    ],
)
def test_the_cgroup_path_tells_the_engine(name: str, engine: str, known_as: str) -> None:
    """Each engine is known by the mark that it leaves in its containers' cgroup paths."""
    assert identify(Clues(paths(name), instance="ws-observe")) == Identity(engine, known_as)


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        (process("unshare", "unshare", "-pf", "sh"), Identity("unshare")),
        (process("bash", "bash"), Identity("unshare")),
        (process("runc", "runc", "run", "-b", "/srv/bundle", "hello"), Identity("runc", "hello")),
        (process("conmon", "conmon", "--api-version", "1"), Identity("podman")),
        (process("systemd-nspawn", "systemd-nspawn", "-D", "/srv"), Identity("nspawn")),
        (process("lxc-start", "lxc-start", "web1"), Identity("lxc")),
    ],
)
def test_without_a_cgroup_of_its_own_the_process_above_tells(parent: Process, expected: Identity) -> None:
    """A container in its session's cgroup is told by what waits for its PID 1; nothing of note means a bare system call."""
    assert identify(Clues(paths("session"), SESSION, SESSION, parent)) == expected


def test_docker_with_another_cgroup_parent() -> None:
    """Docker's containers below a parent of the user's choice are known by containerd's shim of the namespace `moby`."""
    shim = process("containerd-shim", "/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", "-id", DOCKER)
    assert identify(Clues([f"/mine/{DOCKER}"], parent=shim)) == Identity("docker", DOCKER)


def test_detached_runc_is_known_by_its_state() -> None:
    """A runc container that nobody waits for is known where runc keeps a state under the name of its cgroup."""
    clues = Clues(paths("runc_cgroupfs"), ("/", "/", "/"), parent=process("systemd"), runc=frozenset({"hello", "other"}))
    assert identify(clues) == Identity("runc", "hello")


def test_a_cgroup_of_its_own_and_nobody_known_is_unknown() -> None:
    """Something that is no engine of ours is called unknown, not guessed at."""
    assert identify(Clues(["/some/service"], ("/",), parent=process("systemd"))) == Identity("unknown")


def test_unshare_inside_a_container_is_not_that_container() -> None:
    """A namespace made inside a Docker container bears Docker's path, and is still only a bare system call's."""
    inside = paths("docker_v1")
    clues = Clues(inside, inside, parent=process("unshare"), taken=frozenset({DOCKER}))
    assert identify(clues) == Identity("unshare")


def test_a_box_is_one_only_where_the_helper_makes_them() -> None:
    """A directory of the same name further down, which a user may make, is no box; below the helper's own cgroup it is."""
    assert box_id([f"/workshop/{BOX}/inner"], (), "workshop") == BOX
    assert box_id([f"/system.slice/helper.service/workshop/{BOX}"], ["/system.slice/helper.service"], "workshop") == BOX
    assert box_id([f"/user.slice/user-1000.slice/workshop/{BOX}"], ["/system.slice/helper.service"], "workshop") == ""
    assert box_id([f"/other/{BOX}", "/workshop", f"/workshop/{BOX}0"], ["/"], "workshop") == ""


def test_short_ids() -> None:
    """A long id is shown by its first twelve digits, a name whole."""
    assert Identity("docker", DOCKER).short == DOCKER[:12]
    assert Identity("lxc", "web-server-number-1").short == "web-server-number-1"


@pytest.mark.parametrize(
    ("caller", "box", "seen"), [(0, BOX, True), (1000, BOX, True), (1001, BOX, False), (1000, DOCKER, False)]
)
def test_who_may_see_a_box(caller: int, box: str, seen: bool) -> None:
    """Root sees all; a box is its owner's alone, and one that the helper does not know is nobody's."""
    assert Question((), caller, (caller,), {BOX: Sandboxed("mine", 1000)}, "workshop").may_see_box(box) is seen


@pytest.mark.parametrize(
    ("persons", "owners", "seen"),
    [((0,), (5,), True), ((1000,), (0,), True), ((1000,), (), True), ((1000,), (1000,), True), ((1000,), (1001,), False)],
)
def test_who_may_see_another_container(persons: tuple[int, ...], owners: tuple[int, ...], seen: bool) -> None:
    """Root sees all; others are seen by who started them, and by everybody where that was root, or nobody knows who."""
    assert Question((), persons[0], persons, {}, "workshop").may_see(owners) is seen


SHELL, SUDO, INIT = (
    Process(30, 30, 20, 1000, "bash", terminal=9),
    Process(20, 20, 1, 0, "sudo", terminal=9),
    Process(1, 1, 0, 0, "init"),
)
ROOTS_SHELL, SHIM = Process(31, 31, 1, 0, "bash", terminal=8), Process(32, 32, 1, 0, "containerd-shim")
LOGIN, STEPPED_DOWN = Process(33, 33, 1, 0, "login", terminal=9), Process(34, 34, 31, 1234, "unshare", terminal=8)


@pytest.mark.parametrize(
    ("above", "people"),
    [
        ([SHELL, INIT], (1000,)),
        ([SUDO, SHELL, INIT], (1000,)),
        ([SUDO, SHELL, LOGIN, INIT], (1000,)),
        ([ROOTS_SHELL, INIT], (0,)),
        ([STEPPED_DOWN, ROOTS_SHELL, INIT], (1234, 0)),
        ([INIT], (0,)),
        ([SHIM, INIT], ()),
        ([replace(SHIM, uid=1000), INIT], (1000,)),
        ([SHELL, SHIM, INIT], (1000,)),
    ],
)
def test_who_started_it(above: list[Process], people: tuple[int, ...]) -> None:
    """The nearest that is not root's, which sudo leads back to, and who sits there; of what root's daemons start nobody."""
    assert starters(above) == people


@pytest.mark.parametrize(
    ("loginuid", "paths", "person"),
    [
        ("1000", [], 1000),
        ("4294967295", ["/user.slice/user-1001.slice/session-3.scope"], 1001),
        ("4294967295", ["/system.slice/cron.service"], 0),
        ("", ["/"], 0),
        ("0", ["/user.slice/user-0.slice"], 0),
    ],
)
def test_whose_login_it_comes_from(loginuid: str, paths: list[str], person: int) -> None:
    """What a login leaves on all that it starts tells whose it is, also when the processes above have ended."""
    assert logged_in(loginuid, paths) == person
