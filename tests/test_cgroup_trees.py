"""Doctor, helper and observer see the same control group trees, however often one of them is mounted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from workshop.facts import Hierarchy
from workshop.facts.trees import read_trees
from workshop.helper.kernel.cgroups import parse_hierarchies
from workshop.helper.watcher import cgroups as observer
from workshop.setup.readings import hierarchies

MOUNTINFO = """\
24 1 0:22 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
25 24 0:23 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate
26 24 0:24 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,xattr,name=systemd
30 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:15 - cgroup cgroup rw,cpu,cpuacct,clone_children
39 1 0:29 /docker/abc /part rw - cgroup cgroup rw,memory
31 24 0:29 / /sys/fs/cgroup/memory rw,nosuid shared:16 - cgroup cgroup rw,memory
40 1 0:29 / /mnt/a\\040copy rw - cgroup cgroup rw,memory
41 1 0:23 / /mnt/unified rw - cgroup2 cgroup2 rw,nsdelegate
"""
OWN = "5:memory:/\n2:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n"
FILES = {
    "/proc/self/mountinfo": MOUNTINFO,
    "/proc/self/cgroup": OWN,
    "/sys/fs/cgroup/unified/cgroup.controllers": "hugetlb\n",
}
TREES = (
    Hierarchy(2, ("hugetlb",), "/sys/fs/cgroup/unified"),
    Hierarchy(1, ("name=systemd",), "/sys/fs/cgroup/systemd"),
    Hierarchy(1, ("cpu", "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct"),
    Hierarchy(1, ("memory",), "/sys/fs/cgroup/memory"),
)
ALL_THREE = """
import json
from workshop.helper.kernel.cgroups import hierarchies
from workshop.helper.watcher.host import machine
from workshop.setup.readings import read
with machine() as seen:
    found = read().hierarchies, hierarchies(), [tree.hierarchy for tree in seen.trees]
print(json.dumps([[(one.version, one.controllers, one.mounted) for one in trees] for trees in found]))
"""


def test_a_tree_that_is_mounted_twice_is_one() -> None:
    """Bind mounts count for nothing, a named tree has its name, and version 2 the controllers that its root tells."""
    assert hierarchies(FILES.__getitem__) == TREES
    seen = observer.parse_trees(observer.cgroup_mounts(MOUNTINFO), observer.parse_cgroup(OWN), ["hugetlb"])
    assert tuple(tree.hierarchy for tree in seen) == TREES


def test_the_helper_takes_those_in_which_it_can_limit() -> None:
    """The same without the named one; what version 2 controls it asks each of its groups."""
    assert parse_hierarchies(MOUNTINFO, OWN) == [Hierarchy(2, (), TREES[0].mounted), *TREES[2:]]


def test_version_2_is_there_where_its_root_cannot_be_read() -> None:
    """The tree counts without controllers, and a machine without /proc has none."""

    def read(path: str) -> str:
        if path not in ("/proc/self/mountinfo", "/proc/self/cgroup"):
            raise PermissionError(path)
        return FILES[path]

    assert [tree.hierarchy for tree in read_trees(read)] == [Hierarchy(2, (), TREES[0].mounted), *TREES[1:]]
    assert hierarchies(lambda path: Path("/nowhere", path[1:]).read_text()) == ()


@pytest.mark.root
def test_all_three_see_this_machine_alike(tmp_path: Path) -> None:
    """Also where a tree is mounted a second time, here in a mount namespace of this test's own."""
    first = next(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup" in line)
    command = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1" && exec "$2" -c "$3"']
    ran = subprocess.run([*command, first, tmp_path, sys.executable, ALL_THREE], capture_output=True, text=True, check=True)
    doctor, helper, seen = json.loads(ran.stdout)
    assert doctor == seen
    limiting = [one for one in seen if one[0] == 2 or not one[1][0].startswith("name=")]
    assert helper == [[version, [] if version == 2 else names, place] for version, names, place in limiting]
