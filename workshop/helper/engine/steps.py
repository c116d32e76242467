"""What a start does, as data: the system calls in their order, and the key of the sentence that says why.

A start that is walked through (`stepping`) stops before each of them in just this order, so that this can't come to tell anything
else than what is done. The sentences are in workshop/words/texts/*/helper.toml, in the learner's language.
"""

from __future__ import annotations

START = (
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
    ("setsid()", "why_setsid"),
    ("openat(/dev/pts/ptmx), ioctl(TIOCGPTPEER)", "why_terminal"),
    ("pivot_root(., .), umount2(MNT_DETACH)", "why_pivot"),
    ("dup2(TERMINAL), ioctl(TIOCSCTTY)", "why_streams"),
    ("prctl(PR_CAPBSET_DROP), capset()", "why_capabilities"),
    ("prctl(PR_SET_NO_NEW_PRIVS)", "why_no_new_privileges"),
    ("prctl(PR_SET_SECCOMP)", "why_seccomp"),
    ("prctl(PR_SET_PDEATHSIG, SIGKILL)", "why_die_together"),
    ("close_range(3, ~0)", "why_close"),
    ("execve(COMMAND)", "why_exec"),
)
"""Each step's system calls, and its key."""
WITH_ROOT = frozenset({"why_make_cgroups", "why_limit", "why_join", "why_idmap"})
"""Those that an ordinary user's helper leaves out: it has no cgroups, and one identity."""
