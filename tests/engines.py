"""Container engines that are not ours, driven by tests: bare `unshare`, `runc` and a Docker daemon of the tests' own."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from workshop.facts import Hierarchy

QUOTA_US, PERIOD_US = 20_000, 100_000
HIDDEN = 'mount -t tmpfs tmpfs /run && mkdir -p /etc/docker && mount -t tmpfs tmpfs /etc/docker && exec dockerd "$@"'
"""A Docker daemon in a mount namespace of its own: what it writes in places that can't be chosen ends with it."""
BUSY = "timeout 2 sh -c 'while :; do :; done'"
NAME = "ws-engines-lab"
PATIENCE = 20.0


class Engine(Protocol):
    """What a learner does with an engine in the two exercises."""

    def start(self) -> None:
        """Start a container with a shell on a terminal; it may not be there yet when this returns."""

    def limit(self) -> None:
        """Give the container a fifth of a CPU."""

    def burn(self) -> None:
        """Keep a CPU busy in the container for two seconds, without waiting for it."""

    def stop(self) -> None:
        """End the container, if it runs."""


def run(*command: str, **environment: str) -> str:
    """What a command printed; raises with what it complained of where it failed."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert ran.returncode == 0, f"{' '.join(command)}: {ran.stderr}"
    return ran.stdout.strip()


class DaemonError(Exception):
    """The Docker daemon did not come up on this machine; the message has its last words."""


def wait_for(path: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the path is there; a file system that is only to be written by another program offers no better event."""
    end = time.monotonic() + PATIENCE
    while not path.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise DaemonError((log.read_text().splitlines() or ["it said nothing"])[-1])
        time.sleep(0.02)


class Terminal:
    """A program that has a terminal of its own, as a learner's shell does."""

    def __init__(self, *command: str) -> None:
        self.master, slave = os.openpty()
        self.process = subprocess.Popen(["setsid", "--ctty", *command], stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)

    def type(self, line: str) -> None:
        os.write(self.master, f"{line}\n".encode())

    def said(self) -> str:
        """What stands on the terminal by now."""
        said = b""
        while select.select([self.master], [], [], 0)[0]:
            try:
                said += os.read(self.master, 65536)
            except OSError:  # nobody has it open any more
                break
        return said.decode("utf-8", "replace")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        os.close(self.master)


class Bare:
    """No engine at all: `unshare`, and a control group made by hand."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.hierarchy = hierarchy
        self.group = Path(hierarchy.mounted, NAME)
        self.terminal: Terminal | None = None

    def start(self) -> None:
        if self.hierarchy.version == 2:
            Path(self.hierarchy.mounted, "cgroup.subtree_control").write_text("+cpu")
        self.group.mkdir(exist_ok=True)
        unshare = "exec unshare --fork --kill-child --pid --mount-proc --uts --ipc --net --cgroup busybox sh"
        self.terminal = Terminal("sh", "-c", f"echo $$ > {self.group}/cgroup.procs && {unshare}")

    def limit(self) -> None:
        if self.hierarchy.version == 2:
            (self.group / "cpu.max").write_text(f"{QUOTA_US} {PERIOD_US}")
        else:
            (self.group / "cpu.cfs_quota_us").write_text(str(QUOTA_US))

    def burn(self) -> None:
        assert self.terminal is not None
        self.terminal.type(BUSY)

    def stop(self) -> None:
        if self.terminal is not None:
            self.terminal.close()
            self.terminal = None
        if self.group.is_dir():
            remove_when_empty(self.group)


class Runc:
    """The program that starts Docker's and podman's containers, by itself."""

    def __init__(self, folder: Path) -> None:
        self.bundle, self.state = folder / "bundle", folder / "state"
        self.terminal: Terminal | None = None
        busybox_root(self.bundle / "rootfs")
        run("runc", "spec", "--bundle", str(self.bundle))
        spec = json.loads((self.bundle / "config.json").read_text())
        spec["linux"]["cgroupsPath"] = f"/{NAME}"
        (self.bundle / "config.json").write_text(json.dumps(spec))

    def _runc(self, *arguments: str) -> str:
        return run("runc", "--root", str(self.state), *arguments)

    def start(self) -> None:
        self.terminal = Terminal("runc", "--root", str(self.state), "run", "--bundle", str(self.bundle), NAME)

    def limit(self) -> None:
        self._runc("update", "--cpu-quota", str(QUOTA_US), "--cpu-period", str(PERIOD_US), NAME)

    def burn(self) -> None:
        assert self.terminal is not None
        self.terminal.type(BUSY)

    def stop(self) -> None:
        if self.terminal is not None:
            self._runc("delete", "--force", NAME)
            self.terminal.process.wait(PATIENCE)  # runc itself removes the group when its container has ended
            self.terminal.close()
            self.terminal = None


class Docker:
    """Docker, with a daemon of the tests' own."""

    def __init__(self, socket: str) -> None:
        self.socket = socket

    def _docker(self, *arguments: str) -> str:
        return run("docker", *arguments, DOCKER_HOST=self.socket)

    def start(self) -> None:
        self._docker("run", "-dit", "--name", NAME, "busybox", "sh")

    def limit(self) -> None:
        self._docker("update", "--cpus", str(QUOTA_US / PERIOD_US), NAME)

    def burn(self) -> None:
        self._docker("exec", "--detach", NAME, "sh", "-c", BUSY)

    def stop(self) -> None:
        if self._docker("ps", "--all", "--quiet", "--filter", f"name={NAME}"):
            self._docker("rm", "--force", NAME)


