"""`box stats`: what the caller's boxes use, from the facts that the helper reads of their cgroups."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from ..facts import Container, Facts
from ..words import binary_size
from .tables import short, table

if TYPE_CHECKING:
    from ..client.connection import Client

INTERVAL = 1.0  # seconds between two readings, as Docker's


def show(client: Client, ids: Collection[str], again: bool) -> None:
    """Print the table of these boxes (none named: all), and with `again` print it anew every second until Ctrl-C."""
    before, at = client.observe(["cgroups"]), time.monotonic()
    while True:
        time.sleep(INTERVAL)
        now, then, at = client.observe(["cgroups"]), at, time.monotonic()
        if again:
            click.clear()
        click.echo(usage(before, now, at - then, ids))
        if not again:
            return
        before = now


def usage(before: Facts, now: Facts, seconds: float, ids: Collection[str]) -> str:
    """The table for two readings that lie so many seconds apart."""
    headers = ("CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "PIDS")
    boxes = [one for one in now.containers if one.engine == "box" and (not ids or one.id in ids)]
    return table(headers, [_row(before.container(one.namespaces.pid), one, seconds) for one in boxes])


def _row(before: Container | None, now: Container, seconds: float) -> tuple[str, ...]:
    """One box; what no control group of its own tells is `--`."""
    cpu, memory, pids = now.cgroups.cpu, now.cgroups.memory, now.cgroups.pids
    processor, used, share = "--", "-- / --", "--"
    if cpu and _is_its_own(now, "cpu"):
        past = before.cgroups.cpu.usage_us if before and before.cgroups.cpu else 0
        processor = f"{(cpu.usage_us - past) / seconds / 10_000:.2f}%"
    if memory and _is_its_own(now, "memory"):
        limit = memory.limit
        used = f"{binary_size(memory.usage)} / {binary_size(limit) if limit else '--'}"
        share = f"{100 * memory.usage / limit:.2f}%" if limit else "--"
    count = str(pids.current) if pids and _is_its_own(now, "pids") else "--"
    return short(now.id), now.name, processor, used, share, count


def _is_its_own(container: Container, controller: str) -> bool:
    """False where its processes are in a group with others: without root a box has no group of its own."""
    membership = container.cgroups.of(controller)
    return membership is not None and container.id in membership.path
