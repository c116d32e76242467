"""One account is one caller, with all its subordinate identities, and whoever is refused a connection reads why."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helper_process import Process, background, helper_process, inspect, open_directory, refusal, remove_directories
from workshop.client.connection import Client, HelperError
from workshop.helper.service.callers import Accounts, is_mapped, parse_accounts
from workshop.protocol import Hello, Inspect, List, Remove, Run

ALICE, BOB = 1234, 1235
FIRST = 300_000
"""Where Alice's subordinate identities begin, which are hers by her user namespace alone."""
LISTED = 400_000
"""Where those of Bob's begin that /etc/subuid has."""
CLONE_NEWUSER, PR_SET_DUMPABLE = 0x10000000, 4
ACCOUNTS = (
    "root:x:0:0:root:/root:/bin/sh\nbob:x:1235:1235::/home/bob:/bin/sh\nbroken\nodd:x:y:1::/:/bin/sh\nlong:x:"
    + "9" * 5000
    + ":1\n"
)
SUBUID = "bob:400000:65536\n1236:500000:10\nroot:600000:1000\ncarol:700000:10\ncarol:800000:10\nodd\n:x:y\n# a comment\n"


def test_ranges_belong_to_accounts_by_name_and_by_number() -> None:
    """A uid in a range is its account's; others are their own, and the ends of a range are exact."""
    accounts = parse_accounts(ACCOUNTS, SUBUID)
    wanted = {1235: 1235, 399_999: 399_999, 400_000: 1235, 465_535: 1235, 465_536: 465_536, 500_009: 1236, 500_010: 500_010}
    assert {uid: accounts.of(uid) for uid in wanted} == wanted


def test_nobody_becomes_root_and_an_unknown_name_is_one_caller() -> None:
    """A range of root's is one caller, not root; all ranges of a name that is not in passwd are one caller as well."""
    accounts = parse_accounts(ACCOUNTS, SUBUID)
    assert {accounts.of(uid) for uid in (600_000, 600_999)} == {600_000}
    assert {accounts.of(uid) for uid in (700_000, 700_009, 800_005)} == {700_000}
    assert accounts.of(0) == 0


def test_an_account_in_a_range_is_itself() -> None:
    """A range that covers an account of the machine by mistake does not make it another's."""
    assert parse_accounts(ACCOUNTS, "mallory:1000:1000\n").of(1235) == 1235
    assert Accounts().of(5) == 5


def test_a_namespace_has_the_uids_that_its_map_names() -> None:
    """The second number of a line is the outer uid, the third how many."""
    text = "         0       1234          1\n         1     300000      65536\n"
    wanted = {1234: True, 300_000: True, 365_535: True, 365_536: False, 0: False, 1: False}
    assert {uid: is_mapped(uid, text) for uid in wanted} == wanted


BIND = 'mount --make-rprivate / && mount --bind {subuid} /etc/subuid && mount --bind {passwd} /etc/passwd && exec "$@"'


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    """A helper on a machine whose /etc/subuid knows Bob's range, and of Alice nothing."""
    with open_directory() as directory:
        for name, text in (("subuid", f"bob:{LISTED}:65536\n"), ("passwd", ACCOUNTS)):
            (directory / name).write_text(text)
        was_there = Path("/etc/subuid").exists()
        Path("/etc/subuid").touch()  # something to mount the other one on
        script = BIND.format(subuid=directory / "subuid", passwd=directory / "passwd")
        with helper_process(directory, by=("unshare", "--mount", "sh", "-c", script, "sh")) as running:
            yield running
    if not was_there:
        Path("/etc/subuid").unlink()
    remove_directories()


