"""What each operation does, as data: the system calls in their order, and the key of the sentence that says why.

A start that is walked through (`stepping`) stops before each step of `run` in just this order, so that this can't come to
tell anything else than what is done. The sentences are in workshop/words/texts/*/helper.toml, in the learner's language.
"""

from __future__ import annotations

Steps = tuple[tuple[str, str], ...]

_TERMINAL: Steps = (
    ("setsid()", "why_setsid"),
    ("openat(/dev/pts/ptmx), ioctl(TIOCGPTPEER)", "why_terminal"),
)
_PROGRAM: Steps = (
    ("dup2(TERMINAL), ioctl(TIOCSCTTY)", "why_streams"),
    ("prctl(PR_CAPBSET_DROP), capset()", "why_capabilities"),
    ("prctl(PR_SET_NO_NEW_PRIVS)", "why_no_new_privileges"),
    ("prctl(PR_SET_SECCOMP)", "why_seccomp"),
    ("prctl(PR_SET_PDEATHSIG, SIGKILL)", "why_die_together"),
    ("close_range(3, ~0)", "why_close"),
    ("execve(COMMAND)", "why_exec"),
)
WITH_ROOT = frozenset({"why_make_cgroups", "why_limit", "why_join", "why_idmap"})
"""Steps of `run` that an ordinary user's helper leaves out: it has no cgroups, and one identity."""

STEPS: dict[str, Steps] = {
    "hello": (("getpid()", "why_hello"),),
    "describe": ((" - ", "why_describe"),),
    "images": (("openat(images.json)", "why_images"),),
    "image": (("openat(images.json)", "why_images"),),
    "layer": (("openat(LAYER.tar, O_RDONLY)", "why_layer"),),
    "unpack": (
        ("pipe2(), mkdir(LAYER)", "why_unpack"),
        ("mkdir(/sys/fs/cgroup/.../INSTANCE/ID)", "why_make_cgroups"),
        ("fork(), unshare(CLONE_NEWUSER|NEWNS|NEWNET|NEWUTS|NEWIPC)", "why_unpack_alone"),
        ("open_tree(LAYER), mount_setattr(MOUNT_ATTR_IDMAP), pivot_root(., .)", "why_unpack_root"),
        ("prctl(PR_SET_SECCOMP)", "why_seccomp"),
        ("read(PIPE)", "why_unpack_digest"),
        ("mknod(S_IFCHR, 0:0), setxattr(user.overlay.opaque)", "why_whiteout"),
        ("syncfs(LAYER)", "why_unpack_sync"),
        ("rename(LAYER)", "why_unpack_name"),
    ),
    "pack": (
        ("fork(), setns(PIDFD, all but pid and cgroup)", "why_pack_inside"),
        ("fchdir(UPPER), chroot(.)", "why_pack_root"),
        ("write(PIPE)", "why_pack"),
    ),
    "transferred": (("epoll_wait(PIDFD), waitid(P_PIDFD)", "why_transferred"),),
    "register": (("fsync(images.json.new), rename(images.json.new, images.json)", "why_register"),),
    "unregister": (("fsync(images.json.new), rename(images.json.new, images.json)", "why_unregister"),),
    "run": (
        ("mkdir(/sys/fs/cgroup/.../INSTANCE/ID)", "why_make_cgroups"),
        ("write(pids.max, memory, cpu)", "why_limit"),
        ("clone3(CLONE_INTO_CGROUP) or fork()", "why_fork"),
        ("write(tasks, 0)", "why_join"),
        ("seteuid(NOBODY), unshare(CLONE_NEWUSER|NEWNS|NEWPID|NEWNET|NEWUTS|NEWIPC|NEWCGROUP)", "why_unshare"),
        ("write(uid_map, gid_map)", "why_maps"),
        ("sendto(NETLINK_ROUTE, RTM_NEWLINK veth)", "why_plug"),
        ("open_tree(IMAGE), mount_setattr(MOUNT_ATTR_IDMAP)", "why_idmap"),
        ("setresgid(0), setresuid(0)", "why_identity"),
        ("fork()", "why_second_fork"),
        ("mount(tmpfs), mount(overlay)", "why_overlay"),
        ("mount(proc), mount(tmpfs /dev), mount(devpts), mount(mqueue), mount(sysfs), mount(cgroup)", "why_mounts"),
        ("mount(MS_BIND /dev/null)", "why_mask"),
        ("sethostname()", "why_hostname"),
        ("ioctl(SIOCSIFFLAGS lo)", "why_loopback"),
        *_TERMINAL,
        ("pivot_root(., .), umount2(MNT_DETACH)", "why_pivot"),
        *_PROGRAM,
    ),
    "step": ((" - ", "why_step"),),
    "look": (("getuid(), uname(), openat(/proc/self/...)", "why_look"),),
    "exec": (
        ("write(tasks, 0)", "why_join"),
        ("setns(PIDFD, all seven)", "why_setns"),
        ("setresgid(0), setresuid(0)", "why_identity"),
        ("fork()", "why_second_fork"),
        *_TERMINAL,
        *_PROGRAM,
    ),
    "wait": (("epoll_wait(PIDFD), waitid(P_PIDFD)", "why_wait"),),
    "list": ((" - ", "why_list"),),
    "inspect": ((" - ", "why_list"),),
    "stop": (
        ("pidfd_send_signal(SIGTERM)", "why_term"),
        ("pidfd_send_signal(SIGKILL)", "why_kill"),
        ("rmdir(/sys/fs/cgroup/.../INSTANCE/ID)", "why_remove_cgroups"),
    ),
    "remove": (
        ("write(freezer.state, THAWED)", "why_thaw"),
        ("pidfd_send_signal(SIGKILL)", "why_kill"),
        ("rmdir(/sys/fs/cgroup/.../INSTANCE/ID)", "why_remove_cgroups"),
    ),
    "update": (("write(cpu.cfs_quota_us or cpu.max, memory, pids.max, cpuset.cpus)", "why_limit"),),
    "pause": (("write(freezer.state, FROZEN) or write(cgroup.freeze, 1)", "why_freeze"),),
    "unpause": (("write(freezer.state, THAWED) or write(cgroup.freeze, 0)", "why_unfreeze"),),
    "logs": (("read(PIPE or TERMINAL)", "why_logs"),),
    "networks": ((" - ", "why_list"),),
    "createnetwork": (
        ("unshare(CLONE_NEWNET), socket(NETLINK_ROUTE), setns(OWN)", "why_switch"),
        ("sendto(NETLINK_ROUTE, RTM_NEWLINK bridge)", "why_bridge"),
    ),
    "removenetwork": (("close(SOCKET)", "why_unplug"),),
    "observe": (("openat(/proc/PID/...)", "why_observe"), ("setns(PIDFD, NEWIPC|NEWUTS)", "why_observe_inside")),
}
