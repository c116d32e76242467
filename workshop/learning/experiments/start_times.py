"""How long a start takes: of a plain process, of a container, of a virtual machine."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from pathlib import Path

from ...client.connection import Client, connected
from ...facts import Virtual
from ...protocol import Run, Wait
from .programs import BYTES, SECONDS, ExperimentError, Point, Points, Surroundings, ended, heard, program, running

STARTS = 20
WORD = "started"
BOOTS = 3
KVM_PATIENCE = 5.0
"""Seconds for a trial with the processor's help: some machines have a /dev/kvm on which no guest ever runs."""
GUEST_MEGABYTES = 256
CONSOLES = {"x86_64": ("pc", "ttyS0"), "aarch64": ("virt", "ttyAMA0")}
"""The board and its first serial line, by processor (the kernel's document `serial-console`)."""
WITHOUT_ROOT = b"Kernel panic"
"""What a kernel says once it is through with its own start and finds no root file system to start a program from."""


def start_times(where: Surroundings) -> Points:
    """20 starts of each in turns, so that a busy moment hits all alike; with box also the engine's part without its command."""
    container = [program(where.engine), "run", "--rm", "busybox", "echo", WORD]
    for _ in range(STARTS):
        yield from _start("process", ["echo", WORD])
        if where.engine == "box":
            yield _start_by_helper()
        yield from _start("container", container)


def _start(series: str, command: list[str]) -> Points:
    """From the command to the first word of the program in it."""
    began = time.perf_counter()
    with running(command) as process:
        yield Point(series, SECONDS, (yield from heard(process, WORD.encode())) - began)
        yield from ended(process)


def _start_by_helper() -> Point:
    """The same over a connection that is there already: what is left is the engine's own work. Raises HelperError."""
    with connected() as client:
        began = time.perf_counter()
        reply = client.ask(Run("busybox", ["echo", WORD], remove=True))
        os.read(reply.descriptors[0], len(WORD))
        took = time.perf_counter() - began
        _see_off(client, reply.value.id, reply.descriptors)
    return Point("engine", SECONDS, took)


def _see_off(client: Client, container: str, descriptors: tuple[int, ...]) -> None:
    client.ask(Wait(container))
    for descriptor in descriptors:
        os.close(descriptor)


def vm_start(where: Surroundings) -> Points:
    """3 boots to where the kernel would start its first program, and the most memory that each took of the host."""
    accelerator = yield from _accelerator(where.virtual)
    for _ in range(BOOTS):
        began = time.perf_counter()
        with running(boot_command(where.virtual, accelerator)) as process:
            yield Point(f"vm_{accelerator}", SECONDS, (yield from heard(process, WITHOUT_ROOT)) - began)
            yield Point(f"vm_memory_{accelerator}", BYTES, _peak(process.pid))


def _accelerator(virtual: Virtual) -> Generator[None, None, str]:
    """`kvm` where a guest runs with the processor's help, else `tcg`, which emulates it. A first boot tells, unmeasured."""
    with running(boot_command(virtual, "kvm")) as process:
        try:
            yield from heard(process, WITHOUT_ROOT, KVM_PATIENCE)
        except ExperimentError:
            return "tcg"
    return "kvm"


def boot_command(virtual: Virtual, accelerator: str) -> list[str]:
    """The machine has a processor, memory and a serial line, no disk and no network.

    Its kernel stands still once it gives up (`panic=0` in the kernel's document `kernel-parameters`), so that it can be weighed.
    """
    board, console = CONSOLES.get(os.uname().machine, CONSOLES["x86_64"])
    return [
        virtual.program, "-accel", accelerator, "-machine", board, "-cpu", "max", "-m", str(GUEST_MEGABYTES), "-nodefaults",
        "-nographic", "-no-reboot", "-serial", "stdio", "-kernel", virtual.kernel, "-append", f"console={console} panic=0 quiet",
    ]  # fmt: skip


def _peak(pid: int) -> int:
    """The most memory that a process has had resident, in bytes (VmHWM in proc_pid_status(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) * 1024
