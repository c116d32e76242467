"""The observer against the real kernel, with containers of bare `unshare` that the tests make."""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import wait_for
from tests.observed import EVERYTHING, INSTANCE, cgroup, joining, seen, shell
from workshop.facts import KINDS, SUBJECTS, Container, Facts
from workshop.helper.kernel import syscalls
from workshop.helper.watcher import inside
from workshop.helper.watcher.observe import Sandboxed

pytestmark = pytest.mark.root

BOX = "0123456789abcdef" * 4
LEARNER, OTHER = 61234, 61235
ROOTLESS = ("--user", "--map-root-user", *EVERYTHING)


def as_user(uid: int) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")


def test_namespaces_are_those_that_readlink_shows() -> None:
    """Each inode is what `ls -l /proc/PID/ns` shows, of the container and of the host."""
    with shell("unshare", *EVERYTHING) as one:
        facts = seen(0, {}, "users")
        container = one.container(facts)
        assert container is not None
        for kind in KINDS:
            assert _shown(container.init.pid, kind) == f"{kind}:[{getattr(container.namespaces, kind)}]"
            assert _shown(os.getpid(), kind) == f"{kind}:[{getattr(facts.host.namespaces, kind)}]"
        assert container.namespaces.shared_with(facts.host.namespaces) == ("time", "user")
        assert (container.engine, container.id) == ("unshare", f"pid-{container.namespaces.pid}")


def _shown(pid: int, kind: str) -> str:
    return str(Path(f"/proc/{pid}/ns/{kind}").readlink())


def test_a_queue_is_seen_only_where_it_was_made() -> None:
    """A queue made in the container is not on the host, and one made on the host is not in the container."""
    before = {one.id for one in seen(0, {}, "ipc").host.ipc.queues}
    with shell("unshare", *EVERYTHING) as one:
        inner = int(one.say("ipcmk -Q").rsplit(" ", 1)[1])
        outer = int(subprocess.check_output(["ipcmk", "-Q"], text=True).strip().rsplit(" ", 1)[1])
        try:
            facts = seen(0, {}, "ipc")
        finally:
            subprocess.run(["ipcrm", "-q", str(outer)], check=True)
        container = one.container(facts)
        assert container is not None
        assert [queue.id for queue in container.ipc.queues] == [inner]
        assert outer in {queue.id for queue in facts.host.ipc.queues} - before
        keys = {queue.key for queue in facts.host.ipc.queues}
        assert container.ipc.queues[0].key not in keys


def test_container_that_shares_the_hosts_ipc_namespace_shows_the_hosts_objects() -> None:
    """Without an IPC namespace of its own a container has the host's queues and hostname."""
    with shell("unshare", "--pid", "--fork", "--mount-proc") as one:
        facts = seen(0, {}, "ipc", "hostname")
        container = one.container(facts)
        assert container is not None
        assert container.ipc == facts.host.ipc
        assert container.hostname == facts.host.hostname == socket.gethostname()


def test_hostnames_of_several_containers() -> None:
    """Each container has the hostname that was set inside it, and the host keeps its own."""
    with shell("unshare", *EVERYTHING) as one, shell("unshare", *EVERYTHING) as two:
        one.say("hostname first")
        two.say("hostname second")
        facts = seen(0, {}, "hostname")
        found = [shell.container(facts) for shell in (one, two)]
        assert [container.hostname for container in found if container] == ["first", "second"]
        assert facts.host.hostname == socket.gethostname()


def test_processes_have_their_numbers_on_both_sides() -> None:
    """A process in a container is 1 or more inside and something else on the host, below what started it."""
    with shell("unshare", *EVERYTHING) as one:
        inner = one.sleeper()
        facts = seen(0, {}, "processes")
        container = one.container(facts)
        assert container is not None
        assert container.init.inner == 1 and container.init.parent == one.starter
        sleeper = next(process for process in container.processes if process.inner == inner)
        assert sleeper.arguments == ("sleep", "1000") and sleeper.parent == container.init.pid
        status = Path(f"/proc/{sleeper.pid}/status").read_text()
        assert f"NSpid:\t{sleeper.pid}\t{inner}\n" in status
        above = {process.pid: process.name for process in facts.host.processes}
        assert above[one.starter] == "unshare" and os.getpid() in above and 1 in above
        assert sleeper.pid not in above


