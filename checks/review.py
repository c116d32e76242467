"""Questions from all chapters, each drawn from the facts of this moment: what is asked for differs with every container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from workshop.facts import Asked, Container, Evidence, Facts, Process
from workshop.judging import MEBIBYTE, NotYet, Passed, Verdict, interactive, layers_of, moment, mounted_at, new_of, none_new

Option = TypeVar("Option")
YEARS = {"chroot": 1979, "FreeBSD jails": 2000, "Solaris Zones": 2005, "LXC": 2008, "Docker": 2013, "runc": 2015}
CAPABILITIES = {"CAP_CHOWN": 0, "CAP_KILL": 5, "CAP_NET_RAW": 13, "CAP_SYS_MODULE": 16, "CAP_SYS_ADMIN": 21, "CAP_SYS_TIME": 25}
"""Some of capabilities(7), with their bits (linux/capability.h)."""
DEVICES = {"null": "1:3", "zero": "1:5", "full": "1:7", "random": "1:8", "urandom": "1:9"}
"""Character devices that every container may use, by their numbers (the kernel's devices.txt)."""
UIDS = (0, 33, 1000)
SHARES = (0.25, 0.4, 0.6, 1.5, 2.5)
TARGETS = ("/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue")  # noqa: S108  # names to compare, not files


def container_started(seen: Evidence) -> Verdict:
    """A container whose PID 1 is a shell on a terminal appeared."""
    ours = interactive(seen)
    for container in new_of(seen, ours):
        return Passed(container=container.name, pid=container.init.pid)
    return none_new(ours)


def limits_set(seen: Evidence) -> Verdict:
    """A container with a shell on a terminal has a quota and a memory limit, and had not both when the step began."""
    ours = interactive(seen)
    for container in ours:
        then = seen.before.same(container)
        if _limited(container) and not (then and _limited(then)):
            return Passed(container=container.name)
    if not ours:
        return NotYet("no_container")
    return NotYet("limited_before" if _limited(ours[0]) else "not_both", container=ours[0].name)


def _limited(container: Container) -> bool:
    cpu, memory = container.cgroups.cpu, container.cgroups.memory
    return bool(cpu and memory and cpu.quota_us is not None and memory.limit is not None)


def _own(facts: Facts) -> Container | None:
    """The learner's own container, most likely: the newest with a shell on a terminal."""
    return next(iter(interactive(moment(facts))), None)


def _own_limited(facts: Facts) -> Container | None:
    """The newest of them that has both limits."""
    return next((one for one in interactive(moment(facts)) if _limited(one)), None)


def _pick(own: Container, options: Sequence[Option]) -> Option:
    """One of the options: the same as long as the container lives, and another for the next."""
    return options[(own.init.pid + own.init.started) % len(options)]


# Before Docker, and what Docker is


def release_year(facts: Facts) -> Asked | None:
    """When one of the six came into use."""
    own = _own(facts)
    if own is None:
        return None
    name = _pick(own, sorted(YEARS))
    return Asked(YEARS[name], {"name": name})


def root_link(facts: Facts) -> Asked | None:
    """Which link of /proc leads to a process's own root (proc_pid_root(5))."""
    own = _own(facts)
    return Asked("root", {"container": own.name, "pid": own.init.pid}, slip="cwd") if own else None


def lxc_group(facts: Facts) -> Asked | None:
    """What LXC would call the control group of a container of this name (lxc.container.conf(5), lxc.cgroup.dir)."""
    own = _own(facts)
    return Asked(f"lxc.payload.{own.name}", {"container": own.name}, slip=own.name) if own else None


def lxc_key(facts: Facts) -> Asked | None:
    """Which key of LXC's configuration has this value (lxc.container.conf(5))."""
    own = _own(facts)
    if own is None:
        return None
    values = {
        "lxc.rootfs.path": f"dir:/var/lib/lxc/{own.name}/rootfs",
        "lxc.uts.name": own.name,
        "lxc.mount.entry": "/lib lib none ro,bind 0 0",
    }
    key = _pick(own, sorted(values))
    return Asked(key, {"container": own.name, "value": values[key]})


def layers(facts: Facts) -> Asked | None:
    """How many layers the container's root is made of, by its overlay mount."""
    own = _own(facts)
    lower = layers_of(own) if own else ()
    return Asked(len(lower), {"container": own.name}, slip=len(lower) + 1) if own and lower else None


def changed_byte(facts: Facts) -> Asked | None:
    """Whether a byte that is changed in a container is in an image that is named afterwards: by commit it is, by tag not."""
    own = _own(facts)
    if own is None:
        return None
    name = f"mine:{own.init.pid}"
    command, same = _pick(own, ((f"commit {own.name} {name}", "no"), (f"tag busybox {name}", "yes")))
    return Asked(same, {"container": own.name, "pid": own.init.pid, "command": command, "name": name})


# Microservices, and why Docker


def hosts_file(facts: Facts) -> Asked | None:
    """Where a container looks names of its network up (hosts(5))."""
    own = _own(facts)
    return Asked("/etc/hosts", {"container": own.name, "hostname": own.hostname}, slip="/etc/hostname") if own else None


def replaced(facts: Facts) -> Asked | None:
    """Which pid the first process of a new version has inside."""
    own = _own(facts)
    return Asked(1, {"container": own.name, "pid": own.init.pid}, slip=own.init.pid) if own else None


def density(facts: Facts) -> Asked | None:
    """How many containers of this memory limit fit into one GiB."""
    own = _own_limited(facts)
    limit = (own.cgroups.memory.limit or 0) // MEBIBYTE if own and own.cgroups.memory else 0
    return Asked(1024 // limit, {"container": own.name, "limit": limit}) if own and 0 < limit <= 1024 else None


def kernel(facts: Facts) -> Asked | None:
    """Which kernel runs in a container."""
    own = _own(facts)
    return Asked(facts.host.kernel, {"container": own.name}) if own and facts.host.kernel else None


# Components, and architecture


def parent(facts: Facts) -> Asked | None:
    """Which program on the host is the parent of the container's PID 1."""
    own = _own(facts)
    found = _ancestors(facts, own.init) if own else []
    return Asked(found[0].name, {"container": own.name, "pid": own.init.pid}) if own and found else None


def ancestors(facts: Facts) -> Asked | None:
    """How many processes stand above the container's PID 1 on the host."""
    own = _own(facts)
    found = _ancestors(facts, own.init) if own else []
    return Asked(len(found), {"container": own.name, "pid": own.init.pid}) if own and found else None


def _ancestors(facts: Facts, process: Process) -> list[Process]:
    """Its parent first; the host's PID 1 last. None at all where they are not all seen."""
    by_pid, found = {one.pid: one for one in facts.host.processes}, list[Process]()
    while (above := by_pid.get((found[-1] if found else process).parent)) and above not in found:
        found.append(above)
    return found if found and found[-1].pid == 1 else []


def docker_socket(facts: Facts) -> Asked | None:
    """Over which socket Docker's daemon is asked for a container."""
    own = _own(facts)
    return Asked("/var/run/docker.sock", {"container": own.name, "id": own.id[:12]}) if own else None


def layer_path(facts: Facts) -> Asked | None:
    """Under which word of a registry's interface a layer lies (OCI distribution specification)."""
    own = _own(facts)
    return Asked("blobs", {"digits": own.id[-12:]}, slip="manifests") if own else None


# Namespaces, and networks


def pid_inside(facts: Facts) -> Asked | None:
    """Which pid a process of the container has for itself."""
    own = _own(facts)
    if own is None:
        return None
    one = _pick(own, sorted(own.processes or (own.init,), key=lambda process: process.pid))
    return Asked(one.inner, {"container": own.name, "pid": one.pid}, slip=one.pid)


def pid_outside(facts: Facts) -> Asked | None:
    """Which pid the container's PID 1 has on the host."""
    own = _own(facts)
    return Asked(own.init.pid, {"container": own.name}, slip=1) if own else None


def which_kind(facts: Facts) -> Asked | None:
    """Of which kind a namespace is, by its inode."""
    own = _own(facts)
    apart = own.namespaces.apart_from(facts.host.namespaces) if own else ()
    if own is None or not apart:
        return None
    kind = _pick(own, apart)
    return Asked(kind, {"container": own.name, "inode": getattr(own.namespaces, kind)})


def shared_count(facts: Facts) -> Asked | None:
    """How many namespaces the container shares with the host."""
    own = _own(facts)
    if own is None or not facts.host.namespaces.pid:
        return None
    shared, apart = (one(facts.host.namespaces) for one in (own.namespaces.shared_with, own.namespaces.apart_from))
    return Asked(len(shared), {"container": own.name}, slip=len(apart))


def interfaces(facts: Facts) -> Asked | None:
    """How many network interfaces the container has."""
    own = _own(facts)
    if own is None or not own.interfaces:
        return None
    return Asked(len(own.interfaces), {"container": own.name}, slip=len(facts.host.interfaces))


def enter_network(facts: Facts) -> Asked | None:
    """Which option of nsenter(1) enters a network namespace."""
    own = _own(facts)
    return Asked("n", {"container": own.name, "pid": own.init.pid}, slip="p") if own else None


# Control groups


def cpus(facts: Facts) -> Asked | None:
    """How many processors a quota comes to."""
    own = _own_limited(facts)
    cpu = own.cgroups.cpu if own else None
    if own is None or cpu is None or not cpu.quota_us:
        return None
    share = round(cpu.quota_us / cpu.period_us, 2)
    return Asked(share, {"container": own.name, "quota": cpu.quota_us, "period": cpu.period_us}, slip=share * 100)


def percent(facts: Facts) -> Asked | None:
    """What top shows of a loop without end in the container: one such loop never uses more than one processor."""
    own = _own_limited(facts)
    cpu = own.cgroups.cpu if own else None
    if own is None or cpu is None or not cpu.quota_us or cpu.quota_us >= cpu.period_us:
        return None
    return Asked(round(100 * cpu.quota_us / cpu.period_us), {"container": own.name, "quota": cpu.quota_us}, slip=100)


def quota_for(facts: Facts) -> Asked | None:
    """Which quota gives so many processors."""
    own = _own(facts)
    cpu = own.cgroups.cpu if own else None
    if own is None or cpu is None:
        return None
    share = _pick(own, SHARES)
    return Asked(round(share * cpu.period_us), {"container": own.name, "share": share, "period": cpu.period_us})


def limit_file(facts: Facts) -> Asked | None:
    """What the file of the memory limit is called in the version that holds the controller here."""
    own = _own(facts)
    place = own.cgroups.of("memory") if own else None
    if own is None or place is None:
        return None
    names = {1: "memory.limit_in_bytes", 2: "memory.max"}
    return Asked(names[place.version], {"container": own.name}, slip=names[3 - place.version])


def cores(facts: Facts) -> Asked | None:
    """How many processors the container's processes may run on (cpuset(7))."""
    own = _own(facts)
    allowed = own.cgroups.cpus if own else None
    return Asked(len(allowed), {"container": own.name, "pid": own.init.pid}) if own and allowed else None


def device_rule(facts: Facts) -> Asked | None:
    """Which device a line of a whitelist lets through (the kernel's devices.rst; null(4), random(4))."""
    own = _own(facts)
    if own is None:
        return None
    name = _pick(own, sorted(DEVICES))
    return Asked(name, {"container": own.name, "numbers": DEVICES[name]})


# The file system


def root_type(facts: Facts) -> Asked | None:
    """Of which type the container's root file system is."""
    own = _own(facts)
    root = mounted_at(own.mounts, "/") if own else None
    host = mounted_at(facts.host.mounts, "/")
    return Asked(root.type, {"container": own.name}, slip=host.type if host else None) if own and root else None


def upper(facts: Facts) -> Asked | None:
    """Which directory of an overlay takes what is changed."""
    own = _own(facts)
    return Asked("upperdir", {"container": own.name}, slip="workdir") if own and layers_of(own) else None


def mount_type(facts: Facts) -> Asked | None:
    """What is mounted at one of the usual places in the container."""
    own = _own(facts)
    found = [one for one in (mounted_at(own.mounts, target) for target in TARGETS) if one] if own else []
    if own is None or not found:
        return None
    one = _pick(own, found)
    return Asked(one.type, {"container": own.name, "target": one.target})


# Security


def capability(facts: Facts) -> Asked | None:
    """Whether a capability is in the mask of the container's PID 1."""
    own = _own(facts)
    if own is None or "security" not in facts.subjects:
        return None
    name = _pick(own, sorted(CAPABILITIES))
    bit, mask = CAPABILITIES[name], own.security.effective
    held = "yes" if mask >> bit & 1 else "no"
    return Asked(held, {"container": own.name, "mask": f"{mask:016x}", "name": name, "bit": bit})


def seccomp(facts: Facts) -> Asked | None:
    """Which seccomp mode the container's PID 1 is in (proc_pid_status(5))."""
    own = _own(facts)
    if own is None or "security" not in facts.subjects:
        return None
    return Asked(own.security.seccomp, {"container": own.name, "pid": own.init.pid}, slip=0)


def outside_uid(facts: Facts) -> Asked | None:
    """Who somebody inside is outside, by the uid map (user_namespaces(7))."""
    own = _own(facts)
    if own is None:
        return None
    uid = _pick(own, UIDS)
    mapped = own.users.host_uid(uid)
    return Asked(mapped, {"container": own.name, "uid": uid}, slip=uid) if mapped is not None else None


# The exercises, and from scratch


def queue_seen(facts: Facts) -> Asked | None:
    """Whether the host lists a message queue that is made inside."""
    own = _own(facts)
    if own is None or not facts.host.namespaces.ipc:
        return None
    inside, host = own.namespaces.ipc, facts.host.namespaces.ipc
    return Asked("yes" if inside == host else "no", {"container": own.name, "inside": inside, "host": host})


def name_after_unshare(facts: Facts) -> Asked | None:
    """Which host name a new UTS namespace begins with: a copy (uts_namespaces(7))."""
    own = _own(facts)
    if own is None or not facts.host.hostname:
        return None
    return Asked(facts.host.hostname, {"container": own.name, "hostname": own.hostname}, slip=own.hostname)


def new_root(facts: Facts) -> Asked | None:
    """Which system call lets the old root be unmounted."""
    own = _own(facts)
    return Asked("pivot_root", {"container": own.name, "pid": own.init.pid}, slip="chroot") if own else None
