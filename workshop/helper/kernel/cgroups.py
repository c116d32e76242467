"""A sandbox's control groups: INSTANCE/<id> in every hierarchy that has controllers, v1 and v2 (cgroups(7)).

Nothing here is remembered: what to remove is found by name, so that it is found after any crash.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Iterator, Mapping

from ...facts import Hierarchy
from ...facts.trees import Tree, cgroup_mounts, parse_cgroup, parse_trees
from ...protocol import Limits
from . import syscalls

PERIOD_US = 100_000
SHARES = (2, 262_144)
"""Least and most of cpu.shares, the usual being 1024; version 2 weighs from 1 to 10,000, the usual being 100."""
DEVICES = ("c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",
           "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm")  # fmt: skip
"""Docker's: make any node, but open only null, zero, full, random, urandom, tty, console, ptmx and terminals."""
WANTED = ("cpu", "cpuset", "memory", "pids", "io")


def parse_hierarchies(mountinfo: str, own: str) -> list[Hierarchy]:
    """The trees in which groups of ours can limit something, of the texts of /proc/self/mountinfo and /proc/self/cgroup.

    Version 2 comes without controllers: which those are, each of its groups tells by itself.
    """
    trees = parse_trees(cgroup_mounts(mountinfo), parse_cgroup(own), ())
    return [tree.hierarchy for tree in trees if _limits(tree)]


def _limits(tree: Tree) -> bool:
    """Not a named tree such as systemd's, and not a part of a tree."""
    controls = any(not one.startswith("name=") for one in tree.hierarchy.controllers)
    return tree.root == "/" and (tree.hierarchy.version == 2 or controls)


def hierarchies() -> list[Hierarchy]:
    """What is mounted on this machine now."""
    return parse_hierarchies(_read("/proc/self/mountinfo"), _read("/proc/self/cgroup"))


class Cgroups:
    """The groups under one parent, by sandbox id. Without hierarchies (an ordinary user) every method does nothing."""

    def __init__(self, instance: str, mounted: list[Hierarchy]) -> None:
        """Groups named INSTANCE/<id>."""
        self.instance = instance
        self.mounted = mounted

    def directories(self, name: str) -> list[tuple[Hierarchy, str]]:
        """Where a sandbox's groups are, whether they exist or not."""
        return [(one, f"{one.mounted}/{self.instance}/{name}") for one in self.mounted]

    def by_controller(self, name: str) -> dict[str, str]:
        """The directory of each controller, and of the v2 hierarchy under `unified`."""
        found = {}
        for hierarchy, directory in self.directories(name):
            controllers = hierarchy.controllers or tuple(_read(f"{directory}/cgroup.controllers").split())
            found.update(dict.fromkeys(controllers, directory))
            if hierarchy.version == 2:
                found["unified"] = directory
        return found

    def make(self, name: str) -> None:
        """Make a sandbox's groups, before there is any process in them."""
        for hierarchy, directory in self.directories(name):
            parent = f"{hierarchy.mounted}/{self.instance}"
            if not os.path.isdir(parent):
                _make(hierarchy, hierarchy.mounted, parent)
            _make(hierarchy, parent, directory)
            if "devices" in hierarchy.controllers:
                _write(f"{directory}/devices.deny", "a")
                _write(f"{directory}/devices.allow", *DEVICES)

    def limit(self, name: str, limits: Limits) -> None:
        """Write limits into the groups that have the controller."""
        for hierarchy, directory in self.directories(name):
            for file, value in (limits_v1 if hierarchy.version == 1 else limits_v2)(limits).items():
                of_this = file.partition(".")[0] in hierarchy.controllers or hierarchy.version == 2
                if of_this and os.path.exists(f"{directory}/{file}"):
                    _write(f"{directory}/{file}", value)

    def fork_into(self, name: str) -> int:
        """Fork; the child begins in the sandbox's v2 group, where there is one, and joins the others with `join`."""
        place = next((directory for hierarchy, directory in self.directories(name) if hierarchy.version == 2), None)
        return syscalls.fork_into(place) if place else os.fork()

    def join(self, name: str) -> None:
        """Put the calling process, of one thread, into a sandbox's v1 groups.

        Safe: the names are ours, and only root can write there. By `tasks`, since the kernel moves a thread that names
        itself at once, but waits for all processors (10 ms) before it moves a process.
        """
        for hierarchy, directory in self.directories(name):
            if hierarchy.version == 1:
                _write(f"{directory}/tasks", "0")

    def freeze(self, name: str) -> None:
        """Begin to stop every process of a sandbox where it is; raises OSError. `is_frozen` tells when it is so.

        In version 1's hierarchy where that has the freezer; a freezer that waits for a process tries again at each write.
        """
        able = [one for one in self.directories(name) if one[0].version == 2 or "freezer" in one[0].controllers]
        if not able:
            raise OSError(errno.EOPNOTSUPP, "no control group tree here can freeze")
        hierarchy, directory = min(able, key=lambda one: one[0].version)
        file, value = ("cgroup.freeze", "1") if hierarchy.version == 2 else ("freezer.state", "FROZEN")
        _write(f"{directory}/{file}", value)

    def thaw(self, name: str) -> None:
        """Let a frozen sandbox run on, to its death: a frozen v1 group keeps even SIGKILL waiting."""
        for hierarchy, top in self.directories(name):
            file, value = ("cgroup.freeze", "0") if hierarchy.version == 2 else ("freezer.state", "THAWED")
            if hierarchy.version == 2 or "freezer" in hierarchy.controllers:
                for directory in _tree(top):
                    with contextlib.suppress(OSError):
                        _write(f"{directory}/{file}", value)

    def kill(self, name: str) -> None:
        """Thaw, and SIGKILL to whatever is in a sandbox's groups now."""
        self.thaw(name)
        for _, top in self.directories(name):
            with contextlib.suppress(OSError):
                _write(f"{top}/cgroup.kill", "1")  # v2, since Linux 5.14: all members at one blow
        for pid in self.members(name):
            _kill_member(pid, f"/{self.instance}/{name}")

    def members(self, name: str) -> set[int]:
        """Pids of all that is in a sandbox's groups, in whichever hierarchy."""
        trees = [directory for _, top in self.directories(name) for directory in _tree(top)]
        return {int(pid) for directory in trees for pid in _read(f"{directory}/cgroup.procs").split()}

    def remove(self, name: str) -> bool:
        """Remove a sandbox's groups, children first; True where the kernel says of each that there is none, never by a look."""
        gone = True
        for _, top in self.directories(name):
            if not _removed(top):
                for directory in _tree(top):
                    gone = _removed(directory) and gone
        return gone

    def names(self) -> set[str]:
        """Names of all sandboxes that have a group in any hierarchy; raises OSError where one can't be looked into."""
        return {entry for one in self.mounted for entry in _entries(f"{one.mounted}/{self.instance}")}

    def remove_parent(self) -> None:
        """Remove INSTANCE itself where nothing is in it."""
        for one in self.mounted:
            with contextlib.suppress(OSError):
                os.rmdir(f"{one.mounted}/{self.instance}")


