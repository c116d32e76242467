"""The observer's parsers on recorded text of both cgroup versions: pure, so they run anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workshop.facts import (
    Clocks,
    Cpu,
    Hierarchy,
    IdRange,
    Interface,
    Io,
    Membership,
    Memory,
    Mount,
    Pids,
    Pings,
    Process,
    Throttle,
    Transfer,
)
from workshop.helper.watcher import (
    block,
    cgroups,
    clocks,
    controllers,
    groups,
    ipc,
    links,
    mounts,
    network,
    processes,
    security,
    users,
)
from workshop.helper.watcher.text import UnreadableError, counters, numbers_listed

RECORDED = Path(__file__).parent / "recorded"
BOX = "654bd6413abb005ccb2e93e096151650e022132b7186171fd871cc8d5692e356"
DOCKER = "3f1c0a7be2d94c58a6f5ce3b7d20914e8a5b6c7d8e9f00112233445566778899"


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


def trees(folder: str, mountinfo: str = "mountinfo", unified: tuple[str, ...] = ()) -> tuple[cgroups.Tree, ...]:
    own = cgroups.parse_cgroup(recorded(f"{folder}/own_cgroup"))
    return cgroups.parse_trees(cgroups.cgroup_mounts(recorded(f"{folder}/{mountinfo}")), own, unified)


def texts(folder: str) -> dict[str, str]:
    found = {path.name: path.read_text() for path in (RECORDED / folder / "files").iterdir()}
    if "cpu.cfs_quota_us" in found:
        found[controllers.V1_CPU_STAT] = found.pop("cpu.stat")
    return found


def test_process_has_its_number_on_both_sides() -> None:
    """A process recorded in a container has the host's number and its own."""
    status = processes.parse_status(recorded("v1/status"))
    seen = processes.parse_process(12959, recorded("v1/stat"), status, "sleep\0005\0")
    assert seen == Process(12959, 1, 12951, 0, "sleep", ("sleep", "5"), "S", 0, 186118, 12946)


@pytest.mark.parametrize("name", ["a) S 1 (b", "", "((", "sh ) ) R 2", "a\nb"])
def test_any_name_of_a_process_is_read_whole(name: str) -> None:
    """A process that names itself to mislead readers of stat is read as it is."""
    _, _, rest = recorded("v1/stat").rpartition(")")
    stat = processes.parse_stat(f"12959 ({name}){rest}")
    assert (stat.name, stat.state, stat.parent, stat.started) == (name, "S", 12951, 186118)


def test_arguments_keep_empty_words() -> None:
    """An empty argument is an argument, and a kernel thread has none."""
    assert processes.parse_arguments("sh\0-c\0\0") == ("sh", "-c", "")
    assert processes.parse_arguments("") == ()


def test_a_machine_of_version_1_has_each_hierarchy_once() -> None:
    """Every v1 controller of the recorded machine is its own hierarchy, and version 2 stands beside them."""
    found = [tree.hierarchy for tree in trees("v1", unified=("hugetlb",))]
    assert Hierarchy(1, ("cpu",), "/sys/fs/cgroup/cpu") in found
    assert Hierarchy(1, ("name=systemd",), "/sys/fs/cgroup/systemd") in found
    assert Hierarchy(2, ("hugetlb",), "/sys/fs/cgroup/unified") in found
    assert len(found) == 10


def test_version_1_membership_names_the_directory_on_the_host() -> None:
    """The cpu cgroup of the recorded box is the directory that a learner lists."""
    found = cgroups.memberships(cgroups.parse_cgroup(recorded("v1/cgroup")), trees("v1"))
    cpu = next(one for one in found if "cpu" in one.controllers)
    assert cpu == Membership(1, ("cpu",), f"/ws-observe/{BOX}", f"/sys/fs/cgroup/cpu/ws-observe/{BOX}")


def test_version_1_files_are_read_into_the_common_shape() -> None:
    """Nanoseconds of version 1 become microseconds, and each controller says what it said."""
    seen = controllers.parse_controllers((), texts("v1"))
    assert seen.cpu == Cpu(20000, 100000, 1024, 228786, 13, 11, 862772, (200, 28))
    assert seen.memory == Memory(67108864, 2244608, 3117056, 0)
    assert seen.pids == Pids(64, 2, refused=7)
    assert seen.frozen is False
    assert seen.cpus == (0, 1)
    assert seen.devices == ("c 1:3 rwm", "c 1:5 rwm")
    assert seen.io == Io((Throttle("254:0", read_bytes=1048576, writes=50),), (Transfer("254:0", 1982256, 4096, 31, 1),))


