"""Checks of the lesson on LXC: a container made, started, copied and destroyed, and an image that was moved."""

from __future__ import annotations

from workshop.facts import Container, Evidence, Facts, LxcContainer
from workshop.judging import NotYet, Passed, Verdict, number, short_digest, typed

NAME = "ws-lab"
PLACE = f"/var/lib/lxc/{NAME}"
COPY = f"/other/{NAME}"
"""How the copy's folder ends; it lies in the learner's home."""
BASE, TRAVELLER = "busybox:latest", "travel:1"


def container_made(seen: Evidence) -> Verdict:
    """A container of this name lies where LXC keeps them, and did not before."""
    made = _original(seen.now)
    if made is None:
        others = [one for one in seen.now.lxc.containers if one not in seen.before.lxc.containers]
        return NotYet("other_name", name=others[0].folder.rpartition("/")[2]) if others else NotYet("no_container")
    return NotYet("already_there", path=made.folder) if _original(seen.before) else Passed(path=made.folder)


def container_started(seen: Evidence) -> Verdict:
    """The container runs, as LXC's, and did not."""
    if running := _running(seen.now):
        fresh = running in seen.appeared()
        return Passed(pid=running.init.pid, group=_group(running)) if fresh else NotYet("already_runs", pid=running.init.pid)
    if others := [one for one in seen.appeared() if one.engine not in ("box", "lxc")]:
        return NotYet("other_engine", engine=others[0].engine, container=others[0].name)
    return NotYet("not_running") if _original(seen.now) else NotYet("not_made")


def processes_counted(seen: Evidence) -> Verdict:
    """The answer is how many processes ps lists in the container, itself among them."""
    running, answered = _running(seen.now), number(seen.answer)
    if running is None:
        return NotYet("not_running")
    if answered is None:
        return NotYet("no_answer")
    there = len(running.processes)
    if answered == there + 1:
        return Passed(count=answered, first=running.init.name)
    if answered == there:
        return NotYet("ps_not_counted", answered=answered)
    return NotYet("other_count", answered=answered)


def process_count(facts: Facts) -> str:
    """As many as run, and ps."""
    running = _running(facts)
    return str(len(running.processes) + 1) if running else ""


def container_copied(seen: Evidence) -> Verdict:
    """The container is stopped, and a copy of its folder lies in the learner's home."""
    if _original(seen.now) is None:
        return NotYet("not_made")
    if (running := _running(seen.now)) and not _is_copy(seen.now):
        return NotYet("still_runs", pid=running.init.pid)
    copy = _copy(seen.now)
    if copy is None:
        return NotYet("no_copy")
    if not copy.inode:
        return NotYet("no_files", path=copy.folder)
    return NotYet("already_there", path=copy.folder) if _copy(seen.before) else Passed(path=copy.folder)


def copy_started(seen: Evidence) -> Verdict:
    """A container runs whose monitor was given the copy's folder, and did not before."""
    if _copy(seen.now) is None:
        return NotYet("no_copy")
    running = _running(seen.now)
    if running is None:
        return NotYet("not_running")
    if not _is_copy(seen.now):
        return NotYet("original_runs", pid=running.init.pid)
    return NotYet("already_runs", pid=running.init.pid) if seen.before.same(running) else Passed(pid=running.init.pid)


def root_named(seen: Evidence) -> Verdict:
    """The answer is the directory that is the root of the running copy."""
    right, answered = root_path(seen.now), typed(seen.answer)
    if not right:
        return NotYet("not_running")
    if not answered:
        return NotYet("no_answer")
    answered = answered.removeprefix("dir:").rstrip("/")
    if answered == right:
        return Passed(path=right)
    others = [one.folder for one in seen.now.lxc.containers if f"{one.folder}/rootfs" != right]
    if f"{COPY}/" in f"{answered}/" or any(answered.startswith(folder) for folder in others):
        return NotYet("other_files", answered=answered)
    if answered == right.removesuffix("/rootfs"):
        return NotYet("folder_only", answered=answered)
    return NotYet("inside") if not answered else NotYet("other_path", answered=answered)


def root_path(facts: Facts) -> str:
    """The folder whose rootfs has the inode that the kernel shows as the copy's root; '' where no copy runs."""
    running = _running(facts)
    if running is None or not _is_copy(facts):
        return ""
    return next((f"{one.folder}/rootfs" for one in facts.lxc.containers if one.inode == running.root.inode != 0), "")


