"""What a step can require of the machine, each a predicate on facts. A lack is `impossible here`, with reason and fix.

The reason and the fix of each stand in workshop/words/texts/*/requirements.toml under its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..facts import Facts


def _controller(name: str, *versions: int) -> Callable[[Facts], bool]:
    def present(facts: Facts) -> bool:
        return any(name in one.controllers and one.version in versions for one in facts.host.hierarchies)

    return present


def _kernel_since(*wanted: int) -> Callable[[Facts], bool]:
    def new_enough(facts: Facts) -> bool:
        found = [int(part) for part in re.findall(r"\d+", facts.host.kernel)[: len(wanted)]]
        return found >= list(wanted)

    return new_enough


REQUIREMENTS: dict[str, Callable[[Facts], bool]] = {
    "root_helper": lambda facts: facts.complete,
    "root_learner": lambda facts: facts.complete and facts.caller == 0,
    "time_namespace": lambda facts: facts.host.namespaces.time != 0,
    "user_namespaces": lambda facts: not facts.host.no_user_namespaces,
    "cpu_controller": _controller("cpu", 1, 2),
    "cpu_controller_v1": _controller("cpu", 1),
    "cpu_controller_v2": _controller("cpu", 2),
    "memory_controller": _controller("memory", 1, 2),
    "pids_controller": _controller("pids", 1, 2),
    "cpuset_controller": _controller("cpuset", 1, 2),
    "two_processors": lambda facts: facts.host.processors != 1,
    "io_controller": lambda facts: _controller("blkio", 1)(facts) or _controller("io", 2)(facts),
    "devices_controller": _controller("devices", 1),
    "freezer": lambda facts: _controller("freezer", 1)(facts) or any(one.version == 2 for one in facts.host.hierarchies),
    "virtual_machine": lambda facts: bool(facts.virtual.program and facts.virtual.kernel),
    "opaque_upper": _kernel_since(6, 6),
    "busybox": lambda facts: "busybox" in facts.programs,
    "runc": lambda facts: {"busybox", "runc"} <= set(facts.programs),
    "lxc": lambda facts: {"busybox", "lxc-start"} <= set(facts.programs),
    "registry": lambda facts: {"docker-registry", "curl"} <= set(facts.programs),
    "cgroup_v1": lambda facts: any(one.version == 1 for one in facts.host.hierarchies),
    "cgroup_v2": lambda facts: any(one.version == 2 for one in facts.host.hierarchies),
}


def missing(names: tuple[str, ...], facts: Facts) -> str:
    """The first requirement that the machine does not meet, '' if it meets all."""
    return next((name for name in names if not REQUIREMENTS[name](facts)), "")