class Subordinate:
    """A process in a user namespace that an account owns, with subordinate identities of its own, as newuidmap(1) makes them."""

    def __init__(self, owner: int, act: Callable[[], Any]) -> None:
        """Fork; the child makes the namespace as its owner, and the parent, who is root, writes the map; then the child acts."""
        ready, self._told = os.pipe(), os.pipe()
        go = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            with contextlib.suppress(BaseException):
                os.setresgid(owner, owner, owner)
                os.setresuid(owner, owner, owner)
                assert ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) == 0
                os.write(ready[1], b"x")
                os.read(go[0], 1)
                os.write(self._told[1], json.dumps(act()).encode())
            os._exit(0)
        os.read(ready[0], 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{self.pid}/{name}").write_text(f"0 {owner} 1\n1 {FIRST} 65535\n")
        os.write(go[1], b"x")
        for descriptor in (*ready, *go, self._told[1]):
            os.close(descriptor)

    def said(self) -> Any:
        """What the child's act gave, after its end."""
        with open(self._told[0], "rb") as file:
            text = file.read()
        os.waitpid(self.pid, 0)
        return json.loads(text)


def connect_as(process: Process, uid: int) -> Client:
    """A connection of this process, as this uid of its own user namespace from now on."""
    os.setresuid(uid, uid, uid)
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end.connect(process.socket_path)
    return Client(end)


@pytest.mark.root
def test_a_subordinate_identity_has_what_its_account_has(process: Process) -> None:
    """Under a subordinate uid in a namespace of her own Alice sees and ends her own box; under Bob's she would not."""

    def reach() -> list[object]:
        with connect_as(process, 77) as client:
            mine = client.ask(Inspect("mine")).value.name
            client.ask(Remove("mine", force=True))
            return [mine, client.ask(List(all=True)).value.containers]

    with process.connect(ALICE) as alice:
        background(alice, name="mine")
        assert Subordinate(ALICE, reach).said() == ["mine", []]


@pytest.mark.root
def test_a_nested_namespace_belongs_to_the_account_too(process: Process) -> None:
    """In a namespace in a namespace, whose owner is a subordinate uid, it is still Alice's account that is served."""

    def reach() -> object:
        os.setresuid(5, 5, 5)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.prctl(PR_SET_DUMPABLE, 1) == 0  # else its files in /proc are root's
        assert libc.unshare(CLONE_NEWUSER) == 0
        Path("/proc/self/uid_map").write_text("0 5 1")
        with connect_as(process, 0) as client:
            return client.ask(Inspect("mine")).value.name

    with process.connect(ALICE) as alice:
        background(alice, name="mine")
        assert Subordinate(ALICE, reach).said() == "mine"
        alice.ask(Remove("mine", force=True))


@pytest.mark.root
def test_a_listed_subordinate_uid_is_its_accounts_without_a_namespace(process: Process) -> None:
    """What /etc/subuid gives to Bob is Bob's, wherever it calls from."""
    with process.connect(BOB) as bob, process.connect(LISTED + 9) as other, process.connect(LISTED - 1) as stranger:
        background(bob, name="mine")
        assert inspect(other, "mine").name == "mine"
        assert refusal(stranger, Inspect("mine")) == "no_such_container"
        other.ask(Remove("mine", force=True))


@pytest.mark.root
def test_a_namespace_of_roots_makes_nobody_root(process: Process) -> None:
    """A process in a user namespace that root made, as container engines do, is not root, and sees nothing of root's."""

    def reach() -> list[object]:
        with connect_as(process, 5) as client:
            return [refusal(client, Inspect("roots")), refusal(client, Run("busybox", ["true"], memory=1 << 40))]

    with process.connect() as root:
        background(root, name="roots")
        assert Subordinate(0, reach).said() == ["no_such_container", "beyond_quota"]
        root.ask(Remove("roots", force=True))


@pytest.mark.root
def test_all_of_an_accounts_identities_share_its_connections(process: Process) -> None:
    """With 32 connections from as many subordinate uids there is no 33rd, and Alice herself reads why she has none."""

    def crowd() -> list[str]:
        held: list[Client] = []
        for uid in range(100, 132):
            os.setresuid(uid, uid, 0)
            end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            end.connect(process.socket_path)
            held.append(Client(end))
            held[-1].ask(Hello())
            os.setresuid(0, 0, 0)
        slugs = []
        with connect_as(process, 200) as one_more:
            slugs.append(refusal(one_more, Hello()))
        os.write(told[1], b"x")
        os.read(go[0], 1)
        return slugs

    told, go = os.pipe(), os.pipe()
    subordinate = Subordinate(ALICE, crowd)
    os.read(told[0], 1)
    with process.connect(ALICE) as alice, process.connect(BOB) as bob:
        assert refusal(alice, Hello()) == "too_many_connections"
        bob.ask(Hello())
    os.write(go[1], b"x")
    assert subordinate.said() == ["too_many_connections"]
    for descriptor in (*told, *go):
        os.close(descriptor)


@pytest.mark.root
def test_root_has_connections_that_nobody_else_can_take(process: Process) -> None:
    """When 480 connections are taken others read that all are, and root is served."""
    with contextlib.ExitStack() as held:
        for number in range(480):
            held.enter_context(process.connect(2000 + number // 32)).ask(Hello())
        with process.connect(BOB) as bob:
            assert refusal(bob, Hello()) == "too_many_callers"
        with process.connect() as root:
            assert root.ask(Hello()).value.root is True


@pytest.mark.root
def test_who_is_refused_reads_why_even_when_asking_first(process: Process) -> None:
    """The question is sent before the refusal is read, as every client does, again and again: the reason arrives each time."""
    with contextlib.ExitStack() as held:
        for _ in range(32):
            held.enter_context(process.connect(ALICE)).ask(Hello())
        for _ in range(20):
            with process.connect(ALICE) as one_more:
                assert refusal(one_more, Hello()) == "too_many_connections"


@pytest.mark.root
def test_refused_callers_who_never_leave_cost_no_descriptors(process: Process) -> None:
    """A hundred refused connections that are kept open by their caller, asking and not reading, are soon closed by the helper."""
    with contextlib.ExitStack() as held:
        last = [held.enter_context(process.connect(ALICE)) for _ in range(32)][-1]
        last.ask(Hello())
        before = len(list(Path(f"/proc/{process.process.pid}/fd").iterdir()))
        for _ in range(100):
            one = held.enter_context(process.connect(ALICE))
            with contextlib.suppress(HelperError):
                one.send(Hello())
        last.ask(Hello())
        assert len(list(Path(f"/proc/{process.process.pid}/fd").iterdir())) <= before + 8
        end = time.monotonic() + 10
        while len(list(Path(f"/proc/{process.process.pid}/fd").iterdir())) > before:
            assert time.monotonic() < end, "refused connections stay"
            time.sleep(0.05)


@pytest.mark.root
def test_a_changed_subuid_counts_from_the_next_connection_on(process: Process) -> None:
    """A range that is given to Bob while the helper runs is Bob's at once."""
    listed = Path(process.socket_path).with_name("subuid")
    with process.connect(BOB) as bob:
        background(bob, name="mine")
        with process.connect(900_001) as before:
            assert refusal(before, Inspect("mine")) == "no_such_container"
        with listed.open("a") as file:
            file.write("bob:900000:10\n")
        with process.connect(900_001) as after:
            assert inspect(after, "mine").name == "mine"
            after.ask(Remove("mine", force=True))


@pytest.mark.root
def test_a_caller_whose_process_has_ended_is_still_its_uid(process: Process) -> None:
    """The socket is handed on and its maker ends: the helper serves the uid that connected, by /etc/subuid, and nobody else."""
    ours, theirs = socket.socketpair()

    def hand_over() -> object:
        os.setresuid(9, 9, 9)
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        end.connect(process.socket_path)
        socket.send_fds(theirs, [b"x"], [end.fileno()])
        return None

    stopped = process.process.pid
    os.kill(stopped, 19)
    try:
        Subordinate(ALICE, hand_over).said()
    finally:
        os.kill(stopped, 18)
    _, (descriptor,), _, _ = socket.recv_fds(ours, 1, 1)
    with Client(socket.socket(fileno=descriptor)) as client, process.connect(ALICE) as alice:
        background(alice, name="mine")
        assert refusal(client, Inspect("mine")) == "no_such_container"
        alice.ask(Remove("mine", force=True))
    ours.close()
    theirs.close()