def test_version_1_no_limit_is_none() -> None:
    """A quota of -1 and the largest multiple of a page are no limits; a frozen cgroup is frozen."""
    files = {
        **texts("v1"),
        "cpu.cfs_quota_us": "-1\n",
        "memory.limit_in_bytes": "9223372036854771712\n",
        "freezer.state": "FROZEN\n",
    }
    seen = controllers.parse_controllers((), files)
    assert seen.cpu is not None and seen.cpu.quota_us is None
    assert seen.memory is not None and seen.memory.limit is None
    assert seen.frozen is True


def test_version_2_files_are_read_into_the_same_shape() -> None:
    """What version 2 says is in the same fields and units as what version 1 says."""
    seen = controllers.parse_controllers((), texts("v2"))
    assert seen.cpu == Cpu(50000, 100000, 100, 2514876, 51, 48, 2398120)
    assert seen.memory == Memory(134217728, 5242880, 9437184, 1)
    assert seen.pids == Pids(None, 3, refused=2)
    assert seen.frozen is True
    assert seen.cpus == (0, 2, 3)
    assert seen.devices is None
    busy, other = Transfer("8:16", 1459200, 314773504, 192, 353), Transfer("8:0", 90430464, 299008000, 8950, 1252)
    assert seen.io == Io((Throttle("8:16", read_bytes=2097152, writes=120),), (busy, other))


def test_version_2_cgroup_without_controllers_says_nothing_of_them() -> None:
    """A cgroup of version 2 has cpu.stat also where the cpu controller is off: that is no controller."""
    seen = controllers.parse_controllers((), {"cpu.stat": texts("v2")["cpu.stat"], "cgroup.events": "populated 1\nfrozen 0\n"})
    assert (seen.cpu, seen.memory, seen.pids, seen.frozen) == (None, None, None, False)


def test_version_2_membership() -> None:
    """On a machine of version 2 alone a container has one membership, with the root's controllers."""
    unified = tuple(recorded("v2/cgroup.controllers").split())
    (only,) = cgroups.memberships(cgroups.parse_cgroup(recorded("v2/cgroup")), trees("v2", unified=unified))
    path = f"/system.slice/docker-{DOCKER}.scope"
    assert only == Membership(2, unified, path, f"/sys/fs/cgroup{path}")


def test_hybrid_machine_with_controllers_mounted_together() -> None:
    """Where cpu and cpuacct share a mount, both are found in it, and version 2 keeps its own path."""
    found = cgroups.memberships(cgroups.parse_cgroup(recorded("hybrid/cgroup")), trees("hybrid"))
    by_name = {name: one for one in found for name in one.controllers or ("version 2",)}
    assert by_name["cpuacct"] is by_name["cpu"]
    assert by_name["cpu"].directory == f"/sys/fs/cgroup/cpu,cpuacct/docker/{DOCKER}"
    assert by_name["version 2"].directory == "/sys/fs/cgroup/unified/system.slice/containerd.service"
    assert Hierarchy(1, ("cpuset",), "/sys/fs/cgroup/cpuset") in [tree.hierarchy for tree in trees("hybrid")]


GROUPS = f"""\
/by-hand
/docker
/docker/{DOCKER}
/docker/{DOCKER}/init
/init.scope
/job
/job/step
/job/workshop/{BOX}
/jobs
/kubepods.slice/cri-containerd-{DOCKER}.scope
/system.slice
/system.slice/cron.service
/system.slice/docker-{DOCKER}.scope
/system.slice/docker.service/by-hand
/user.slice/user-1000.slice/session-2.scope
""".split()


@pytest.mark.parametrize(("own", "left"), [("", {"/job", "/job/step", "/jobs"}), ("/job", {"/jobs"})])
def test_groups_of_containers_and_of_nobodys_tree_are_listed(own: str, left: set[str]) -> None:
    """A container's group is listed wherever it is, any other one only outside of systemd's and the reader's own trees."""
    containers = {path for path in GROUPS if path.endswith((BOX, DOCKER, f"{DOCKER}.scope"))}
    others = {"/by-hand", "/docker", f"/docker/{DOCKER}/init"}
    assert set(groups.listed(GROUPS, own)) == containers | others | left


def test_membership_where_the_mount_shows_a_part_of_the_hierarchy() -> None:
    """Inside a container the mount's top is the container's own cgroup; what lies outside has no directory."""
    inside = trees("hybrid", "mountinfo_inside")
    lines = [
        cgroups.Line(("cpu", "cpuacct"), f"/docker/{DOCKER}/job"),
        cgroups.Line(("name=systemd",), "/"),
        cgroups.Line(("memory",), "/x"),
    ]
    cpu, systemd, memory = cgroups.memberships(lines, inside)
    assert cpu.directory == "/sys/fs/cgroup/cpu,cpuacct/job"
    assert (systemd.directory, memory.directory) == ("", "")