def test_command_lines_of_the_host_are_not_told() -> None:
    """Facts travel as evidence, so a process of the host's is a name in them without its arguments."""
    with shell("unshare", *EVERYTHING):
        assert not any(process.arguments for process in seen(0, {}, "processes").host.processes)


def test_namespaces_within_namespaces() -> None:
    """A PID namespace made inside a container is a container of its own, one step further in."""
    with shell("unshare", *EVERYTHING, "unshare", *EVERYTHING) as inner:
        facts = seen(0, {}, "processes")
        found = inner.container(facts)
        assert found is not None and found.init.inner == 1
        outer = next(one for one in facts.containers if found.init.parent in {process.pid for process in one.processes})
        assert outer.namespaces.pid != found.namespaces.pid and found.engine == "unshare"


def test_subjects_that_were_not_asked_for_are_empty() -> None:
    """Only what was asked for is read; namespaces, PID 1 and the machine's hierarchies are always seen."""
    with shell("unshare", *EVERYTHING) as one:
        facts = seen(0, {}, "security")
        container = one.container(facts)
        assert container is not None
        assert facts.subjects == ("security",) and facts.complete
        assert container.security.bounding > 0 and container.init.inner == 1
        assert (container.hostname, container.mounts, container.processes, container.cgroups.memberships) == ("", (), (), ())
        assert facts.host.hierarchies and facts.host.boot and facts.host.process_count > 2


def test_interfaces_and_mounts_are_the_containers_own() -> None:
    """A new network namespace has loopback alone, and a mount made inside is inside only."""
    with shell("unshare", *EVERYTHING) as one:
        one.say("ip link set lo up; mount -t tmpfs -o size=64k 'a name' /mnt")
        facts = seen(0, {}, "interfaces", "mounts")
        container = one.container(facts)
        assert container is not None
        assert [(each.name, each.addresses[:1]) for each in container.interfaces] == [("lo", ("127.0.0.1/8",))]
        made = next(mount for mount in container.mounts if mount.source == "a name")
        assert (made.target, made.type) == ("/mnt", "tmpfs") and "size=64k" in made.options
        assert made not in facts.host.mounts


def test_container_that_ended_and_was_not_reaped_is_gone() -> None:
    """A PID 1 that is dead is no container any more, although its number stands in /proc until its parent looks."""
    with shell("unshare", *EVERYTHING) as one:
        container = one.container(seen())
        assert container is not None
        init = os.pidfd_open(container.init.pid)
        os.kill(one.starter, signal.SIGSTOP)
        wait_for(lambda: _state(one.starter) == "T", "the stop")  # before that it could still reap
        signal.pidfd_send_signal(init, signal.SIGKILL)
        signal.pidfd_send_signal(init, 0)  # still there: nobody has reaped it
        _wait_until_dead(init)
        assert one.container(seen()) is None
        os.close(init)


def _state(pid: int) -> str:
    """The letter for what a process does now (proc_pid_stat(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _wait_until_dead(pidfd: int) -> None:
    assert select.select([pidfd], [], [], 5)[0]


def test_what_ends_while_it_is_looked_at_never_raises() -> None:
    """Containers that begin and end all the time are seen or not, whole or not at all."""
    short, long = (f"unshare {' '.join(EVERYTHING)} sh -c 'sleep {life} & {end}'" for life, end in ((0.01, ":"), (0.2, "wait")))
    loop = f"while :; do {long} & for each in 1 2 3 4 5 6 7 8; do {short}; unshare -pf true; done; wait; done"
    storm = subprocess.Popen(["sh", "-c", loop], process_group=0, stderr=subprocess.DEVNULL)
    try:
        end, found = time.monotonic() + 2, list[Container]()
        while time.monotonic() < end or not found:
            found += seen().containers
    finally:
        os.killpg(storm.pid, signal.SIGKILL)
        storm.wait()
    assert found
    assert all(one.namespaces.mnt and one.init.inner == 1 and one.mounts for one in found)


def test_a_user_sees_own_containers_and_roots_but_not_anothers() -> None:
    """Who made the user namespace of a container sees it; root's are seen by everybody, and root sees all."""
    with shell(*as_user(LEARNER), "unshare", *ROOTLESS) as own, shell("unshare", *EVERYTHING) as roots:
        for caller, expected in ((LEARNER, (True, True)), (OTHER, (False, True)), (0, (True, True))):
            facts = seen(caller)
            assert (own.container(facts) is not None, roots.container(facts) is not None) == expected


