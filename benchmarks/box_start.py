"""How long a container's start takes: box, and its peers with the same namespaces and mounts, in turns in one run.

`start` is until the program inside is heard (its first byte of output), `whole` until it has ended and all is cleaned up.
Prints one JSON line: medians in milliseconds, and ratios of box to each peer (below 1: box is faster). A peer that is not
here is null, with the reason beside it. Run as root: python benchmarks/box_start.py [RUNS]
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from workshop.client.connection import Client, start_helper
from workshop.protocol import Hello, Run, Wait

RUNS = 30
INSTANCE = "ws-bench"
NAMESPACES = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "--net", "--uts", "--ipc", "--cgroup"]
BWRAP = [
    "--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0", "--hostname", "bench", "--die-with-parent", "--new-session",
    "--proc", "/proc", "--dev", "/dev", "--mqueue", "/dev/mqueue", "--ro-bind", "/sys", "/sys",
]  # fmt: skip
Peer = Callable[[], float]
"""Runs `echo` once; returns the seconds until it was heard."""


def main(runs: int) -> None:
    """Measure, and print the line."""
    os.environ["WORKSHOP_INSTANCE"] = INSTANCE
    start_helper()
    with tempfile.TemporaryDirectory() as scratch, Client.connect() as client:
        try:
            peers, missing = all_peers(client, Path(scratch))
            times = measured(peers, runs)
        finally:
            stop(client)
    medians = {kind: {name: round(statistics.median(one) * 1000, 2) for name, one in by.items()} for kind, by in times.items()}
    ratios = {kind: ratios_to_box(by, missing) for kind, by in medians.items()}
    print(json.dumps({"benchmark": "box_start", "runs": runs, "milliseconds": medians, "ratios": ratios, "missing": missing}))


def ratios_to_box(medians: dict[str, float], missing: dict[str, str]) -> dict[str, float | None]:
    """Box's median by each peer's."""
    found = {f"box/{name}": round(medians["box"] / one, 2) for name, one in medians.items() if not name.startswith("box")}
    return found | {f"box/{name}": None for name in missing}


def stop(client: Client) -> None:
    """End the helper of this benchmark, and its files."""
    held = os.pidfd_open(client.ask(Hello()).value.pid)
    signal.pidfd_send_signal(held, signal.SIGTERM)
    select.select([held], [], [], 10)
    os.close(held)
    for folder in (f"/run/{INSTANCE}", f"/var/lib/{INSTANCE}"):
        shutil.rmtree(folder, ignore_errors=True)


def all_peers(client: Client, scratch: Path) -> tuple[dict[str, Peer], dict[str, str]]:
    """What there is to measure here, and why what is not there is not."""
    box_by_helper(client)  # makes the image
    (layer,) = Path(f"/var/lib/{INSTANCE}/store/shared/layers").iterdir()
    scratch.chmod(0o755)  # a copy is made here: runc's user namespace may not pass through the helper's own directory
    root = f"{scratch}/root"
    shutil.copytree(f"{layer}/root", root, symlinks=True)
    command = str(Path(sys.executable).with_name("box"))
    peers: dict[str, Peer] = {
        "box": lambda: box_by_helper(client),
        "box_command": lambda: heard([command, "run", "--rm", "busybox", "echo"]),
        "unshare": lambda: heard(["unshare", *NAMESPACES, "chroot", root, "/bin/echo"]),
        "bwrap": lambda: heard(["bwrap", *overlay(scratch, root), *BWRAP, "echo"]),
        "runc": lambda: heard(["runc", "run", "--bundle", str(scratch), "bench"]),
    }
    write_bundle(scratch, root)
    missing = {}
    for name in ("unshare", "bwrap", "runc"):
        try:
            peers[name]()
        except (OSError, RuntimeError) as error:
            del peers[name]
            missing[name] = "not installed" if isinstance(error, FileNotFoundError) else str(error)
    return peers, missing


def overlay(scratch: Path, root: str) -> list[str]:
    """bwrap's root: the image with a layer above it where this bwrap can (0.11 on), else the image itself."""
    told = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False) if shutil.which("bwrap") else None
    if told is None or "--tmp-overlay" not in told.stdout + told.stderr:
        return ["--bind", root, "/"]
    return ["--overlay-src", root, "--tmp-overlay", "/"]


def box_by_helper(client: Client) -> float:
    """Run and Wait over one connection: what the helper itself takes."""
    began = time.perf_counter()
    reply = client.ask(Run("busybox", ["echo"], remove=True))
    os.read(reply.descriptors[0], 1)
    took = time.perf_counter() - began
    client.ask(Wait(reply.value.id))
    for descriptor in reply.descriptors:
        os.close(descriptor)
    return took


def heard(command: list[str]) -> float:
    """Run a command; raises RuntimeError with what it said where it fails."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.read(1)
        took = time.perf_counter() - began
        said = running.stderr.read()
    if running.returncode:
        raise RuntimeError(said.decode("utf-8", "replace").strip()[-200:])
    return took


def write_bundle(scratch: Path, root: str) -> None:
    """What runc needs: its own default configuration, with this root, no terminal, and a user namespace as box has."""
    if not shutil.which("runc"):
        return
    subprocess.run(["runc", "spec", "--bundle", str(scratch)], check=True)
    path = scratch / "config.json"
    config = json.loads(path.read_text())
    config["root"] = {"path": root, "readonly": True}
    config["process"] |= {"terminal": False, "args": ["echo"]}
    config["linux"]["namespaces"].append({"type": "user"})
    config["linux"] |= {
        key: [{"containerID": 0, "hostID": 2**31 - 2**17, "size": 65536}] for key in ("uidMappings", "gidMappings")
    }
    path.write_text(json.dumps(config))


def measured(peers: dict[str, Peer], runs: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of every run of every peer, in turns, so that a busy moment of the machine hits all alike."""
    times: dict[str, dict[str, list[float]]] = {kind: {name: [] for name in peers} for kind in ("start", "whole")}
    for _ in range(runs):
        for name, peer in peers.items():
            began = time.perf_counter()
            times["start"][name].append(peer())
            times["whole"][name].append(time.perf_counter() - began)
    return times


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
