"""Root directories against the real kernel: of chrooted processes and of containers of bare `unshare`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.observed import EVERYTHING, seen, shell
from workshop.facts import Root

pytestmark = pytest.mark.root

ANOTHER = 61234


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A root file system of busybox alone."""
    made = tmp_path / "handmade"
    (made / "bin").mkdir(parents=True)
    (made / "proc").mkdir()
    shutil.copy("/bin/busybox", made / "bin" / "sh")
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_a_chrooted_process_is_seen_with_its_root_and_the_hosts_namespaces(folder: Path) -> None:
    """It is in no container: its root is all that differs, and its arguments are not told."""
    with shell("chroot", str(folder)) as one:
        facts = seen(0, {}, "roots")
        found = next(there for there in facts.chrooted if there.process.pid == one.starter)
        assert (found.root.path, found.root.removed) == (str(folder), False)
        assert found.root.apart(facts.host.root) and found.process.arguments == ()
        assert found.namespaces == facts.host.namespaces
        assert one.starter not in {there.process.pid for there in seen(ANOTHER, {}, "roots").chrooted}
        assert seen(0, {}, "users").chrooted == ()


def test_a_container_tells_its_root_and_that_it_was_removed(folder: Path) -> None:
    """A container with the host's root has the same one; another's can be removed under it."""
    with shell("unshare", *EVERYTHING) as plain, shell("unshare", *EVERYTHING, "--root", str(folder)):
        facts = seen(0, {}, "roots")
        shared = plain.container(facts)
        assert shared and shared.root.same(facts.host.root)
        apart = next(one for one in facts.containers if one.root.path == str(folder))
        assert apart.root.apart(facts.host.root) and not apart.root.removed
        shutil.rmtree(folder)
        later = seen(0, {}, "roots").same(apart)
        assert later and later.root == Root(str(folder), apart.root.device, apart.root.inode, True)


def test_an_unknown_root_is_neither_the_same_nor_apart() -> None:
    """Nothing is claimed of what may not be looked at."""
    known = Root("/", 1, 2)
    assert not Root().same(known) and not Root().apart(known) and not Root().same(Root())
