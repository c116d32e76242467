"""Whose a container is, as the helper tells it of real processes: by who stands above them, or whose login they come from."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workshop.facts import Facts
from workshop.helper.watcher.observe import Asker, observe

pytestmark = pytest.mark.root
ANN, BOB = 4321, 4322
CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "sleep", "1000"]


@contextmanager
def above(*uids: int, before: Callable[[], None] = lambda: None, stay: bool = True) -> Iterator[int]:
    """A container that root starts, below processes of these users, the outermost first; gives the inode of its PID namespace.

    As sudo does, each process gives its user away to the next one's. Without `stay` all above it end, once it runs.
    """
    told, tell = os.pipe()
    if (child := os.fork()) == 0:
        os.setsid()  # one signal ends them all
        before()
        _chain(uids, tell, stay)
    os.close(tell)
    try:
        assert select.select([told], [], [], 20)[0]
        starter = int(os.read(told, 64))
        yield Path(f"/proc/{_inner(starter)}/ns/pid").stat().st_ino
    finally:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(told)


def _chain(uids: tuple[int, ...], tell: int, stay: bool) -> None:
    """Become the first of these, with the rest below; the last one's child becomes the program that makes the container."""
    if not uids:
        os.write(tell, str(os.getpid()).encode())
        os.execvp(CONTAINER[0], CONTAINER)  # noqa: S606  # to become the program is the point
    if os.fork() == 0:
        _chain(uids[1:], tell, stay)
    os.setresuid(uids[0], uids[0], 0)
    while stay:
        signal.pause()
    os._exit(0)


def _inner(starter: int) -> int:
    """The PID 1 of the container, once it is there: `unshare` has one child, and tells nobody when."""
    children = Path(f"/proc/{starter}/task/{starter}/children")
    while not (found := children.read_text().split()) or Path(f"/proc/{found[0]}/comm").read_text() != "sleep\n":
        pass
    return int(found[0])


def seen(caller: int = 0) -> Facts:
    return observe(["processes"], Asker(caller), {}, "ws-owners")


def owners(namespace: int) -> tuple[int, ...]:
    """Whose root is told that it is."""
    found = seen().container(namespace)
    assert found
    return found.owners


def test_what_a_learner_starts_as_root_by_sudo_is_the_learners() -> None:
    """The nearest account above that is not root's is who typed it."""
    with above(ANN) as namespace:
        assert owners(namespace) == (ANN,)
    with above(ANN, 0, 0) as namespace:
        assert owners(namespace) == (ANN,)
    with above(ANN, 0, BOB) as namespace:
        assert owners(namespace) == (BOB, ANN)


def test_what_root_starts_is_roots_and_nobody_elses() -> None:
    """An instructor's demonstration is seen by everybody and is root's; a learner's by sudo is not to be seen by another."""
    with above(0) as namespace:
        assert owners(namespace) == (0,)
        assert seen(ANN).container(namespace)
    with above(ANN, 0) as namespace:
        assert seen(ANN).container(namespace) and not seen(BOB).container(namespace)


def test_who_logged_in_is_told_when_nobody_stands_above_any_more() -> None:
    """A login leaves its number on all that it starts (pam_loginuid), also on what goes on when the shell has ended."""
    if not Path("/proc/self/loginuid").exists():
        pytest.skip("this kernel keeps no loginuid")
    with above(0, before=lambda: login(ANN), stay=False) as namespace:
        assert owners(namespace) == (ANN,)


def test_root_by_sudo_stands_for_who_typed_it() -> None:
    """The workshop itself, begun as root by sudo, is asked for by the account above it."""
    with above(ANN, 0) as namespace:
        inside = seen().container(namespace)
        assert inside
        assert observe([], Asker(0, inside.init.parent), {}, "ws-owners").persons == (0, ANN)
        assert observe([], Asker(ANN, inside.init.parent), {}, "ws-owners").persons == (ANN,)
    assert seen().persons == (0,)


def login(uid: int) -> None:
    Path("/proc/self/loginuid").write_text(str(uid))
