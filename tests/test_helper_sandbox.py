"""What a sandbox is: seven namespaces, an identity of nobody's, groups named by its id, its own file systems."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helper_process import INSTANCE, background, execute, inspect, refusal, run
from workshop.client.connection import Client
from workshop.facts import KINDS
from workshop.protocol import ContainerInfo, Exec, Inspect, List, Remove, Run, Stop, Update, Wait

pytest_plugins = ["tests.helper_fixtures"]
pytestmark = pytest.mark.root


def groups() -> list[Path]:
    """Every cgroup directory of a sandbox of this instance."""
    found = [*Path("/sys/fs/cgroup").glob(f"*/{INSTANCE}/*/"), *Path("/sys/fs/cgroup").glob(f"{INSTANCE}/*/")]
    return [path for path in found if path.is_dir()]


def test_output_error_and_exit_code_come_back(client: Client) -> None:
    """A program's two outputs arrive apart, and its exit code is told."""
    ran = run(client, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (ran.output, ran.error, ran.code) == ("out\n", "err\n", 7)


def test_a_signal_is_told_as_128_and_its_number(client: Client) -> None:
    """A program that a signal ended has code 128+n."""
    box = background(client)
    client.ask(Stop(box.id, seconds=0))
    assert inspect(client, box.id).code == 128 + 9


def test_input_reaches_the_program(client: Client) -> None:
    """With `interactive`, what the client writes is the program's standard input."""
    reply = client.ask(Run("busybox", ["cat"], interactive=True, remove=True))
    given, output, error = reply.descriptors
    os.write(given, b"hello")
    os.close(given)
    with open(output) as file:
        assert file.read() == "hello"
    os.close(error)
    assert client.ask(Wait(reply.value.id)).value.code == 0


def test_the_program_is_pid_1(client: Client) -> None:
    """PID 1 of a sandbox is the program that was asked for, and it sees nothing but its own processes."""
    box = background(client)
    assert Path(f"/proc/{box.pid}/cmdline").read_bytes() == b"sleep\x001000\x00"
    assert execute(client, box.id, "sh", "-c", "echo /proc/[0-9]*").output.split()[0] == "/proc/1"
    assert len(execute(client, box.id, "ps", "-o", "pid").output.split()) == 3


def test_seven_namespaces_are_not_the_hosts(client: Client) -> None:
    """Every namespace but that of time differs from the host's."""
    box = background(client)
    theirs, ours = Path(f"/proc/{box.pid}/ns"), Path("/proc/self/ns")
    differ = [kind for kind in KINDS if (theirs / kind).readlink() != (ours / kind).readlink()]
    assert differ == [kind for kind in KINDS if kind != "time"]


def test_root_inside_is_nobody_outside(client: Client) -> None:
    """Two sandboxes have identity maps from 2**31 on that don't meet, and neither has host uid 0."""
    maps = [Path(f"/proc/{background(client).pid}/{file}").read_text().split() for file in ("uid_map", "gid_map")]
    assert maps == [["0", str(2**31), "65536"], ["0", str(2**31 + 65536), "65536"]]


def test_files_of_the_image_are_roots_inside(client: Client) -> None:
    """The image belongs to root as seen inside, and can be written to without the image changing."""
    ran = run(client, "sh", "-c", "stat -c %u /bin/busybox /; id -u; rm /bin/ls; touch /new; exit 0")
    assert (ran.output.split(), ran.error) == (["0", "0", "0"], "")
    (layer,) = Path(f"/var/lib/{INSTANCE}/store/shared/layers").iterdir()
    assert (layer / "root/bin/ls").is_symlink()
    assert run(client, "ls", "/new").code == 1


def test_groups_are_named_by_the_id_and_go_with_the_sandbox(client: Client) -> None:
    """In every hierarchy there is INSTANCE/<id> while the sandbox runs; when Wait answers they are gone."""
    box = background(client)
    assert {path.name for path in groups()} == {box.id}
    assert all(Path(path).is_dir() and path.endswith(f"/{INSTANCE}/{box.id}") for path in box.cgroups.values())
    members = [Path(path, "cgroup.procs").read_text().split() for path in box.cgroups.values()]
    assert members == [[str(box.pid)]] * len(members)
    client.ask(Stop(box.id, seconds=0))
    assert groups() == []


def test_the_sandbox_sees_its_groups_as_the_root(client: Client) -> None:
    """Its cgroup namespace makes its own group `/`, where it reads its own limits and can't change them."""
    ran = run(client, "sh", "-c", "cut -d: -f2- /proc/self/cgroup; find /sys/fs/cgroup -name pids.max | xargs cat", pids=77)
    assert {line.split(":")[-1] for line in ran.output.splitlines()[:-1]} == {"/"}
    assert ran.output.splitlines()[-1] == "77"
    wrote = run(client, "sh", "-c", "echo 9 > $(find /sys/fs/cgroup -name pids.max)")
    assert (wrote.code, "Read-only file system" in wrote.error) == (1, True)


def quota(box: ContainerInfo) -> str:
    """The cpu controller's quota in microseconds, -1 for none, whatever the version."""
    v1, v2 = Path(box.cgroups["cpu"], "cpu.cfs_quota_us"), Path(box.cgroups["cpu"], "cpu.max")
    return v1.read_text().strip() if v1.exists() else v2.read_text().split()[0].replace("max", "-1")


def test_no_cpu_quota_until_one_is_set(client: Client) -> None:
    """The quota is -1 by default; an update sets it and lifts it again."""
    box = background(client)
    assert quota(box) == "-1"
    client.ask(Update(box.id, millicpus=200))
    assert quota(box) == "20000"
    assert inspect(client, box.id).limits.millicpus == 200
    client.ask(Update(box.id, millicpus=-1))
    assert quota(box) == "-1"
    assert quota(background(client, millicpus=500)) == "50000"


def test_a_fork_bomb_meets_the_limit(client: Client) -> None:
    """A sandbox can't have more processes than its limit."""
    ran = run(client, "sh", "-c", "for i in $(seq 50); do sleep 100 & done; wait", pids=20)
    assert "can't fork" in ran.error


def test_disk_is_limited(client: Client) -> None:
    """What a sandbox may write is bounded: after 64 MiB there is no space left."""
    ran = run(client, "sh", "-c", "dd if=/dev/zero of=/file bs=1M count=100; du -m /file | cut -f1")
    assert "No space left on device" in ran.error
    assert 55 <= int(ran.output) <= 64


def test_hostname(client: Client) -> None:
    """The host name is the id's first twelve digits, or the one asked for; the host's own stays."""
    before = os.uname().nodename
    box = background(client)
    assert execute(client, box.id, "hostname").output.strip() == box.id[:12] == box.hostname
    named = run(client, "sh", "-c", "hostname; cat /etc/hostname; echo $HOSTNAME", hostname="whale")
    assert named.output.split() == ["whale"] * 3
    assert os.uname().nodename == before


def test_loopback_is_up_and_alone(client: Client) -> None:
    """The network namespace has `lo` and nothing else, and it works."""
    assert run(client, "sh", "-c", "ls /sys/class/net; ping -c 1 127.0.0.1 > /dev/null && echo works").output.split() == [
        "lo",
        "works",
    ]


def test_the_hosts_mount_table_never_changes(client: Client) -> None:
    """While a sandbox runs, the host has just the mounts that it had."""
    before = Path("/proc/self/mountinfo").read_text()
    background(client)
    assert Path("/proc/self/mountinfo").read_text() == before


def test_environment_is_six_names(client: Client) -> None:
    """Nothing of the helper's environment is in the sandbox's."""
    box = background(client)
    names = {line.split(b"=")[0] for line in Path(f"/proc/{box.pid}/environ").read_bytes().split(b"\0") if line}
    assert names == {b"PATH", b"HOME", b"HOSTNAME", b"TERM", b"LANG", b"container"}


def test_queues_are_the_sandboxs_own(client: Client) -> None:
    """`ipcmk -Q` inside makes a queue that `ipcs` shows inside and the host's table does not."""
    before = Path("/proc/sysvipc/msg").read_text()
    ran = run(client, "sh", "-c", "ipcmk -Q && ipcs -q && type ipcs ipcmk")
    assert "Message queue id: 0" in ran.output
    assert ran.output.count("0x") == 1
    assert Path("/proc/sysvipc/msg").read_text() == before


def test_exec_is_in_the_same_place(client: Client) -> None:
    """A program of Exec shares all seven namespaces and every group, and its code is its own."""
    box = background(client)
    ran = execute(
        client, box.id, "sh", "-c", "readlink /proc/1/ns/* /proc/self/ns/* | sort | uniq -c; cat /proc/self/cgroup; exit 4"
    )
    assert ran.code == 4
    assert {line.split()[0] for line in ran.output.splitlines() if "[" in line and "_for_children" not in line} <= {"2", "4"}
    assert {line.split(":")[-1] for line in ran.output.splitlines() if ":/" in line} == {"/"}


def test_a_command_that_is_not_there(client: Client) -> None:
    """A missing program and one that can't be run are told apart, and leave nothing behind."""
    assert refusal(client, Run("busybox", ["nonsense"])) == "command_not_found"
    assert refusal(client, Run("busybox", ["/etc/passwd"])) == "command_not_executable"
    box = background(client)
    assert refusal(client, Exec(box.id, ["nonsense"])) == "command_not_found"
    assert {path.name for path in groups()} == {box.id}
    assert len(client.ask(List(all=True)).value.containers) == 1


def test_ended_sandboxes_are_listed_until_removed(client: Client) -> None:
    """An ended sandbox is known with its code until it is removed; a running one is removed by force only."""
    box = background(client, name="one")
    assert refusal(client, Remove("one")) == "still_running"
    assert refusal(client, Run("busybox", [], name="one", detach=True)) == "name_taken"
    client.ask(Stop("one", seconds=0))
    assert client.ask(List()).value.containers == ()
    (told,) = client.ask(List(all=True)).value.containers
    assert (told.state, told.code, told.pid) == ("exited", 137, 0)
    assert refusal(client, Exec("one", ["ls"])) == "not_running"
    client.ask(Remove(box.id[:8]))
    assert refusal(client, Inspect("one")) == "no_such_container"


def test_numbers_and_names_out_of_bounds(client: Client) -> None:
    """Limits that can't be meant and names that are none are refused by name."""
    assert refusal(client, Run("busybox", [], memory=5)) == "out_of_bounds"
    assert refusal(client, Run("busybox", [], pids=-1)) == "out_of_bounds"
    assert refusal(client, Run("busybox", [], name="a b")) == "bad_name"
    assert refusal(client, Run("debian", [])) == "no_such_image"


def test_a_list_too_long_for_a_packet_comes_whole(client: Client) -> None:
    """The answer about many sandboxes, larger than a packet, comes as a memory file."""
    for number in range(14):
        background(client, "sh", "-c", "sleep 1000; exit", "x" * 300, name=f"box{number}")
    told = client.ask(List()).value.containers
    assert [one.name for one in told] == [f"box{number}" for number in range(14)]