def is_frozen(directories: Mapping[str, str]) -> bool:
    """True where the kernel keeps a group frozen, of which these are the directories by controller."""
    if _read(f"{directories.get('freezer')}/freezer.state").strip() == "FROZEN":
        return True
    return "frozen 1" in _read(f"{directories.get('unified')}/cgroup.events").splitlines()


def limits_v1(limits: Limits) -> Mapping[str, str]:
    """File contents, by file."""
    return {
        "pids.max": str(limits.pids or "max"),
        "memory.limit_in_bytes": str(limits.memory or -1),
        "memory.swappiness": "0" if limits.memory else "60",
        "cpu.cfs_period_us": str(PERIOD_US),
        "cpu.cfs_quota_us": str(limits.millicpus * PERIOD_US // 1000 if limits.millicpus else -1),
        **_wishes(limits, "cpu.shares", limits.shares),
    }


def limits_v2(limits: Limits) -> Mapping[str, str]:
    """File contents for the one hierarchy."""
    quota = limits.millicpus * PERIOD_US // 1000 if limits.millicpus else "max"
    return {
        "pids.max": str(limits.pids or "max"),
        "memory.max": str(limits.memory or "max"),
        "memory.swap.max": "0" if limits.memory else "max",
        "cpu.max": f"{quota} {PERIOD_US}",
        **_wishes(limits, "cpu.weight", weight(limits.shares)),
    }


def weight(shares: int) -> int:
    """Version 2's weight for version 1's shares: the least is the least and the most the most, as runc has it."""
    least, most = SHARES
    return 1 + (shares - least) * 9_999 // (most - least)


def _wishes(limits: Limits, file: str, value: int) -> dict[str, str]:
    """The weight, into this file, and the processors, where there is a wish; a new group has what is usual."""
    weights = {file: str(value)} if limits.shares else {}
    return {**weights, "cpuset.cpus": limits.cpus} if limits.cpus else weights


def _make(hierarchy: Hierarchy, parent: str, directory: str) -> None:
    """Make one group in which processes can live."""
    if hierarchy.version == 2:
        there, given = (set(_read(f"{parent}/{file}").split()) for file in ("cgroup.controllers", "cgroup.subtree_control"))
        for controller in there.intersection(WANTED) - given:
            with contextlib.suppress(OSError):  # one that real-time tasks hold, say, is done without
                _write(f"{parent}/cgroup.subtree_control", f"+{controller}")
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o755)
        if "cpuset" in hierarchy.controllers:  # v1: empty at first, and nothing can join an empty set
            for file in ("cpuset.cpus", "cpuset.mems"):
                _write(f"{directory}/{file}", _read(f"{parent}/{file}"))


def _tree(top: str) -> Iterator[str]:
    """A group and its children, children first: what somebody made inside is in it.

    Of children that can't be listed just now (there may be no descriptor left) the group itself is all that is told: whoever
    ends something looks again until the kernel has let the group be removed.
    """
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = _entries(top)
    for name in names:
        yield from _tree(f"{top}/{name}")
    yield top


def _kill_member(pid: int, group: str) -> None:
    """SIGKILL to a member of a group.

    Safe against a recycled pid: the pidfd is taken first, and what it holds must be in the group after that.
    """
    with contextlib.suppress(OSError):
        held = os.pidfd_open(pid)
        try:
            if group in _read(f"/proc/{pid}/cgroup"):
                signal.pidfd_send_signal(held, signal.SIGKILL)
        finally:
            os.close(held)


def _removed(directory: str) -> bool:
    """Remove a group; False where it is busy: something in it has not quite gone."""
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _entries(directory: str) -> list[str]:
    """Names of the groups in a directory, none where it is missing; raises OSError where it can't be looked into."""
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _read(path: str) -> str:
    """A kernel file's text, empty where it has gone."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, *texts: str) -> None:
    """One write for each text, as kernel files want it; the error names the file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for text in texts:
            os.write(descriptor, text.encode())
    except OSError as error:
        raise OSError(error.errno, f"write {', '.join(texts)} to {path}: {error.strerror}") from error
    finally:
        os.close(descriptor)