def test_mounts_are_unescaped() -> None:
    """A space and a backslash in a mount's names are shown as they are; both lists of options are given, each word once."""
    seen = mounts.parse_mounts(recorded("v2/mountinfo"))
    assert Mount("/sys", "sysfs", "sysfs", ("rw", "nosuid", "nodev", "noexec", "relatime")) in seen
    shared = seen[-1]
    assert (shared.target, shared.source, shared.type) == ("/mnt/shared folder", "my\\share", "9p")
    assert shared.options == ("rw", "relatime", "sync", "dirsync", "access=client", "trans=virtio")


def test_mount_with_an_empty_source() -> None:
    """A mount whose source is the empty string does not shift its options."""
    (seen,) = mounts.parse_mounts("64 45 0:40 / /proc rw - proc  rw,hidepid=2\n")
    assert seen == Mount("/proc", "proc", "", ("rw", "hidepid=2"))


def test_system_v_objects() -> None:
    """One object of each kind, with the key as `ipcs` shows it."""
    seen = ipc.parse_ipc(ipc.IpcTexts(recorded("v1/sysvipc_msg"), recorded("v1/sysvipc_shm"), recorded("v1/sysvipc_sem")))
    assert [(one.id, one.key, one.messages, one.bytes) for one in seen.queues] == [(0, 519020309, 0, 0)]
    assert [(one.id, f"{one.key:#x}", one.size) for one in seen.segments] == [(0, "0x8b11e1a5", 4096)]
    assert [(one.id, one.count) for one in seen.semaphores] == [(0, 3)]


def test_interfaces_with_their_addresses() -> None:
    """Addresses are found on their interfaces with the length of their network."""
    seen = network.parse_interfaces(*(recorded(f"net/{name}") for name in ("dev", "fib_trie", "route", "if_inet6")))
    assert seen == (
        Interface("lo", ("127.0.0.1/8", "::1/128"), 3193, 3193),
        Interface("eth0", ("192.0.2.2/24", "fe80::fc:ff:fe00:1/64", "fd00::2/64"), 62856614, 131659),
        Interface("docker0", ("172.17.0.1/16",), 0, 0),
    )


def test_interfaces_of_a_new_network_namespace() -> None:
    """A container with nothing but loopback has nothing but loopback."""
    names = ("net_dev", "net_fib_trie", "net_route", "net_if_inet6")
    assert network.parse_interfaces(*(recorded(f"v1/{name}") for name in names)) == (Interface("lo", ("127.0.0.1/8", "::1/128")),)


def test_ports_that_are_waited_on_from_outside() -> None:
    """Of six listeners, those on loopback (127.0.0.11, ::1, ::ffff:127.0.0.1) are for the container itself."""
    assert network.parse_listeners(recorded("net/tcp")) == {80, 8080}
    assert network.parse_listeners(recorded("net/tcp6")) == {443}
    for wrong in ("head\n0: 0100007F 00000000:0000 0A", "head\n0: nothing:0050 00000000:0000 0A"):
        with pytest.raises(UnreadableError):
            network.parse_listeners(wrong)


def test_address_of_an_interface_that_is_down() -> None:
    """Without routes the only interface beside loopback has the address, with its length unknown; of two, neither has."""
    assert network.place("10.0.0.2", [], ["lo", "eth0"]) == ("eth0", "10.0.0.2")
    assert network.place("10.0.0.2", [], ["lo", "eth0", "eth1"]) == ("", "")


def test_links_tell_their_other_end_and_their_bridge() -> None:
    """A bridge with one of two joined interfaces at it, and an interface whose other end is in another namespace."""
    told = links.parse_links(bytes.fromhex(recorded("net/links.hex").replace("\n", "")))
    assert told == (
        links.Link("lo", 1, up=False),
        links.Link("br0", 2, up=False, kind="bridge"),
        links.Link("port2", 3, up=False, kind="veth", peer=4),
        links.Link("port1", 4, up=True, kind="veth", peer=3, bridge=2),
        links.Link("out", 5, up=False, kind="veth", peer=2, elsewhere=True),
    )
    known = links.joined((Interface("out", ("10.0.0.1/24",)), Interface("new")), told)
    assert known == (Interface("out", ("10.0.0.1/24",), index=5, kind="veth", peer=2, elsewhere=True), Interface("new"))


def test_pings_are_counted_by_the_kernels_names() -> None:
    """Requests and replies stand where the line above names them, and nothing counts where the kernel tells nothing."""
    assert network.parse_pings("Ip: x\nIcmp: InMsgs InEchos InEchoReps\nIcmp: 5 3 2\nIcmpMsg: y\n") == Pings(3, 2)
    assert network.parse_pings("") == Pings()