def busybox_root(folder: Path) -> None:
    """A root file system of nothing but a static busybox."""
    (folder / "bin").mkdir(parents=True)
    for name in ("dev", "etc", "proc", "sys", "tmp"):
        (folder / name).mkdir()
    shutil.copy(shutil.which("busybox") or "/bin/busybox", folder / "bin" / "busybox")
    for name in ("sh", "cat", "hostname", "ipcs", "ls", "ps", "sleep", "timeout"):
        (folder / "bin" / name).symlink_to("busybox")


@contextmanager
def docker_daemon(folder: Path) -> Iterator[str]:
    """A Docker daemon with its data, socket and pidfile in the folder, and an image `busybox`; gives its address."""
    groups, settings = _docker_groups(), Path("/etc/docker")
    settings_were_there = settings.exists()
    socket, log = folder / "docker.sock", folder / "log"
    places = ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
    bridge = f"ws-d{os.getpid()}"  # without a network of its own it would not tell who is about to start
    offline = ["--bridge", bridge, "--iptables=false", "--ip6tables=false"]
    run("ip", "link", "add", bridge, "type", "bridge")
    run("ip", "address", "add", "172.31.250.1/24", "dev", bridge)
    with log.open("wb") as out:
        hidden = ["unshare", "--mount", "sh", "-c", HIDDEN, "dockerd", "--host", f"unix://{socket}"]
        process = subprocess.Popen([*hidden, *places, *offline], stdout=out, stderr=out)
    try:
        wait_for(socket, process, log)
        busybox_root(folder / "root")
        run("tar", "-C", str(folder / "root"), "-cf", str(folder / "root.tar"), ".")
        run("docker", "import", str(folder / "root.tar"), "busybox", DOCKER_HOST=f"unix://{socket}")
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait(PATIENCE)
        run("ip", "link", "delete", bridge)
        for group in _docker_groups() - groups:
            remove_when_empty(group)
        if not settings_were_there:
            settings.rmdir()


def _docker_groups() -> set[Path]:
    """The parents of Docker's containers in every control group tree, which Docker leaves behind."""
    top = Path("/sys/fs/cgroup")
    return {path for path in (top / "docker", *top.glob("*/docker")) if path.is_dir()}


def remove_when_empty(group: Path) -> None:
    """Remove a control group as soon as its last process has left it; the kernel tells nobody of that on version 1."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            group.rmdir()
        except OSError:
            assert time.monotonic() < end, f"{group} still holds {(group / 'cgroup.procs').read_text().split()}"
            time.sleep(0.02)
        else:
            return
