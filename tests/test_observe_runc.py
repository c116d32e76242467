"""The same facts for a container of runc: the observer needs no word from the engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.observed import Shell, seen

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not shutil.which("runc"), reason="needs runc: apt install runc"),
]

NAME = "ws-observe-runc"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with a busybox that needs no library, and the configuration that `runc spec` writes."""
    folder = tmp_path_factory.mktemp("bundle")
    busybox = shutil.which("busybox")
    if busybox is None or not _is_static(busybox):
        pytest.skip("needs busybox-static: apt install busybox-static")
    (folder / "rootfs/bin").mkdir(parents=True)
    shutil.copy(busybox, folder / "rootfs/bin/busybox")
    for name in ("sh", "sleep", "hostname", "readlink"):
        (folder / "rootfs/bin" / name).symlink_to("busybox")
    subprocess.run(["runc", "spec", "--bundle", folder], check=True)
    _configure(folder / "config.json")
    return folder


def _is_static(program: str) -> bool:
    """True for a program that names no loader, as `busybox-static` has it and `busybox` has not."""
    return b"ld-linux" not in Path(program).read_bytes()[:4096]


def _configure(path: Path) -> None:
    config = json.loads(path.read_text())
    config["process"] |= {"terminal": False, "args": ["sh"], "rlimits": []}  # this machine's root may not raise limits
    config["hostname"] = "by-runc"
    config["linux"]["resources"]["pids"] = {"limit": 40}
    path.write_text(json.dumps(config))


@pytest.fixture
def container_shell(bundle: Path) -> Iterator[Shell]:
    """A shell in a container that `runc run` waits for."""
    started = Shell("runc", "run", "--bundle", str(bundle), NAME)
    try:
        yield started
    finally:
        started.end()
        subprocess.run(["runc", "delete", "--force", NAME], check=False, capture_output=True)


def _own_bounding_set() -> int:
    """The bounding set of the one who tests."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd"))
    return int(line.split()[1], 16)


def test_runc_container_has_the_same_facts(container_shell: Shell) -> None:
    """Engine, name, hostname, limits, mounts and processes of a runc container are seen as those of any other."""
    container_shell.sleeper()
    facts = seen()
    one = container_shell.container(facts)
    assert one is not None
    assert (one.engine, one.id, one.name, one.hostname) == ("runc", NAME, NAME, "by-runc")
    assert set(one.namespaces.apart_from(facts.host.namespaces)) >= {"ipc", "mnt", "net", "pid", "uts"}
    assert one.cgroups.pids is not None and one.cgroups.pids.limit == 40
    membership = one.cgroups.of("pids")
    assert membership is not None and membership.path.endswith(f"/{NAME}") and Path(membership.directory).is_dir()
    assert ("sleep", "1000") in [process.arguments for process in one.processes]
    assert "/dev/mqueue" in [mount.target for mount in one.mounts]
    assert one.security.no_new_privileges and one.security.bounding < _own_bounding_set()
    assert "runc" in {process.name for process in facts.host.processes}


def test_detached_runc_container_is_known_too(bundle: Path) -> None:
    """A container that no runc waits for any more is still known as runc's, by its cgroup."""
    read_end, write_end = os.pipe()
    try:
        run = ["runc", "run", "--detach", "--bundle", str(bundle), NAME]
        subprocess.run(run, check=True, stdin=read_end, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = [one for one in seen(0, {}, "hostname").containers if one.id == NAME]
        assert [(one.engine, one.hostname) for one in found] == [("runc", "by-runc")]
    finally:
        os.close(read_end)
        os.close(write_end)
        subprocess.run(["runc", "delete", "--force", NAME], check=True, capture_output=True)
    assert not [one for one in seen(0, {}, "users").containers if one.id == NAME]