def test_maps_of_users() -> None:
    """A map's ranges in their order; none before a map was written."""
    assert users.parse_map("         0     100000      65536\n     65536          5          1\n") == (
        IdRange(0, 100000, 65536),
        IdRange(65536, 5, 1),
    )
    assert users.parse_map("") == ()


@pytest.mark.parametrize(
    ("text", "clocks_told"),
    [
        ("monotonic           0         0\nboottime      8640000         0\n", Clocks(0, 8640000)),
        ("1 -5 0\n7 60 0\n", Clocks(-5, 60)),
        ("", Clocks()),
    ],
)
def test_offsets_of_clocks(text: str, clocks_told: Clocks) -> None:
    """Both clocks' offsets in seconds, by name or, as Linux 5.6 wrote them, by number."""
    assert clocks.parse_clocks(text) == clocks_told


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"user/max_user_namespaces": "96365"}, ""),
        ({"user/max_user_namespaces": "0"}, "user/max_user_namespaces"),
        ({"kernel/unprivileged_userns_clone": "0"}, "kernel/unprivileged_userns_clone"),
        ({"kernel/apparmor_restrict_unprivileged_userns": "1"}, "kernel/apparmor_restrict_unprivileged_userns"),
        ({"kernel/apparmor_restrict_unprivileged_userns": "0", "kernel/unprivileged_userns_clone": "1"}, ""),
    ],
)
def test_what_refuses_user_namespaces(settings: dict[str, str], told: str) -> None:
    """The setting that keeps ordinary users from a user namespace is named, and none where all allow it or are absent."""
    assert users.no_user_namespaces(lambda name: settings.get(name, "")) == told


def test_security() -> None:
    """Capability sets are numbers, and the label stands without the kernel's NUL."""
    status = processes.parse_status(recorded("v1/status")) | {"NoNewPrivs": "1", "Seccomp": "2"}
    seen = security.parse_security(status, "docker-default (enforce)\n\0")
    assert (seen.effective, seen.bounding) == (0x1FFFFFFFFFF, 0x1FFFFFFFFFF)
    assert (seen.seccomp, seen.no_new_privileges, seen.label) == (2, True, "docker-default (enforce)")


def test_counters_refuse_what_they_do_not_know() -> None:
    """A line that is no name and number is refused in words, with the file's name."""
    with pytest.raises(UnreadableError, match=r"cpu\.stat: 'many' is not a number"):
        counters("nr_periods many\n", "cpu.stat")


PARSERS: dict[str, Callable[[str], object]] = {
    "stat": processes.parse_stat,
    "status": lambda text: processes.numbers_inside(processes.parse_status(text)),
    "process": lambda text: processes.parse_process(1, text, processes.parse_status(text), text),
    "cgroup": cgroups.parse_cgroup,
    "trees": lambda text: cgroups.parse_trees(cgroups.cgroup_mounts(text), cgroups.parse_cgroup(text), ()),
    "controllers": lambda text: controllers.parse_controllers(
        (), dict.fromkeys(("cpu.max", "cpu.stat", "memory.max", "pids.max", "cgroup.events", "memory.events"), text)
    ),
    "controllers_v1": lambda text: controllers.parse_controllers(
        (), dict.fromkeys(("cpu.cfs_quota_us", "memory.limit_in_bytes", "freezer.state", controllers.V1_CPU_STAT), text)
    ),
    "block": lambda text: block.parse_io(dict.fromkeys(block.V1_FILES, text)),
    "block_v2": lambda text: block.parse_io(dict.fromkeys(block.V2_FILES, text)),
    "cpus": lambda text: numbers_listed(text, "cpuset.cpus.effective"),
    "ipc": lambda text: ipc.parse_ipc(ipc.IpcTexts(text, text, text)),
    "mounts": mounts.parse_mounts,
    "interfaces": lambda text: network.parse_interfaces(text, text, text, text),
    "links": lambda text: links.parse_links(text.encode("utf-8", "replace")),
    "pings": network.parse_pings,
    "map": users.parse_map,
    "clocks": clocks.parse_clocks,
    "security": lambda text: security.parse_security(processes.parse_status(text), text),
}
PIECES = sorted({piece for path in RECORDED.rglob("*") if path.is_file() for piece in path.read_text().split("\n")[:6]})
KERNEL_LIKE = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=30))).map("\n".join)


@pytest.mark.parametrize("name", sorted(PARSERS))
@given(text=st.one_of(st.text(), KERNEL_LIKE))
@example(text="")
@example(text="\n\n")
@example(text="9" * 5000)
def test_a_parser_raises_nothing_but_its_declared_error(name: str, text: str) -> None:
    """Whatever text comes, a parser gives facts or says which file it could not read."""
    try:
        PARSERS[name](text)
    except UnreadableError as error:
        assert str(error)
