"""What a sandbox may not: each refusal is tried, by a program that has root's identity inside."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helper_process import INSTANCE, background, execute, run
from workshop.client.connection import Client
from workshop.helper.kernel import seccomp
from workshop.helper.kernel.confine import CAPABILITIES
from workshop.protocol import Run

pytest_plugins = ["tests.helper_fixtures"]
root = pytest.mark.root


@root
@pytest.mark.parametrize(
    "attempt",
    [
        "mount -t tmpfs none /mnt",
        "umount /proc",
        "unshare -n true",
        "unshare -r true",
        "nsenter -t 1 -n true",
        "mount -o remount,rw /sys",
        "hostname other",
        "ip link set lo down",
        "swapoff /dev/null",
        "reboot -f",
        "dmesg",
        "mknod /dev/disk b 254 0 && cat /dev/disk",
        "chroot /proc/1/root mount -t tmpfs none /mnt",
        "date -s 2020-01-01 && false",
    ],
)
def test_refused(client: Client, attempt: str) -> None:
    """What would reach past the sandbox fails, and the reason is a permission."""
    ran = run(client, "sh", "-c", attempt)
    assert ran.code != 0
    assert "not permitted" in ran.error or "denied" in ran.error, ran.error


@root
def test_restrictions_hold_for_pid_1_and_for_exec(client: Client) -> None:
    """Docker's fourteen capabilities, no new privileges and a seccomp filter, for both kinds of program."""
    box = background(client)
    wanted = sum(1 << one for one in CAPABILITIES)
    ran = execute(client, box.id, "cat", "/proc/1/status", "/proc/self/status")
    lines = [line.split() for line in ran.output.splitlines()]
    for name in ("CapPrm:", "CapEff:", "CapBnd:"):
        assert [int(line[1], 16) for line in lines if line[0] == name] == [wanted] * 2
    for name, value in (("CapInh:", 0), ("CapAmb:", 0), ("NoNewPrivs:", 1), ("Seccomp:", 2)):
        assert [int(line[1], 16) for line in lines if line[0] == name] == [value] * 2


@root
def test_no_descriptor_goes_along(client: Client) -> None:
    """PID 1 has its three streams open and nothing else, and so has a program of Exec."""
    box = background(client)
    assert sorted(path.name for path in Path(f"/proc/{box.pid}/fd").iterdir()) == ["0", "1", "2"]
    assert execute(client, box.id, "sh", "-c", "ls /proc/$$/fd; true").output.split() == ["0", "1", "2"]


@root
def test_masked_and_read_only_paths(client: Client) -> None:
    """What tells of the shared kernel is empty, and its switches can't be written."""
    ran = run(client, "sh", "-c", "cat /proc/keys /proc/timer_list; ls /sys/firmware; echo 1 > /proc/sys/kernel/panic")
    assert ran.output == ""
    assert "Read-only file system" in ran.error


@root
def test_signals_are_as_a_program_expects(client: Client) -> None:
    """Nothing that Python ignores or blocks stays ignored or blocked."""
    ran = run(client, "cat", "/proc/self/status")
    libcs_own = 0b11 << 31  # signals 32 and 33, which glibc's posix_spawn(3), and so make(1), leaves ignored
    masks = {
        line.split()[0]: int(line.split()[1], 16) & ~libcs_own
        for line in ran.output.splitlines()
        if line.startswith("Sig") and "Q" not in line
    }
    assert masks == {"SigPnd:": 0, "SigBlk:": 0, "SigIgn:": 0, "SigCgt:": 0}


@root
def test_the_image_stays_as_it_was(client: Client) -> None:
    """The hardest a sandbox can do to its files is done to its own layer only."""
    client.ask(Run("busybox", ["true"], detach=True))
    before = sorted(str(path) for path in Path(f"/var/lib/{INSTANCE}/images/busybox/root").rglob("*"))
    run(client, "sh", "-c", "rm -rf /bin /etc /usr")
    assert sorted(str(path) for path in Path(f"/var/lib/{INSTANCE}/images/busybox/root").rglob("*")) == before


def verdict(
    machine: str, call: int, *arguments: int, architecture: int = 0, made: Callable[[str], bytes] = seccomp.program
) -> int:
    """What the filter answers to a call: its program is run here, instruction by instruction (bpf(4))."""
    words = [call, architecture or seccomp.ARCHITECTURES[machine], 0, 0]
    words += [half for argument in (*arguments, *[0] * (6 - len(arguments))) for half in (argument & 0xFFFFFFFF, argument >> 32)]
    program = list(struct.iter_unpack("HBBI", made(machine)))
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, value = program[at]
        at += 1
        match code:
            case 0x20:
                accumulator = words[value // 4]
            case 0x15:
                at += if_true if accumulator == value else if_false
            case 0x25:
                at += if_true if accumulator > value else if_false
            case 0x54:
                accumulator &= value
            case 0x06:
                return int(value)


ALLOWED, REFUSED, NO_SUCH_CALL, KILLED = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_on_both_machines(machine: str) -> None:
    """The filter's answers are the same on both architectures: denied calls, clone's flags, two ioctls, two families."""
    column = list(seccomp.ARCHITECTURES).index(machine)
    for name, numbers in seccomp.DENIED.items():
        if numbers[column] >= 0:
            assert verdict(machine, numbers[column]) == REFUSED, name
    clone, ioctl, socket = (call[column] for call in (seccomp.CLONE, seccomp.IOCTL, seccomp.SOCKET))
    assert verdict(machine, clone, 0x01200011) == ALLOWED
    assert {verdict(machine, clone, flag | 17) for flag in (0x20000, 0x10000000, 0x40000000)} == {REFUSED}
    assert verdict(machine, seccomp.CLONE3[column]) == NO_SUCH_CALL
    assert [verdict(machine, ioctl, 0, request) for request in (0x5412, 0x541C, 0x5401)] == [REFUSED, REFUSED, ALLOWED]
    assert [verdict(machine, ioctl, 0, 0x5412 | 1 << 32)] == [REFUSED]  # the kernel looks at the low half only
    assert [verdict(machine, socket, family) for family in (38, 40, 2)] == [REFUSED, REFUSED, ALLOWED]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_watchers_filter_on_both_machines(machine: str) -> None:
    """It lets namespaces be entered, and refuses what else is refused to a box, tracing, and other programs."""
    column = list(seccomp.ARCHITECTURES).index(machine)
    calls = {name: numbers[column] for name, numbers in seccomp.WATCHER_DENIED.items() if numbers[column] >= 0}
    assert {*seccomp.DENIED} - {"setns"} < {*seccomp.WATCHER_DENIED}
    assert {verdict(machine, call, made=seccomp.watching) for call in calls.values()} == {REFUSED}
    assert verdict(machine, seccomp.DENIED["setns"][column], made=seccomp.watching) == ALLOWED
    assert verdict(machine, seccomp.CLONE[column], 0x20000 | 17, made=seccomp.watching) == REFUSED


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_unknown_calls_and_foreign_architectures(machine: str) -> None:
    """A call newer than was thought about does not exist, x32's do not either, and another architecture's kills."""
    assert verdict(machine, seccomp.NEWEST + 1) == NO_SUCH_CALL
    assert verdict(machine, 0x40000000 | 165) == NO_SUCH_CALL
    assert verdict(machine, 1, architecture=0x40000003) == KILLED