def test_a_box_is_its_owners_alone_and_so_is_what_runs_in_it() -> None:
    """A box, and a namespace made inside of it, are seen by their owner and root, by the box's name."""
    sandboxes = {BOX: Sandboxed("mine", LEARNER)}
    nested = ("unshare", *EVERYTHING, "unshare", *EVERYTHING)
    with cgroup(f"{INSTANCE}/{BOX}", "pids") as folders, shell(*joining(folders, *nested)) as inner:
        for caller, count in ((LEARNER, 2), (0, 2), (OTHER, 0)):
            assert len(_in_box(seen(caller, sandboxes))) == count
        facts = seen(LEARNER, sandboxes)
        box, within = _in_box(facts)
        assert (box.engine, box.id, box.name) == ("box", BOX, "mine")
        assert (box.owners, within.owners) == ((LEARNER,), (LEARNER,))
        assert within == inner.container(facts) and within.engine == "unshare"
        assert _in_box(seen(LEARNER)) == []  # a box that the helper does not know is nobody's
        assert len(_in_box(seen(0))) == 2


def test_a_box_without_cgroups_is_told_by_its_first_process() -> None:
    """Where the helper may make no cgroup, a box is known by the PID 1 that the helper started."""
    with shell("unshare", *EVERYTHING) as one:
        plain = one.container(seen())
        assert plain is not None
        sandboxes = {BOX: Sandboxed("mine", LEARNER, plain.init.pid)}
        box = one.container(seen(LEARNER, sandboxes))
        assert box is not None and (box.engine, box.id, box.name) == ("box", BOX, "mine")
        assert one.container(seen(OTHER, sandboxes)) is None


def _in_box(facts: Facts) -> list[Container]:
    places = [(one, one.cgroups.of("pids")) for one in facts.containers]
    return [one for one, place in places if place and place.path == f"/{INSTANCE}/{BOX}"]


def test_limits_usage_and_throttling() -> None:
    """What was written into a cgroup, and what the kernel made of it, is in the facts."""
    with cgroup(f"{INSTANCE}/limits", "cpu", "memory", "pids") as folders:
        _limit(folders)
        with shell(*joining(folders, "unshare", *EVERYTHING)) as one:
            one.say("timeout 0.5 sh -c 'while :; do :; done'")
            container = one.container(seen(0, {}, "cgroups"))
            assert container is not None
            cpu, memory, pids = container.cgroups.cpu, container.cgroups.memory, container.cgroups.pids
            assert cpu and (cpu.quota_us, cpu.period_us) == (20_000, 100_000)
            assert cpu.throttled > 0 and cpu.throttled_us > 0
            assert memory and memory.limit == 64 * 2**20 and 0 < memory.usage < memory.limit
            assert pids and pids.limit == 50 and pids.current >= 1
            membership = container.cgroups.of("cpu")
            assert membership and membership.directory == str(folders["cpu"])


def test_a_group_is_seen_until_it_is_removed() -> None:
    """A container's group is seen while it runs, when it has ended too, and no more once somebody has removed it."""
    with cgroup(f"{INSTANCE}/by-hand", "cpu") as folders:
        directory = str(folders["cpu"])
        with shell(*joining(folders, "unshare", *EVERYTHING)) as one:
            assert one.container(facts := seen(0, {}, "cgroups")) and directory in facts.host.groups
        facts = seen(0, {}, "cgroups")
        assert one.container(facts) is None and directory in facts.host.groups
        assert seen(0, {}, "users").host.groups == ()
    assert directory not in seen(0, {}, "cgroups").host.groups


def test_groups_of_a_box_are_its_owners_to_see() -> None:
    """A user is not told of the directories of other users' boxes, nor of those that the helper does not know; root is."""
    sandboxes = {BOX: Sandboxed("mine", LEARNER)}
    with cgroup(f"{INSTANCE}/{BOX}/inner", "cpu") as folders:
        inner = folders["cpu"]
        for caller, known, expected in (
            (LEARNER, sandboxes, 3),
            (0, sandboxes, 3),
            (OTHER, sandboxes, 1),
            (LEARNER, {}, 1),
            (0, {}, 3),
        ):
            groups = seen(caller, known, "cgroups").host.groups
            ours = [one for one in groups if one.startswith(str(inner.parents[1]))]
            assert ours == [str(one) for one in (inner.parents[1], inner.parent, inner)][:expected]


