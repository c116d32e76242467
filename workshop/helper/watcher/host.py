"""The host: what PID 1 of the observer's own PID namespace lives in, and the observer's own where PID 1 may not be read."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ...facts import Host, Namespaces, Root
from .cgroups import Tree, cgroup_mounts, parse_cgroup, read_trees
from .held import Held, read, read_or
from .mounts import parse_filesystems, parse_mounts
from .namespaces import read_namespaces
from .network import read_interfaces
from .processes import parse_status
from .roots import read_root
from .users import no_user_namespaces, parse_map, read_setting

_EVERYTHING = (1 << 19) | (1 << 21)
"""CAP_SYS_PTRACE, to look at everybody's processes, and CAP_SYS_ADMIN, to enter everybody's namespaces."""

_ALL_IDS = (0, 0, 2**32 - 1)


@dataclass(frozen=True, slots=True)
class Machine:
    """The host for one observation: the process that stands for it, the observer, and what both are in."""

    first: Held
    observer: Held
    namespaces: Namespaces
    own: Namespaces
    paths: tuple[str, ...]
    trees: tuple[Tree, ...]


@contextmanager
def machine() -> Iterator[Machine]:
    """The host, held for the length of a block; raises OSError where there is no /proc."""
    with Held(os.getpid()) as observer, Held(1) as init:
        own, namespaces = read_namespaces(observer), read_namespaces(init)
        first = init if namespaces.mnt else observer
        lines = parse_cgroup(observer.read("cgroup"))
        trees = read_trees(cgroup_mounts(observer.read("mountinfo")), lines)
        yield Machine(first, observer, namespaces if namespaces.mnt else own, own, tuple(line.path for line in lines), trees)


def complete(observer: Held) -> bool:
    """True where everything can be seen: all identities are the observer's to see, and it may look and enter anywhere."""
    status = parse_status(observer.read("status"))
    whole = [(one.inside, one.outside, one.count) for one in parse_map(observer.read("uid_map"))] == [_ALL_IDS]
    return whole and int(status.get("CapEff", "0"), 16) & _EVERYTHING == _EVERYTHING


def read_host(seen: Machine, subjects: Collection[str], count: int) -> Host:
    """The host without its processes, hostname and System V objects; raises OSError where there is no /proc."""
    return Host(
        namespaces=seen.namespaces,
        boot=read("/proc/sys/kernel/random/boot_id").strip(),
        kernel=os.uname().release,
        processors=os.cpu_count() or 0,
        hierarchies=tuple(tree.hierarchy for tree in seen.trees),
        process_count=count,
        mounts=read_or(lambda: parse_mounts(seen.first.read("mountinfo")), ()) if "mounts" in subjects else (),
        filesystems=parse_filesystems(read("/proc/filesystems")) if "mounts" in subjects else (),
        interfaces=read_or(lambda: read_interfaces(seen.first), ()) if "interfaces" in subjects else (),
        root=read_or(lambda: read_root(seen.first), Root()) if "roots" in subjects else Root(),
        no_user_namespaces=no_user_namespaces(read_setting),
    )
