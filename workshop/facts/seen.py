"""Host and containers as they were at one moment, and the evidence that a check judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .cgroups import Cgroups, Hierarchy
from .clocks import Clocks
from .components import Component
from .handmade import HandFile
from .images import Image, Written
from .ipc import Ipc, Others
from .lxc import Lxc
from .measured import Measured, Virtual
from .mounts import Mount
from .namespaces import Namespaces
from .network import Interface, Network, Pings
from .processes import Process
from .registry import Registry
from .roots import Chrooted, Root
from .security import Security
from .users import Users

SUBJECT_GUIDE: Mapping[str, str] = {
    "processes": "`processes` of each container, with arguments, users and terminals; of the host those that stand above them",
    "hostname": "`hostname` of the host and of each container",
    "ipc": "`ipc`: System V message queues, memory segments and semaphores of the host and of each container",
    "mounts": "`mounts` of the host and of each container; `host.filesystems`, the kinds that the kernel has",
    "interfaces": "`interfaces` of host and containers, with addresses, counters and a cable's other end; a container's `pings`",
    "listeners": "`listeners` of a container: TCP ports on which others reach it",
    "users": "`users` of a container: which identities inside are which of the host's",
    "cgroups": "`cgroups` of a container, with limits, use and counters; `host.groups`, also those that nothing is in",
    "security": "`security` of a container's PID 1: capabilities, seccomp, no new privileges, the label of AppArmor or SELinux",
    "roots": "`root` of the host and of each container, and `chrooted`, processes with another root that are in no container",
    "images": "`images` that box holds for the learner, with their layers",
    "virtual": "`virtual`: what the learner could boot a virtual machine with",
    "clocks": "`clocks` of a container: how far its time namespace is from the host's",
    "programs": "`programs`: which of those that lessons ask for the learner's shell would find",
    "handmade": "`handmade`: files of the image that the learner makes by hand",
    "written": "`written` of a box: what it has put into its own layer",
    "components": "`host.components` and `host.sockets`: the processes that engines consist of, and where they listen",
    "registry": "`registry`: what the learner's own registry holds",
    "lxc": "`lxc`: containers of LXC as they lie on disk, and the control groups that it left",
}
"""What can be asked for, with what it gives, for docs/authors.md. Namespaces and each container's PID 1 are always seen."""
SUBJECTS = tuple(SUBJECT_GUIDE)