def _limit(folders: dict[str, Path]) -> None:
    if (folders["cpu"] / "cpu.cfs_quota_us").exists():
        (folders["cpu"] / "cpu.cfs_quota_us").write_text("20000")
        (folders["memory"] / "memory.limit_in_bytes").write_text("64M")
    else:
        (folders["cpu"] / "cpu.max").write_text("20000 100000")
        (folders["memory"] / "memory.max").write_text("64M")
    (folders["pids"] / "pids.max").write_text("50")


def test_a_frozen_container_is_seen_as_ever() -> None:
    """A container that is frozen says so, and all of it can still be read."""
    with cgroup(f"{INSTANCE}/frozen", "freezer" if Path("/sys/fs/cgroup/freezer").is_dir() else "pids") as folders:
        (folder,) = folders.values()
        switch, frozen, thawed = ("freezer.state", "FROZEN", "THAWED") if "freezer" in folders else ("cgroup.freeze", "1", "0")
        with shell(*joining(folders, "unshare", *EVERYTHING)) as one:
            one.say("hostname icy")
            one.container(seen())
            (folder / switch).write_text(frozen)
            try:
                _wait_for(lambda: (container := one.container(seen())) is not None and container.cgroups.frozen is True)
                container = one.container(seen())
            finally:
                (folder / switch).write_text(thawed)
            assert container is not None and container.hostname == "icy"


def _wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)  # the kernel freezes in its own time


def test_observing_leaves_nothing_behind() -> None:
    """No descriptor stays open, no child stays, and the observer is in the namespaces that it was in."""
    with shell("unshare", *EVERYTHING):
        seen()
        before = _what_we_have()
        for _ in range(20):
            seen()
        assert _what_we_have() == before


def _what_we_have() -> tuple[list[Path], list[str], str]:
    descriptors = sorted(Path("/proc/self/fd").iterdir())
    return descriptors, [_shown(os.getpid(), kind) for kind in KINDS], _children()


def _children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def test_a_child_that_is_stuck_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The helper waits for what is inside no longer than the deadline, and kills the child that did not answer."""
    monkeypatch.setattr(inside, "DEADLINE", 0.1)
    monkeypatch.setattr(inside, "read_here", lambda subjects: signal.pause())
    before = _children()
    began = time.monotonic()
    assert inside.visit([[]], SUBJECTS) == [inside.Inside()]
    assert time.monotonic() - began < 1
    assert _children() == before


def test_an_ordinary_user_observes_what_is_the_users_own() -> None:
    """Without root an observer sees the user's own containers inside too, with owners as on the host, and says it is not all."""
    with shell(*as_user(LEARNER), "unshare", *ROOTLESS) as own, shell("unshare", *EVERYTHING) as roots:
        own.say("hostname mine; ipcmk -Q")
        own.container(seen())
        roots.container(seen())
        facts = _seen_by_user(LEARNER)
        container = own.container(facts)
        assert container is not None and not facts.complete and roots.container(facts) is None
        assert container.hostname == "mine"
        assert [queue.owner for queue in container.ipc.queues] == [LEARNER]
        assert container.users.host_uid(0) == LEARNER
        assert facts.host.hostname == socket.gethostname()


def test_an_ordinary_user_sees_inside_of_what_shares_the_hosts_network() -> None:
    """A namespace that only root may enter is left alone, and what the others tell is there, whatever is asked beside it."""
    shared = [option for option in ROOTLESS if option != "--net"]
    with shell(*as_user(LEARNER), "unshare", *shared) as own:
        own.say("hostname mine")
        own.container(seen())
        container = own.container(_seen_by_user(LEARNER))
        assert container is not None and container.hostname == "mine"
        assert "lo" in [one.name for one in container.interfaces if one.index]


def _seen_by_user(uid: int) -> Facts:
    """Facts as an observer sees them that is not root: a child of ours that gave root up."""
    answer, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
            with open(write_end, "wb") as stream:
                pickle.dump(seen(uid), stream)
        finally:
            os._exit(0)
    os.close(write_end)
    with open(answer, "rb") as stream:
        text = stream.read()
    os.waitpid(child, 0)
    found = pickle.loads(text)  # noqa: S301  # our own child wrote it
    assert isinstance(found, Facts)
    return found
