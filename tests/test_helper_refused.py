"""A start that the kernel refuses: its reason reaches whoever asked, whatever the child has done since, and nothing stays."""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.helper_process import INSTANCE, Process, helper_process, open_directory, remove_directories
from tests.layouts import archive, config, digest, hand_over
from workshop.client.connection import Client, HelperError
from workshop.helper.engine.channel import Channel
from workshop.protocol import Images, ProtocolError, Register, Run

pytestmark = pytest.mark.root
WITHOUT_PROC = ("unshare", "-m", "--propagation", "private", "sh", "-c", 'mount -t tmpfs none /proc/irq && exec "$@"', "sh")
"""Where something lies upon /proc, no user namespace may mount one of its own: the kernel would show more than there is."""
_TO_RAMFS = 'mount -t ramfs none /mnt && cp -a "$0/." /mnt && mount --move /mnt "$0" && exec "$@"'
ON_RAMFS = ("unshare", "-m", "--propagation", "private", "sh", "-c", _TO_RAMFS, f"/var/lib/{INSTANCE}")
"""A file system whose mounts can't be given other owners (mount_setattr(2), EINVAL), as with NFS; the image lies there."""
STARTS = 40


@contextmanager
def refusing(by: Sequence[str]) -> Iterator[tuple[Process, Client]]:
    """A helper where no box can be made, though the image was, and root's connection to it."""
    with ExitStack() as stack:
        stack.callback(remove_directories)
        with open_directory() as directory, helper_process(directory) as process, process.connect() as client:
            client.ask(Images())
        process = stack.enter_context(helper_process(stack.enter_context(open_directory()), by=by))
        yield process, stack.enter_context(process.connect())


def descriptors(process: Process) -> int:
    """How many the helper has open."""
    return len(list(Path(f"/proc/{process.process.pid}/fd").iterdir()))


def reason(client: Client, image: str = "busybox") -> str:
    """Why a box does not start."""
    with pytest.raises(HelperError) as refused:
        client.ask(Run(image, ["true"]))
    assert refused.value.slug == "start_failed"
    return str(refused.value.values["reason"])


@pytest.mark.parametrize(("by", "told"), [(WITHOUT_PROC, "mount proc on "), (ON_RAMFS, "mount_setattr: ")])
def test_the_first_failures_reason_is_told_every_time(by: Sequence[str], told: str) -> None:
    """Forty starts that all fail at one call name it: no broken pipe takes its place, and no descriptor is left of them."""
    with refusing(by) as (process, client):
        reason(client)
        before = descriptors(process)
        assert [one for one in (reason(client) for _ in range(STARTS)) if told not in one] == []
        assert descriptors(process) == before


def test_a_layer_that_somebody_removed_leaves_no_other_open() -> None:
    """Where the second of an image's layers has gone from the disk, each start says so, and the first is not kept open."""
    with refusing(()) as (process, client):
        layers = [archive(("one", b"1")), archive(("two", b"2"))]
        for one in layers:
            hand_over(client, one)
        client.ask(Register("two", json.dumps(config(*map(digest, layers)))))
        shutil.rmtree(f"/var/lib/{INSTANCE}/store/0/layers/{digest(layers[0])[7:]}/root")
        before = descriptors(process)
        assert {reason(client, "two").partition(": ")[2] for _ in range(5)} == {"No such file or directory"}
        assert descriptors(process) == before


def child(ends: tuple[socket.socket, socket.socket], last: str, reads: bool) -> int:
    """A process that says its last word and ends, with or without having read what was sent to it."""
    ours, theirs = ends
    pid = os.fork()
    if not pid:
        try:
            ours.close()
            select.select([theirs], [], [])
            reads and theirs.recv(10)
            theirs.send(last.encode())
        finally:
            os._exit(0)
    theirs.close()
    return pid


@pytest.mark.parametrize("reads", [True, False])
def test_a_word_to_a_child_that_has_gone_raises_its_last_word(reads: bool) -> None:
    """What a child said before it ended is the refusal, whether it ended before or after the word that it never read."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = child(ends, "failed mount proc: Operation not permitted", reads)
    with ends[0], pytest.raises(ProtocolError) as refused:
        channel = Channel(ends[0])
        channel.send("mapped")
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        if reads:
            channel.send("go")
        channel.expect("exec")
    os.waitpid(pid, 0)
    assert refused.value.values == {"reason": "mount proc: Operation not permitted"}