@dataclass(frozen=True, slots=True)
class Host:
    """The machine itself, seen from the initial namespaces.

    `processes` holds those outside every container that are ancestors of a container's processes, not all of them.
    `processors` counts those that are online.
    `no_user_namespaces` is the setting under /proc/sys that keeps ordinary users from using one, '' where none does.
    `groups` are absolute directories, sorted and 256 at most, of control groups in the hierarchy that holds the cpu
    controller, else in version 2's, whether a process is in them or not; seen with the subject cgroups, down to the fourth
    level. They are those whose name contains a container's id of 64 hexadecimal digits, and those outside every `*.slice`,
    `init.scope` and the observer's own group. A box's groups are shown to its owner and root only.
    `filesystems` are the kinds that the kernel has now, seen with the subject mounts. `components` and `sockets`,
    which are paths, are those of container engines (subject components). `others` is what is left of other users' System V
    objects where `own` has taken away what is not the learner's.
    """

    namespaces: Namespaces = field(default_factory=Namespaces)
    boot: str = ""
    kernel: str = ""
    processors: int = 0
    hierarchies: tuple[Hierarchy, ...] = ()
    groups: tuple[str, ...] = ()
    processes: tuple[Process, ...] = ()
    process_count: int = 0
    hostname: str = ""
    ipc: Ipc = field(default_factory=Ipc)
    mounts: tuple[Mount, ...] = ()
    filesystems: tuple[str, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    root: Root = field(default_factory=Root)
    no_user_namespaces: str = ""
    components: tuple[Component, ...] = ()
    sockets: tuple[str, ...] = ()
    others: Others = field(default_factory=Others)


@dataclass(frozen=True, slots=True)
class Container:
    """The processes of one PID namespace that is not the host's, whatever started them.

    `id` is what its engine calls it where the kernel shows that (in a cgroup path), else `pid-<inode>`.
    `engine` is the name of who left its mark, such as box, docker or lxc; unshare for a bare system call, or unknown.
    Subjects not asked for are empty. `listeners` are TCP ports on which it can be reached from outside itself.
    `owners` are the host's uids of who started it: more than one where somebody worked as somebody else, none where a daemon
    did and nothing shows who asked that.
    """

    id: str
    name: str
    engine: str
    namespaces: Namespaces
    init: Process
    processes: tuple[Process, ...] = ()
    hostname: str = ""
    ipc: Ipc = field(default_factory=Ipc)
    mounts: tuple[Mount, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    listeners: tuple[int, ...] = ()
    users: Users = field(default_factory=Users)
    cgroups: Cgroups = field(default_factory=Cgroups)
    security: Security = field(default_factory=Security)
    root: Root = field(default_factory=Root)
    written: tuple[Written, ...] = ()
    clocks: Clocks = field(default_factory=Clocks)
    pings: Pings = field(default_factory=Pings)
    owners: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HalfMade:
    """A box that is being made step by step, between two steps.

    `step` is the next step: its key in helper.toml without `why_`; `seen` is the process that becomes the container, looked at
    as if it were a container's PID 1 already, None while there is none. From its second fork on it is among the containers too.
    """

    id: str
    name: str
    step: str
    number: int
    total: int
    seen: Container | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the kernel showed at one moment. `subjects` says what was asked for; `complete` is False without root.

    `caller` is the uid that asked, and `persons` are those that stand for it: root by sudo(8) is the account that typed it
    as well. `chrooted` holds the caller's own processes that are in no container and have another `/` than the host; seen with
    the subject roots. `half_made` holds the caller's boxes that are being made step by step, and `networks` the caller's
    networks of box. `images` are those that box holds for the caller; seen with the subject images.

    From the learner's own side, not the kernel: `measured` holds the latest result of each experiment of the lesson that the
    workshop has run for this learner, `virtual` what the learner could boot a virtual machine with (subject virtual),
    `programs` which of those that lessons ask for the learner's shell would find (subject programs), `handmade` the files of
    an image that the learner makes by hand (subject handmade), `registry` what a registry on the loopback interface holds
    (subject registry), and `lxc` what LXC has on disk (subject lxc).
    """

    host: Host = field(default_factory=Host)
    containers: tuple[Container, ...] = ()
    subjects: tuple[str, ...] = ()
    complete: bool = True
    caller: int = 0
    chrooted: tuple[Chrooted, ...] = ()
    half_made: tuple[HalfMade, ...] = ()
    networks: tuple[Network, ...] = ()
    measured: tuple[Measured, ...] = ()
    virtual: Virtual = field(default_factory=Virtual)
    images: tuple[Image, ...] = ()
    handmade: tuple[HandFile, ...] = ()
    programs: tuple[str, ...] = ()
    registry: Registry = field(default_factory=Registry)
    lxc: Lxc = field(default_factory=Lxc)
    persons: tuple[int, ...] = ()

    def container(self, pid_namespace: int) -> Container | None:
        """The container of this PID namespace, None if it is not here (any more)."""
        return next((one for one in self.containers if one.namespaces.pid == pid_namespace), None)

    def result(self, experiment: str) -> Measured | None:
        """The latest result of this experiment, None if it was not run yet."""
        return next((one for one in self.measured if one.experiment == experiment), None)

    def same(self, container: Container) -> Container | None:
        """This very container, None if it is not here (any more).

        The kernel gives a namespace's number again as soon as it is free, so its PID 1 must be the same process as well.
        """
        here = self.container(container.namespaces.pid)
        return here if here and (here.init.pid, here.init.started) == (container.init.pid, container.init.started) else None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a check judges: facts when the step began, facts now, and the learner's answer if one was asked.

    `drawn` are the lesson's values that are this learner's own, by their names.
    """

    before: Facts
    now: Facts
    answer: str | None = None
    drawn: dict[str, str | int] = field(default_factory=dict)

    def appeared(self) -> tuple[Container, ...]:
        """Containers that are here now and were not when the step began."""
        return tuple(one for one in self.now.containers if self.before.same(one) is None)

    def gone(self) -> tuple[Container, ...]:
        """Containers that were here when the step began and are not now."""
        return tuple(one for one in self.before.containers if self.now.same(one) is None)

    def measured(self, experiment: str) -> Measured | None:
        """The result of this experiment if it was run since the step began."""
        result = self.now.result(experiment)
        return result if result != self.before.result(experiment) else None
