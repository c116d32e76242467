"""Without root the same helper serves its own user: namespaces and all, but no groups, and it says so."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import wait_for
from tests.helper_process import (
    INSTANCE,
    MAIN,
    Process,
    background,
    execute,
    open_directory,
    refusal,
    run,
    started,
    wait_until_gone,
    watcher_of,
)
from tests.layouts import archive, config, digest, hand_over, member
from tests.walking import TOLD, WANTED, walked
from workshop.client.connection import Client
from workshop.facts import SUBJECTS
from workshop.protocol import (
    CreateNetwork,
    Hello,
    Image,
    Logs,
    Look,
    Pack,
    Pause,
    Register,
    Remove,
    Run,
    Transferred,
    Unregister,
    Wait,
)

pytestmark = pytest.mark.root  # to become the ordinary user
UID = 1234


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of the ordinary user's, with a copy of the helper, where it can go."""
    with open_directory() as place:
        for name in ("__init__.py", "protocol", "facts", "helper"):
            source, target = MAIN.parents[1] / name, place / "code" / "workshop" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        (place / "home").mkdir()
        os.chown(place / "home", UID, UID)
        yield place


@pytest.fixture
def python() -> str:
    """An interpreter that the ordinary user can run."""
    for one in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(PermissionError):
            asked = [one, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
            if subprocess.run(asked, user=UID, check=False, cwd="/").returncode == 0:
                return one
    pytest.skip("no Python 3.11 that an ordinary user can run")


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """The ordinary user's environment."""
    own = str(home / "home")
    return {"HOME": own, "XDG_RUNTIME_DIR": own, "XDG_DATA_HOME": "", "WORKSHOP_INSTANCE": INSTANCE}


def user_options(environ: dict[str, str]) -> dict[str, Any]:
    """How to start a process as the ordinary user."""
    return {"env": environ, "user": UID, "group": UID, "extra_groups": []}


@pytest.fixture
def command(home: Path, python: str) -> list[str]:
    """The helper's command, without arguments."""
    return [python, "-I", str(home / "code/workshop/helper/__main__.py")]


@pytest.fixture
def own(home: Path, command: list[str], environ: dict[str, str]) -> Iterator[Process]:
    """A helper that runs as the ordinary user."""
    path = str(home / "home" / INSTANCE / "helper.sock")
    process = Process(started([*command, "run"], **user_options(environ)), path)
    yield process
    process.process.terminate()
    process.process.wait(20)


@pytest.fixture
def client(own: Process) -> Iterator[Client]:
    """The user's connection to it."""
    with own.connect(UID) as one:
        yield one


def test_seven_namespaces_without_root(client: Client) -> None:
    """An ordinary user's sandbox has seven namespaces of its own, and its root is the user."""
    assert client.ask(Hello()).value.root is False
    box = background(client)
    theirs, ours = Path(f"/proc/{box.pid}/ns"), Path("/proc/self/ns")
    kinds = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
    assert [kind for kind in kinds if (theirs / kind).readlink() == (ours / kind).readlink()] == []
    assert Path(f"/proc/{box.pid}/uid_map").read_text().split() == ["0", str(UID), "1"]
    assert box.cgroups == {}
    script = "id -u; hostname; echo /proc/[0-9]* | cut -c1-7; touch /new && mount -t tmpfs x /mnt"
    ran = execute(client, box.id, "sh", "-c", script)
    assert ran.output.split() == ["0", box.id[:12], "/proc/1"]
    assert "not permitted" in ran.error or "denied" in ran.error
    client.ask(Remove(box.id, force=True))
    wait_until_gone(box.pid)


def test_a_program_runs_to_its_end(client: Client) -> None:
    """Output, exit code and a missing program are as with root."""
    ran = run(client, "sh", "-c", "ipcmk -Q; exit 4")
    assert (ran.code, "Message queue id: 0" in ran.output) == (4, True)
    assert refusal(client, Run("busybox", ["nonsense"])) == "command_not_found"


def test_a_walk_without_root_has_fewer_steps(client: Client) -> None:
    """Step by step it works too, without the groups and with the user as the one identity; the rest is the same."""
    first = client.ask(WANTED).value
    assert first.stop
    stops = [first.stop, *walked(client, first.id, "exec")]
    without = {"why_make_cgroups", "why_limit", "why_join", "why_idmap"}
    assert [one.why for one in stops] == [why for why in TOLD if why not in without]
    seen = client.ask(Look(first.id)).value.seen
    assert (seen.hostname, seen.uid, seen.pid, seen.seccomp) == ("lab", 0, 1, 2)
    (half,) = client.observe(SUBJECTS).half_made
    assert half.seen is not None
    assert (half.seen.init.pid, half.seen.init.uid) == (stops[-1].pid, UID)
    client.ask(Remove(first.id, force=True))
    wait_until_gone(stops[-1].pid)


def test_who_looks_has_no_rights_but_the_users(own: Process, client: Client) -> None:
    """The watcher is the user, without capabilities, and sees the user's box, also after it was killed."""
    box = background(client, hostname="lab")
    for _ in range(2):
        (found,) = client.observe(["hostname"]).containers
        assert (found.id, found.hostname) == (box.id, "lab")
        watcher = watcher_of(own.process.pid)
        status = Path(f"/proc/{watcher}/status").read_text().splitlines()
        assert {f"Uid:\t{UID}\t{UID}\t{UID}\t{UID}", "CapPrm:\t0000000000000000", "NoNewPrivs:\t1"} < {*status}
        os.kill(watcher, signal.SIGKILL)
        wait_until_gone(watcher)
        client.ask(Hello())  # the helper has noticed by now
    client.ask(Remove(box.id, force=True))


def test_nothing_can_be_paused_without_groups(client: Client) -> None:
    """To pause is refused with its reason; what a detached one printed is kept all the same."""
    box = background(client, "sh", "-c", "echo ready; sleep 1000")
    assert refusal(client, Pause(box.id)) == "pause_impossible"
    assert client.ask(Logs(box.id, wait=True)).value.pieces == ((1, "ready\n"),)
    client.ask(Remove(box.id, force=True))


def test_a_network_needs_root(client: Client) -> None:
    """A cable between two network namespaces is laid by somebody who has rights in both."""
    assert refusal(client, CreateNetwork("shop")) == "network_needs_root"
    assert refusal(client, Run("busybox", ["true"], network="shop")) == "no_such_network"


def test_reconcile_after_a_crash(own: Process, client: Client, command: list[str], environ: dict[str, str]) -> None:
    """After a crash sandboxes are dead, and reconcile forgets them."""
    box = background(client)
    own.kill()
    wait_until_gone(box.pid)
    told: dict[str, Any] = {"capture_output": True, "text": True, "cwd": "/"}
    ran = subprocess.run([*command, "reconcile"], check=False, **user_options(environ), **told)
    assert (ran.stdout, ran.stderr) == ("removed 1\n", "")


def test_what_has_ended_is_known_after_a_crash(
    own: Process, client: Client, command: list[str], environ: dict[str, str], home: Path
) -> None:
    """A user's own helper, too, keeps what has ended, in files that are the user's alone."""
    box = client.ask(Run("busybox", ["sh", "-c", "echo out; exit 3"], name="mine", detach=True)).value.id
    assert client.ask(Wait(box)).value.code == 3
    own.kill()
    (kept,) = (home / f"home/.local/share/{INSTANCE}/ended").iterdir()
    assert (kept.stat().st_uid, kept.stat().st_mode & 0o077, kept.parent.stat().st_mode & 0o077) == (UID, 0, 0)
    process = Process(started([*command, "run"], **user_options(environ)), own.socket_path)
    with process.connect(UID) as later:
        assert later.ask(Logs("mine")).value.pieces == ((1, "out\n"),)
        later.ask(Remove("mine"))
    process.process.terminate()
    process.process.wait(20)


@pytest.mark.parametrize("crash", [False, True])
def test_directories_that_forbid_to_be_changed_go(
    own: Process, client: Client, command: list[str], environ: dict[str, str], crash: bool
) -> None:
    """A layer with directories of mode 0555, as Go's module cache has, is removed while the helper runs, and after a crash."""
    closed = [member("go", tarfile.DIRTYPE, mode=0o755), member("go/mod", tarfile.DIRTYPE, mode=0o555)]
    data = archive(members=[*closed, member("go/mod/deep", tarfile.DIRTYPE, mode=0)])
    hand_over(client, data)
    if crash:
        own.kill()
        command = [*command, "reconcile"]
        assert subprocess.run(command, check=True, capture_output=True, text=True, **user_options(environ)).stderr == ""
    else:
        client.ask(Register("made", json.dumps(config(digest(data)))))
        client.ask(Unregister("made"))
    layers = Path(environ["HOME"]) / ".local/share" / INSTANCE / "store" / str(UID) / "layers"
    wait_for(lambda: list(layers.iterdir()) == [], "the layer's end")


def test_only_the_user_can_connect(own: Process) -> None:
    """Nobody else can open the user's socket."""
    with pytest.raises(PermissionError):
        own.connect(UID + 1)


def test_the_client_finds_it(own: Process, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`Client.connect` goes to the user's own socket where the system has none."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    os.seteuid(UID)
    try:
        with Client.connect() as found:
            assert found.ask(Hello()).value.root is False
    finally:
        os.seteuid(0)


def test_layers_come_and_go_without_root(client: Client) -> None:
    """An ordinary user's own helper unpacks layers as that user, and packs what a container wrote."""
    base = client.ask(Image("busybox")).value.layers[0]
    data = archive(("hello", b"hello\n"), ("etc/.wh.group", b""))
    hand_over(client, data)
    client.ask(Register("made", json.dumps(config(base, digest(data)))))
    reply = client.ask(Run("made", ["sleep", "1000"], detach=True))
    box = reply.value.id
    assert execute(client, box, "sh", "-c", "cat /hello; ls /etc/group || echo new > /new").output == "hello\n"
    with open(client.ask(Pack(box)).descriptors[0], "rb") as pipe, tarfile.open(fileobj=pipe, mode="r|") as opened:
        assert [one.name for one in opened] == ["new"]
    client.ask(Transferred())
    client.ask(Remove(box, force=True))
    assert client.ask(Unregister("made")).value.last is True
