"""What `box` prints is what Docker's users expect, and harmless whatever the names and commands are."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from workshop.box import tables as box_print
from workshop.box.commands import box
from workshop.box.network_commands import network_group
from workshop.box.options import Bytes, Cpus
from workshop.box.stats import usage
from workshop.facts import Cgroups, Container, Cpu, Facts, Membership, Memory, Namespaces, Pids, Process
from workshop.protocol import ContainerInfo, Limits
from workshop.words import binary_size, decimal_size

NOW = 1_700_000_000.0
BOX = ContainerInfo(
    id="0123456789abcdef" * 4,
    name="quiet_pine",
    image="busybox",
    image_id="sha256:abc",
    command=("sleep", "100"),
    created=NOW - 65,
    state="running",
    code=0,
    ended=0,
    pid=4321,
    hostname="0123456789ab",
    limits=Limits(millicpus=500, memory=67_108_864, pids=50),
    cgroups={"cpu": "/sys/fs/cgroup/cpu/workshop/0123"},
    remove=True,
    dropped=(),
    network="shop",
    address="172.18.0.2",
    variables=(),
    executions=(),
)


def test_ps_has_the_columns_of_docker() -> None:
    """A running box is one line under the headers that Docker prints."""
    header, line = box_print.container_table([BOX], NOW, True).splitlines()
    assert header.split("  ")[0] == "CONTAINER ID"
    assert header.replace("CONTAINER ID", "ID").split() == ["ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    cells = [cell.strip() for cell in line.split("   ") if cell.strip()]
    assert cells == ["0123456789ab", "busybox", '"sleep 100"', "About a minute ago", "Up About a minute", "quiet_pine"]


def test_an_ended_box_shows_its_code() -> None:
    """An ended box says with which code, and how long ago."""
    ended = BOX._replace(state="exited", code=137, ended=NOW - 5)
    assert box_print.status(ended, NOW) == "Exited (137) 5 seconds ago"


def test_a_long_command_is_shortened_unless_told_otherwise() -> None:
    """The command takes no more than its column, and --no-trunc shows all of it and of the id."""
    long = BOX._replace(command=("sh", "-c", "echo a long command"))
    assert '"sh -c echo a long..."' in box_print.container_table([long], NOW, True)
    whole = box_print.container_table([long], NOW, False)
    assert '"sh -c echo a long command"' in whole
    assert BOX.id in whole


@given(st.text(max_size=30))
def test_nothing_that_a_terminal_obeys_is_printed(command: str) -> None:
    """Control and bidirectional characters in a command come out as escapes, so that a line stays a line."""
    printed = box_print.container_table([BOX._replace(command=(command,))], NOW, False)
    assert len(printed.split("\n")) == 2
    assert printed.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.5, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (150, "2 minutes"),
        (3600, "About an hour"),
        (7 * 3600, "7 hours"),
        (47 * 3600, "47 hours"),
        (3 * 86400, "3 days"),
        (21 * 86400, "3 weeks"),
        (100 * 86400, "3 months"),
        (1000 * 86400, "2 years"),
        (-5, "Less than a second"),
    ],
)
def test_ages_are_in_words(seconds: float, words: str) -> None:
    """An age is told as Docker tells it; a clock that was set back is no reason for nonsense."""
    assert box_print.age(seconds) == words


def test_sizes_are_in_units() -> None:
    """Images are sized in powers of 1000 and memory in powers of 1024, as Docker does."""
    assert [decimal_size(size) for size in (999, 4_260_000, 999_900)] == ["999B", "4.26MB", "1MB"]
    assert [binary_size(size) for size in (1023, 1_572_864, 67_108_864)] == ["1023B", "1.5MiB", "64MiB"]


def test_inspect_has_the_keys_of_docker() -> None:
    """Scripts that read `docker inspect` find id, state, command and limits where they are used to."""
    seen = json.loads(json.dumps(box_print.details(BOX)))
    assert (seen["Id"], seen["Name"], seen["Created"]) == (BOX.id, "/quiet_pine", "2023-11-14T22:12:15.000000Z")
    assert (seen["State"]["Status"], seen["State"]["Running"], seen["State"]["Pid"]) == ("running", True, 4321)
    assert seen["Config"] == {"Image": "busybox", "Cmd": ["sleep", "100"], "Hostname": "0123456789ab", "Env": []}
    limits = {"NanoCpus": 500_000_000, "Memory": 67_108_864, "PidsLimit": 50, "CpusetCpus": "", "CpuShares": 0}
    assert seen["NetworkSettings"] == {"Networks": {"shop": {"IPAddress": "172.18.0.2"}}}
    assert seen["HostConfig"] == {**limits, "CapDrop": [], "AutoRemove": True}


def test_a_format_picks_what_it_names() -> None:
    """`-f` prints the value under a path, text plainly and the rest as JSON, and refuses a path that is not there."""
    seen = box_print.details(BOX)
    assert box_print.formatted("{{.State.Pid}} {{ .Name }} {{.Config.Cmd}}", seen) == '4321 /quiet_pine ["sleep", "100"]'
    for wrong in ("{{.State.Nothing}}", "{{.State.Pid", "{{json .State}}", "{{range .}}"):
        with pytest.raises(box_print.FormatError):
            box_print.formatted(wrong, seen)


@pytest.mark.parametrize(
    ("text", "size"), [("64m", 64 << 20), ("64M", 64 << 20), ("1.5GiB", 3 << 29), ("512kb", 1 << 19), ("4096", 4096), ("1b", 1)]
)
def test_memory_sizes_are_read_as_docker_reads_them(text: str, size: int) -> None:
    """A size may have a unit, a fraction, and the long forms of units."""
    assert Bytes().number(text) == size


@pytest.mark.parametrize("text", ["banana", "", "m", "-1", "1e9", "64 q", "٣m", "0x10", "1" * 99])
def test_what_is_no_size_is_none(text: str) -> None:
    """Anything else is no size."""
    assert Bytes().number(text) is None


@pytest.mark.parametrize(
    ("text", "cpus"), [("0.5", 500), ("2", 2000), (".25", 250), ("0", 0), ("0.0001", None), ("", None), (".", None)]
)
def test_processors_are_read_as_docker_reads_them(text: str, cpus: int | None) -> None:
    """A fraction of a processor is one; so little of it that it would read as no limit is refused."""
    assert Cpus().number(text) == cpus


def reading(usage_us: int, memory: Memory | None, group: str = f"/workshop/{BOX.id}") -> Facts:
    """One reading of one box."""
    member = Membership(2, ("cpu", "memory", "pids"), group, f"/sys/fs/cgroup{group}")
    groups = Cgroups((member,), cpu=Cpu(usage_us=usage_us), memory=memory, pids=Pids(current=3))
    init = Process(pid=4321, inner=1, parent=1, uid=0, name="sh")
    return Facts(containers=(Container(BOX.id, "quiet_pine", "box", Namespaces(pid=7), init, cgroups=groups),))


def test_stats_count_from_one_reading_to_the_next() -> None:
    """Half a second of processor time in one second is 50 %, and memory is told beside its limit."""
    memory = Memory(limit=64 << 20, usage=16 << 20)
    line = usage(reading(1_000_000, memory), reading(1_500_000, memory), 1.0, ()).splitlines()[1]
    assert line.split() == ["0123456789ab", "quiet_pine", "50.00%", "16MiB", "/", "64MiB", "25.00%", "3"]


def test_stats_say_what_is_not_known() -> None:
    """A controller that this machine has not is told as such, never as a zero."""
    line = usage(reading(0, None), reading(0, None), 1.0, ()).splitlines()[1]
    assert line.split() == ["0123456789ab", "quiet_pine", "0.00%", "--", "/", "--", "--", "3"]


def test_stats_never_tell_of_a_group_that_others_share() -> None:
    """Without root a box is in its user's own group, whose numbers are not the box's."""
    shared = reading(5_000_000, Memory(limit=64 << 20, usage=16 << 20), "/user.slice")
    line = usage(reading(0, None, "/user.slice"), shared, 1.0, ()).splitlines()[1]
    assert line.split() == ["0123456789ab", "quiet_pine", "--", "--", "/", "--", "--", "--"]


@pytest.mark.parametrize("language", ["C.UTF-8", "zh_CN.UTF-8"])
@pytest.mark.parametrize("name", ["", *box.commands, *(f"network {one}" for one in network_group.commands)])
def test_help_is_in_both_languages(name: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command and option explains itself in the user's language."""
    monkeypatch.setenv("LC_ALL", language)
    said = CliRunner().invoke(box, [*name.split(), "--help"], prog_name="box").output
    assert said.startswith(f"Usage: box {name}".rstrip())
    explained = [line for line in said.splitlines() if line.startswith("  ")]
    assert all(any(ord(letter) > 0x3000 for letter in line) == (language != "C.UTF-8") for line in explained)
