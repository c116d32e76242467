"""The parts of the helper that need no kernel, or only one in another shape than this machine's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.helper_process import INSTANCE, MAIN
from workshop.facts import Hierarchy
from workshop.helper.engine.children import Place
from workshop.helper.engine.loop import Loop, Task
from workshop.helper.engine.operation import Operation
from workshop.helper.engine.start import Program, Start, applying, perform
from workshop.helper.engine.stepping import Straight
from workshop.helper.engine.steps import JOINING, START
from workshop.helper.kernel.cgroups import Cgroups, limits_v1, limits_v2, parse_hierarchies
from workshop.protocol import Limits, Run
from workshop.words import LANGUAGES
from workshop.words.language import words

HYBRID = """\
24 1 0:22 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
25 24 0:23 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate
26 24 0:24 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,xattr,name=systemd
30 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:15 - cgroup cgroup rw,cpu,cpuacct
31 24 0:29 / /sys/fs/cgroup/memory rw,nosuid shared:16 - cgroup cgroup rw,memory
40 1 0:29 /docker/abc /somewhere/else rw - cgroup cgroup rw,memory
"""
OWN = "5:memory:/\n2:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n"
UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_hierarchies_of_a_hybrid_machine() -> None:
    """Hierarchies with controllers are found once each, and systemd's named one is left out."""
    assert parse_hierarchies(HYBRID, OWN) == [
        Hierarchy(2, (), "/sys/fs/cgroup/unified"),
        Hierarchy(1, ("cpu", "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct"),
        Hierarchy(1, ("memory",), "/sys/fs/cgroup/memory"),
    ]


def test_hierarchies_of_a_unified_machine() -> None:
    """A machine with cgroup v2 alone has one hierarchy."""
    assert parse_hierarchies(UNIFIED, "0::/\n") == [Hierarchy(2, (), "/sys/fs/cgroup")]


def test_limits_in_both_versions() -> None:
    """The same limits are written in each version's words, and no limit as well."""
    some = Limits(millicpus=250, memory=64 << 20, pids=7)
    assert limits_v1(some)["cpu.cfs_quota_us"] == "25000"
    assert limits_v2(some) == {"pids.max": "7", "memory.max": "67108864", "memory.swap.max": "0", "cpu.max": "25000 100000"}
    none = Limits()
    assert (limits_v1(none)["cpu.cfs_quota_us"], limits_v1(none)["memory.limit_in_bytes"]) == ("-1", "-1")
    assert limits_v2(none) == {"pids.max": "max", "memory.max": "max", "memory.swap.max": "max", "cpu.max": "max 100000"}


def test_a_weight_is_written_as_each_version_counts() -> None:
    """The least and the most are so in both; processors are named the same."""
    for shares, weight in ((2, "1"), (1024, "39"), (262_144, "10000")):
        wanted = Limits(shares=shares, cpus="0,1")
        assert (limits_v1(wanted)["cpu.shares"], limits_v2(wanted)["cpu.weight"]) == (str(shares), weight)
        assert limits_v1(wanted)["cpuset.cpus"] == limits_v2(wanted)["cpuset.cpus"] == "0,1"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_of_a_start_says_why(language: str) -> None:
    """Each has its sentence in every language, and there is no other."""
    assert {step.why for step in START} == {key for key in words(language, "helper") if key.startswith("why_")}


def start_of(base: int, hierarchies: str = "", *, terminal: bool = False) -> Start:
    """A start with these identities on a machine with these control groups, of which nothing is made."""
    wanted, cgroups = Run("busybox", ["sh"], terminal=terminal), Cgroups("ws", parse_hierarchies(hierarchies, OWN))
    return Start(Place(cgroups, "box", base, "/run/ws"), Program(wanted, wanted), set(), {"0": "/layer"})


def test_each_step_is_stopped_at_and_then_made() -> None:
    """What a start makes is what its walk stops at, step by step; a step that does not apply is neither."""
    happened: list[str] = []

    class Noting(Straight):
        def stop(self, step: Operation[Start]) -> None:
            happened.append(f"stop at {step.why}")

    def step(why: str, *, applies: bool = True) -> Operation[Start]:
        return Operation("call", why, lambda _: happened.append(why), lambda _: applies)

    start = start_of(0)
    start.walk = Noting()
    perform((step("first"), step("never", applies=False), step("last")), start)
    assert happened == ["stop at first", "first", "stop at last", "last"]


def test_what_a_start_makes_goes_by_what_was_asked_for() -> None:
    """Root's groups and identities, version 1's groups, networks and terminals each have steps that others do without."""
    everything = {step.why for step in START}
    without = {"why_plug", "why_terminal"}
    assert everything - {one.why for one in applying(START, start_of(2**31, HYBRID))} == without
    assert everything - {one.why for one in applying(START, start_of(2**31, HYBRID, terminal=True))} == {"why_plug"}
    assert everything - {one.why for one in applying(START, start_of(2**31, UNIFIED))} == {*without, "why_join"}
    ordinary = {"why_make_cgroups", "why_limit", "why_join", "why_idmap"}
    assert everything - {one.why for one in applying(START, start_of(0))} == without | ordinary


def test_what_joins_a_sandbox_is_restricted_as_the_sandbox_is() -> None:
    """All of the last steps but the change of the root, which the namespace that it joins has already."""
    start = start_of(2**31, HYBRID, terminal=True)
    whole = [one.why for one in applying(START, start)]
    start.layers = {}
    joining = [one.why for one in applying(JOINING, start)]
    assert joining == ["why_second_fork", *(why for why in whole[whole.index("why_setsid") :] if why != "why_pivot")]


def test_steps_are_interrupted_once_their_time_is_over() -> None:
    """A start that waits for something that never comes gets the error that was set for it, and cleans up."""
    loop = Loop()
    outcomes: list[object] = []
    cleaned: list[bool] = []
    never, writer = os.pipe()

    def steps() -> Generator[int, None, None]:
        try:
            yield never
        finally:
            cleaned.append(True)

    Task(loop, steps(), outcomes.append).fail(TimeoutError(), after=0.01)
    loop.later(0.02, loop.stop)
    loop.run()
    assert [type(one) for one in outcomes] == [TimeoutError]
    assert cleaned == [True]
    os.close(never)
    os.close(writer)


STRAYS = """
import os
from workshop.helper.kernel import syscalls
for known in (True, False):
    child = os.posix_spawn("/bin/false", ["false"], {})
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    syscalls.reap_strays({child} if known else set())
    try:
        print("left with", os.waitstatus_to_exitcode(os.waitpid(child, os.WNOHANG)[1]))
    except ChildProcessError:
        print("reaped")
"""


def test_strays_are_reaped_and_others_left() -> None:
    """An ended child that nobody waits for is reaped, and one that somebody waits for keeps its exit code."""
    environ = {**os.environ, "PYTHONPATH": str(MAIN.parents[2])}
    ran = subprocess.run([sys.executable, "-c", STRAYS], env=environ, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("left with 1\nreaped\n", "")


ONLY_V2 = """
import subprocess, sys
from pathlib import Path
mounts = {target: kind for _, target, kind, *_ in map(str.split, Path("/proc/mounts").read_text().splitlines())}
# Not mounted anew: that would take nsdelegate, which systemd wants, from the whole machine's.
version_2 = next(target for target, kind in mounts.items() if kind == "cgroup2")
subprocess.run(["mount", "--bind", version_2, sys.argv[1]], check=True)
for target in sorted((one for one in mounts if one.startswith("/sys/fs/cgroup")), reverse=True):
    subprocess.run(["umount", target], check=True)
subprocess.run(["mount", "--move", sys.argv[1], "/sys/fs/cgroup"], check=True)
from tests.helper_process import INSTANCE, background, command_line, groups, helper_process, remove_directories, run
from workshop.protocol import Remove
with helper_process(Path(sys.argv[1])) as process, process.connect() as client:
    box = background(client)
    assert list(map(str, Path("/sys/fs/cgroup").glob(f"{INSTANCE}/*/"))) == [box.cgroups["unified"]], box
    assert Path(box.cgroups["unified"], "cgroup.procs").read_text().split() == [str(box.pid)]
    Path(box.cgroups["unified"], "cgroup.freeze").write_text("1")
    client.ask(Remove(box.id, force=True))
    assert not Path(box.cgroups["unified"]).exists()
    inside = run(client, "sh", "-c", "cat /sys/fs/cgroup/cgroup.type /sys/fs/cgroup/cgroup.procs; tail -1 /proc/self/cgroup")
    assert "0::/" in inside.output and "cannot" not in inside.error, inside
    background(client)
    process.kill()
assert command_line("reconcile").stdout == "removed 1\\n"
assert groups() == []
remove_directories()
"""


@pytest.mark.root
def test_a_machine_with_version_2_only(tmp_path: Path) -> None:
    """Where v2 is all there is (a mount namespace is made so), groups are made, frozen, seen from inside and removed."""
    environ = {**os.environ, "WORKSHOP_INSTANCE": INSTANCE, "PYTHONPATH": str(MAIN.parents[2])}
    command = ["unshare", "-m", "--propagation", "private", sys.executable, "-c", ONLY_V2, str(tmp_path)]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