def binds_counted(seen: Evidence) -> Verdict:
    """The answer is how many directories of the host the copy's configuration mounts into the container."""
    copy, answered = _copy(seen.now), number(seen.answer)
    if copy is None:
        return NotYet("no_copy")
    if answered is None:
        return NotYet("no_answer")
    if answered == len(copy.binds):
        return Passed(count=answered, first=copy.binds[0])
    return NotYet("too_many", answered=answered) if answered > len(copy.binds) else NotYet("too_few", answered=answered)


def bind_count(facts: Facts) -> str:
    """How many there are."""
    copy = _copy(facts)
    return str(len(copy.binds)) if copy else ""


def image_moved(seen: Evidence) -> Verdict:
    """The second name was given after the archive was packed, was not there before, and is the very same image."""
    images = {one.name: one for one in seen.now.images}
    if (moved := images.get(TRAVELLER)) is None:
        others = [name for name, one in images.items() if one not in seen.before.images and name != BASE]
        return NotYet("other_image", image=others[0]) if others else NotYet("no_image")
    base = images.get(BASE, moved)
    if moved.id != base.id:
        return NotYet("another_image", digest=short_digest(moved.id), base=short_digest(base.id))
    if any(one == moved and one.created == moved.created for one in seen.before.images):
        return NotYet("already_there")
    if not seen.now.lxc.packed:
        return NotYet("not_packed")
    return Passed(digest=short_digest(moved.id)) if moved.created >= seen.now.lxc.packed else NotYet("not_loaded")


def group_named(seen: Evidence) -> Verdict:
    """The answer is the control group that LXC leaves, with no container running."""
    answered = typed(seen.answer).rstrip("/").rpartition("/")[2]
    if running := _running(seen.now):
        return NotYet("still_runs", pid=running.init.pid)
    left = [path.rpartition("/")[2] for path in seen.now.lxc.groups]
    if not left:
        return NotYet("none_left")
    if not answered:
        return NotYet("no_answer")
    return Passed(group=answered, count=left.count(answered)) if answered in left else NotYet("no_such_group", answered=answered)


def group_left(facts: Facts) -> str:
    """One that is there."""
    return facts.lxc.groups[0].rpartition("/")[2] if facts.lxc.groups else ""


def copy_arrived(seen: Evidence) -> Verdict:
    """The copy runs on its own files, and the original still names its own."""
    copy, running = _copy(seen.now), _running(seen.now)
    if copy is None:
        return NotYet("no_copy")
    if running is None:
        return NotYet("not_running")
    if not _is_copy(seen.now):
        return NotYet("original_runs", pid=running.init.pid)
    if running.root.inode == copy.inode:
        return _arrived(seen, running, copy)
    return NotYet("other_files" if copy.moved else "changed_while_running", path=copy.root)


def _arrived(seen: Evidence, running: Container, copy: LxcContainer) -> Verdict:
    """The copy that runs on its own files was started since the step began, and at nobody else's cost."""
    original = _original(seen.now)
    if original and original.moved:
        return NotYet("original_changed", path=original.root)
    if seen.before.same(running):
        return NotYet("already_there")
    return Passed(pid=running.init.pid, path=f"{copy.folder}/rootfs")


def tidied(seen: Evidence) -> Verdict:
    """Neither the container nor its copy is there, nothing runs, and LXC's empty groups are gone."""
    if running := _running(seen.now):
        return NotYet("still_runs", pid=running.init.pid)
    if left := _original(seen.now) or _copy(seen.now):
        return NotYet("still_there", path=left.folder)
    if seen.now.lxc.packed:
        return NotYet("archive_left")
    if groups := seen.now.lxc.groups:
        return NotYet("groups_left", path=groups[0], count=len(groups))
    if TRAVELLER in {one.name for one in seen.now.images}:
        return NotYet("image_left")
    return Passed() if _original(seen.before) or _copy(seen.before) else NotYet("nothing_was_there")


def _original(facts: Facts) -> LxcContainer | None:
    return next((one for one in facts.lxc.containers if one.folder == PLACE), None)


def _copy(facts: Facts) -> LxcContainer | None:
    return next((one for one in facts.lxc.containers if one.folder.endswith(COPY)), None)


def _running(facts: Facts) -> Container | None:
    """The lesson's container or its copy, as the kernel shows it; LXC names its control group after it."""
    return next((one for one in facts.containers if one.engine == "lxc" and one.id == NAME), None)


def _is_copy(facts: Facts) -> bool:
    """True where what runs is the copy."""
    copy = _copy(facts)
    return copy is not None and copy.running


def _group(running: Container) -> str:
    return next((one.path for one in running.cgroups.memberships if NAME in one.path), "")
