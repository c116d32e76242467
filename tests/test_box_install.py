"""`workshop helper install` puts the helper where only root can change it, and systemd finds nothing wrong with its units."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workshop.client.connection import Client
from workshop.protocol import Hello
from workshop.setup.install import install, place

pytestmark = pytest.mark.root


def files(root: Path) -> set[str]:
    """Every path under the staging folder."""
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_only_root_can_change_what_is_installed(tmp_path: Path) -> None:
    """Files and folders are root's and not writable for others, whatever the umask or the checkout's owner."""
    place("ws-box", tmp_path)
    home = tmp_path / "usr/local/lib/ws-box-helper"
    for path in (home, *home.rglob("*")):
        assert path.stat().st_uid == path.stat().st_gid == 0
        assert path.stat().st_mode & 0o7777 == (0o755 if path.is_dir() or path.name == "start" else 0o644)


def test_nothing_but_the_helper_is_installed(tmp_path: Path) -> None:
    """Root's copy holds the helper, its protocol and its facts, and no other part of the workshop."""
    place("ws-box", tmp_path)
    package = tmp_path / "usr/local/lib/ws-box-helper/workshop"
    assert {path.name for path in package.iterdir()} == {"__init__.py", "protocol", "facts", "helper"}
    assert not list(package.rglob("__pycache__"))


def test_installing_again_replaces_the_old_files(tmp_path: Path) -> None:
    """A second installation gives the same files, and removes those that the helper no longer has."""
    place("ws-box", tmp_path)
    first = files(tmp_path)
    (tmp_path / "usr/local/lib/ws-box-helper/workshop/helper/old.py").touch()
    place("ws-box", tmp_path)
    assert files(tmp_path) == first


def test_the_command_names_a_python_that_no_user_can_change(tmp_path: Path) -> None:
    """The helper is run by an absolute path to a Python of root's, isolated from everybody's environment."""
    place("ws-box", tmp_path)
    unit = (tmp_path / "etc/systemd/system/ws-box-helper.service").read_text()
    (line,) = [line.removeprefix("ExecStart=") for line in unit.splitlines() if line.startswith("ExecStart=")]
    python, *rest = line.split()
    assert Path(python).is_absolute()
    assert Path(python).resolve().stat().st_uid == 0
    assert rest == ["-I", "-S", "-X", "utf8", "/usr/local/lib/ws-box-helper/workshop/helper/__main__.py", "run"]


def test_without_systemd_a_program_starts_the_helper_for_everybody(tmp_path: Path) -> None:
    """The installed program listens for every user and becomes the helper, which answers; a second one changes nothing."""
    instance = f"ws-i{os.getpid()}"
    tmp_path.chmod(0o755)
    place(instance, tmp_path)
    program = tmp_path / f"usr/local/lib/{instance}-helper/start"
    program.write_text(program.read_text().replace("/usr/local/lib", f"{tmp_path}/usr/local/lib"))
    socket = Path(f"/run/{instance}/helper.sock")
    try:
        with subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == b"ready\n"
            assert socket.stat().st_mode & 0o777 == 0o666
            again = subprocess.run([program], capture_output=True, text=True, check=False)
            assert (again.returncode, again.stdout) == (0, f"A helper for everybody listens already at {socket}\n")
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("WORKSHOP_INSTANCE", instance)
                with Client.connect() as client:
                    assert client.ask(Hello()).value.pid == running.pid
            running.terminate()
            assert running.wait(10) == 0
    finally:
        shutil.rmtree(socket.parent, ignore_errors=True)
        shutil.rmtree(f"/var/lib/{instance}", ignore_errors=True)


def test_roots_own_helper_is_waited_for(tmp_path: Path) -> None:
    """Where root has used box before, root's own helper holds the lock for a while: the program waits, and then listens."""
    instance = f"ws-j{os.getpid()}"
    tmp_path.chmod(0o755)
    place(instance, tmp_path)
    home = tmp_path / f"usr/local/lib/{instance}-helper"
    program = home / "start"
    program.write_text(program.read_text().replace("/usr/local/lib", f"{tmp_path}/usr/local/lib"))
    own = [sys.executable, "-I", str(home / "workshop/helper/__main__.py"), "run", "--idle", "1"]
    environ = {**os.environ, "WORKSHOP_INSTANCE": instance}
    try:
        with subprocess.Popen(own, env=environ, stdout=subprocess.PIPE) as private:
            assert private.stdout
            private.stdout.readline()
            with subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
                assert running.stdout
                said = [running.stdout.readline() for _ in range(2)]
                mode = Path(f"/run/{instance}/helper.sock").stat().st_mode
                running.terminate()
        assert said[0].startswith(b"Root's own helper runs") and said[1] == b"ready\n"
        assert mode & 0o777 == 0o666
    finally:
        shutil.rmtree(f"/run/{instance}", ignore_errors=True)
        shutil.rmtree(f"/var/lib/{instance}", ignore_errors=True)


def test_the_socket_is_of_packets_and_for_everybody(tmp_path: Path) -> None:
    """The unit listens where the client looks, with packets kept apart, and lets every user call."""
    place("ws-box", tmp_path)
    lines = (tmp_path / "etc/systemd/system/ws-box-helper.socket").read_text().splitlines()
    assert {"ListenSequentialPacket=/run/ws-box/helper.sock", "SocketMode=0666", "DirectoryMode=0755"} <= set(lines)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """systemd's own checker has nothing to say about either unit."""
    place("ws-box", tmp_path)
    units = [str(path) for path in sorted((tmp_path / "etc/systemd/system").iterdir())]
    seen = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert [line for line in seen.stderr.splitlines() if "ws-box" in line] == []


def test_an_ordinary_user_asks_sudo_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What sudo is given is the installation, for the same instance; here one that it refuses, so that nothing is installed."""
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\necho "instance $7"\nexec "$2" "$3" "$4" "$5" "$6" BAD\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("WORKSHOP_INSTANCE", "ws-box")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert install("en") == 1
    said = capfd.readouterr()
    assert "instance ws-box" in said.out
    assert said.err.startswith("WORKSHOP_INSTANCE is BAD, but it must be")
