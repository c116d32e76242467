"""A census of what a test could leave on the machine; two of them compared tell what it left.

What bears the name of another suite's helper, or of the helper that is installed here, is a neighbour's and not counted.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from pathlib import Path
from pwd import getpwuid

Census = dict[str, Counter[str]]
INSTANCE = re.compile(r"(?<![\w-])(?:ws-[a-z]*(\d+)|workshop)(?![\w-])")
"""A helper's name in a path or an environment: a suite's has the number of its process in it."""


def is_anothers(text: str) -> bool:
    """True where this bears the name of a helper that is not this suite's."""
    return any(found[1] != str(os.getpid()) for found in INSTANCE.finditer(text))


def census() -> Census:
    """Mounts, cgroups, links, System V objects, processes and some folders of the whole machine, as countable names."""
    return {
        "mounts": _mounts(),
        "cgroups": _cgroups(),
        "links": Counter(path.name for path in Path("/sys/class/net").iterdir() if not is_anothers(path.name)),
        "ipc": _ipc(),
        "processes": _processes(),
        "folders": _folders(),
    }


def left_behind(before: Census, after: Census) -> dict[str, list[str]]:
    """What is there after and was not before, by kind; {} where nothing is."""
    found = {kind: sorted((after[kind] - before[kind]).elements()) for kind in after}
    return {kind: names for kind, names in found.items() if names}


def taken_away(before: Census, after: Census) -> dict[str, list[str]]:
    """What was there before and is not after, by kind; processes may end by themselves."""
    return {kind: names for kind, names in left_behind(after, before).items() if kind != "processes"}


def left_in_the_end(before: Census, seconds: float = 10) -> dict[str, list[str]]:
    """What stays behind: the helper sweeps after its clients have gone, and no event tells of the last thing's end."""
    end = time.monotonic() + seconds
    while (left := left_behind(before, census())) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def _mounts() -> Counter[str]:
    """Mounts of the initial mount namespace, without their numbers, which the kernel gives out anew."""
    lines = Path("/proc/1/mountinfo" if os.getuid() == 0 else "/proc/self/mountinfo").read_text().splitlines()
    return Counter(" ".join(line.split()[3:]) for line in lines if not is_anothers(line))


def _cgroups() -> Counter[str]:
    """Every cgroup directory, but those of the machine's own services, which come and go."""
    found = [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if not folder.startswith("/sys/fs/cgroup/memory/process")]
    return Counter(one for one in found if "system.slice" not in one and "user.slice" not in one and not is_anothers(one))


def _folders() -> Counter[str]:
    """What stands in this user's real home directory, and the helpers' own directories, whatever their instance is called."""
    home = [*Path(getpwuid(os.getuid()).pw_dir).iterdir()]
    helpers = [*Path("/run").glob("ws-*"), *Path("/var/lib").glob("ws-*")]
    return Counter(map(str, [*home, *(path for path in helpers if not is_anothers(path.name))]))


def _ipc() -> Counter[str]:
    lines = [(kind, line.split()) for kind in ("msg", "shm", "sem") for line in _lines(Path(f"/proc/sysvipc/{kind}"))]
    return Counter(f"{kind} {words[1]}" for kind, words in lines if words and words[1].isdigit())


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def _processes() -> Counter[str]:
    """Programs of a suite or in a container; no zombies, which a machine's PID 1 may reap late.

    Every program that a test starts inherits the variable that names the helper's instance; others are the machine's own.
    """
    found = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return Counter(name for name in map(_program, found) if name)


def _program(folder: Path) -> str:
    try:
        state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
        words = (folder / "cmdline").read_bytes().split(b"\0")
        environment = (folder / "environ").read_bytes().decode("utf-8", "replace")
        whose = " ".join(one for one in environment.split("\0") if one.startswith(("WORKSHOP_INSTANCE=", "container=box-")))
        groups = (folder / "cgroup").read_text()
        contained = (folder / "ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
    if not (whose or contained) or is_anothers(whose.replace("box-", "box ")) or is_anothers(groups):
        return ""
    return "" if state in "ZX" else b" ".join(words).decode("utf-8", "replace").strip()
