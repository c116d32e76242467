"""What this machine can and can't do, why, and the fix: readings of `machine` judged by pure functions."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.cells import set_cell_size

from ..course import Library, load_library
from ..engines import Choice
from ..facts import KINDS, Facts, Host, Namespaces
from ..judging import REQUIREMENTS
from ..words import clean, say, size
from .readings import Readings, read

PACKAGES = {"busybox": "busybox-static", "ip": "iproute2", "ps": "procps", "vim": "vim"}
"""Debian's package of a program; of the others it is util-linux."""
REFUSING = {
    "user.max_user_namespaces": ("0", "user_namespaces_none_allowed"),
    "kernel.unprivileged_userns_clone": ("0", "user_namespaces_root_only"),
    "kernel.apparmor_restrict_unprivileged_userns": ("1", "user_namespaces_apparmor"),
}
"""The value of each setting that keeps ordinary users from using a user namespace, and what that is called here."""
INDENT = " " * 26
FEW = 3
"""Steps that are named one by one."""
FIRST_YEAR = 2026
"""In which this workshop was made."""
SMALLEST_TERMINAL = (80, 24)
SMALLEST_DISK = 200_000_000
OLDEST_KERNEL = (5, 10)
"""The oldest that Debian supports; pidfds, on which facts rest, came with 5.3 (pidfd_open(2))."""


@dataclass(frozen=True)
class Finding:
    """One thing found. `state` is ok, limited (something is not possible here) or missing (nothing is possible).

    Its text is `doctor.<slug>`, and where it is not ok the fix is `doctor.<slug>_fix`; in the area `lessons`, the slug is a
    requirement's name and both texts are those of the requirement, and in the area `progress` they are in progress.toml.
    """

    area: str
    state: str
    slug: str
    values: dict[str, str | int] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    """Those that it makes impossible, as `lesson/step`; for the area `lessons` only."""


@dataclass(frozen=True)
class Report:
    """The readings and what follows from them."""

    machine: Readings
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """True where lessons can be done here, be it not all of them."""
        return all(one.state != "missing" for one in self.findings)


def examine() -> Report:
    """This machine, as it is now: reads for up to a few seconds, changes nothing."""
    return judge(read(), needing(load_library()))


def needing(library: Library) -> dict[str, tuple[str, ...]]:
    """Each requirement, and the steps that have it, as `lesson/step`."""
    steps = [step for lesson in library.lessons for step in lesson.steps]
    return {name: tuple(step.where for step in steps if name in step.requires) for name in REQUIREMENTS}


def judge(machine: Readings, steps: Mapping[str, tuple[str, ...]]) -> Report:
    """What follows from the readings; `steps` says which need each requirement. Pure."""
    found = [finding for examined in _EXAMINED for finding in examined(machine)]
    return Report(machine, (*found, *_lessons(machine, steps)))


def _python(machine: Readings) -> Iterator[Finding]:
    yield Finding("python", "ok", "python_ok", {"version": machine.python})


def _kernel(machine: Readings) -> Iterator[Finding]:
    values: dict[str, str | int] = {"release": machine.kernel, "architecture": machine.architecture}
    old = _number(machine.kernel) < OLDEST_KERNEL
    yield Finding("kernel", "limited" if old else "ok", "kernel_old" if old else "kernel_ok", values)


def _number(release: str) -> tuple[int, ...]:
    """`6.1.0-18-amd64` as (6, 1)."""
    return tuple(int(part) for part in release.partition("-")[0].split(".")[:2] if part.isdigit())


def _namespaces(machine: Readings) -> Iterator[Finding]:
    absent = [name for name in KINDS if name not in machine.namespaces]
    if absent:
        yield Finding("namespaces", "limited", "namespaces_absent", {"names": ", ".join(absent)})
    else:
        yield Finding("namespaces", "ok", "namespaces_ok", {"names": ", ".join(KINDS)})


def _cgroups(machine: Readings) -> Iterator[Finding]:
    named = {version: _controllers(machine, version) for version in (1, 2)}
    values: dict[str, str | int] = {"v1": ", ".join(named[1]) or "-", "v2": ", ".join(named[2]) or "-"}
    if not machine.hierarchies:
        yield Finding("cgroups", "limited", "cgroups_none")
    elif "cpu" not in named[1] + named[2]:
        yield Finding("cgroups", "limited", "cgroups_no_cpu", values)
    elif "cpu" in named[2]:
        yield Finding("cgroups", "ok", "cgroups_v2", values)
    else:
        yield Finding("cgroups", "ok", "cgroups_v1", values)


def _controllers(machine: Readings, version: int) -> list[str]:
    """What can be limited in the trees of a version; a named tree, such as systemd's, controls nothing."""
    all_named = (name for one in machine.hierarchies if one.version == version for name in one.controllers)
    return [name for name in all_named if not name.startswith("name=")]


def _user_namespaces(machine: Readings) -> Iterator[Finding]:
    if not machine.user_namespace_refused:
        yield Finding("user_namespaces", "ok", "user_namespaces_ok")
    elif setting := _refusing(machine):
        yield Finding("user_namespaces", "limited", REFUSING[setting][1])
    else:
        yield Finding("user_namespaces", "limited", "user_namespaces_refused", {"reason": machine.user_namespace_refused})


def _refusing(machine: Readings) -> str:
    """The setting that keeps ordinary users from using a user namespace, '' where none does."""
    return next((name for name, (value, _) in REFUSING.items() if machine.settings.get(name) == value), "")


def _overlay(machine: Readings) -> Iterator[Finding]:
    """A helper of root's mounts a box's root as root; a user's own must do it in a user namespace."""
    if "overlay" not in machine.filesystems:
        yield Finding("overlay", "limited", "overlay_absent")
    elif machine.root or machine.helper == "root" or machine.user_namespace_refused or not machine.overlay_refused:
        yield Finding("overlay", "ok", "overlay_ok")
    else:
        yield Finding("overlay", "limited", "overlay_refused", {"reason": machine.overlay_refused})


def _helper(machine: Readings) -> Iterator[Finding]:
    if machine.helper == "root":
        yield Finding("helper", "ok", "helper_root")
    elif machine.root:
        yield Finding("helper", "ok", "helper_starts_as_root")
    elif machine.helper == "own":
        yield Finding("helper", "limited", "helper_own")
    elif machine.user_namespace_refused:
        yield Finding("helper", "missing", "helper_impossible")
    else:
        yield Finding("helper", "limited", "helper_not_installed")


def _chosen(machine: Readings) -> Iterator[Finding]:
    """Its sentence is the choice's own."""
    yield Finding("chosen", "ok", machine.chosen.why, dict(machine.chosen.values))


def _engines(machine: Readings) -> Iterator[Finding]:
    yield Finding("engines", "ok", "engine_box")
    for engine in machine.engines:
        values: dict[str, str | int] = {"name": engine.name, "version": engine.version, "reason": engine.trouble}
        if engine.trouble and engine.name == "runc" and not machine.root:
            yield Finding("engines", "ok", "engine_for_root", values)
        elif engine.trouble:
            yield Finding("engines", "limited", "engine_unusable", values)
        else:
            yield Finding("engines", "ok", "engine_ok", values)


def _lsms(machine: Readings) -> Iterator[Finding]:
    if machine.lsms:
        yield Finding("security", "ok", "lsms_ok", {"names": ", ".join(machine.lsms)})
    else:
        yield Finding("security", "ok", "lsms_unknown")


def _programs(machine: Readings) -> Iterator[Finding]:
    if machine.absent:
        packages = dict.fromkeys(PACKAGES.get(name, "util-linux") for name in machine.absent)
        values: dict[str, str | int] = {"names": ", ".join(machine.absent), "packages": " ".join(packages)}
        yield Finding("programs", "limited", "programs_absent", values)
    else:
        yield Finding("programs", "ok", "programs_ok")


def _terminal(machine: Readings) -> Iterator[Finding]:
    values: dict[str, str | int] = {"columns": machine.columns, "rows": machine.rows}
    if not machine.columns:
        yield Finding("terminal", "ok", "terminal_none")
    elif machine.columns < SMALLEST_TERMINAL[0] or machine.rows < SMALLEST_TERMINAL[1]:
        yield Finding("terminal", "limited", "terminal_small", values)
    else:
        yield Finding("terminal", "ok", "terminal_ok", values)
    yield Finding("terminal", "ok", "colours_ok" if machine.colours else "colours_none")
    utf8 = machine.encoding.replace("-", "").upper() == "UTF8"
    yield Finding(
        "terminal", "ok" if utf8 else "limited", "encoding_ok" if utf8 else "encoding_other", {"name": machine.encoding}
    )
    yield Finding("terminal", "ok" if machine.emulator else "limited", "emulator_ok" if machine.emulator else "emulator_absent")


def _clock(machine: Readings) -> Iterator[Finding]:
    """A clock that is behind this workshop's making is wrong; one that is ahead nobody can tell."""
    now = datetime.fromtimestamp(machine.clock, UTC)
    wrong = now.year < FIRST_YEAR
    yield Finding("clock", "limited" if wrong else "ok", "clock_wrong" if wrong else "clock_ok", {"time": f"{now:%F %R}"})


def _progress(machine: Readings) -> Iterator[Finding]:
    if machine.unsaved:
        yield Finding("progress", "limited", machine.unsaved, dict(machine.unsaved_values))
    else:
        yield Finding("progress", "ok", "can_be_kept", {"path": machine.progress})


def _disk(machine: Readings) -> Iterator[Finding]:
    low = machine.disk < SMALLEST_DISK
    yield Finding("disk", "limited" if low else "ok", "disk_low" if low else "disk_ok", {"free": size(machine.disk)})


def _lessons(machine: Readings, steps: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    """What steps require, by the same predicates that judge a step `impossible here`; what no step requires is no lack."""
    time = 1 if "time" in machine.namespaces else 0  # which number it has does not matter
    facts = Facts(
        Host(
            Namespaces(time=time),
            kernel=machine.kernel,
            processors=machine.processors,
            hierarchies=machine.hierarchies,
            no_user_namespaces=machine.user_namespace_refused,
        ),
        complete=machine.root or machine.helper == "root",
        caller=0 if machine.root else 1,  # which one it is does not matter
        virtual=machine.virtual,
        programs=machine.programs,
    )
    absent = [name for name, needed_by in steps.items() if needed_by and not REQUIREMENTS[name](facts)]
    if not absent:
        yield Finding("lessons", "ok", "lessons_ok")
    for name in absent:
        yield Finding("lessons", "limited", name, steps=steps[name])


_EXAMINED: tuple[Callable[[Readings], Iterator[Finding]], ...] = (
    _python, _kernel, _namespaces, _cgroups, _user_namespaces, _overlay, _helper, _engines, _chosen, _lsms, _programs, _terminal,
    _progress, _disk, _clock,
)  # fmt: skip


def render(report: Report, language: str) -> str:
    """The report for people: a line a finding, and the fix under each that is not ok. No colour, no markup."""
    lines = [line for finding in report.findings for line in _lines(finding, language)]
    lines += ["", say(language, "doctor.usable" if report.usable else "doctor.unusable")]
    return "\n".join(lines)


def _lines(finding: Finding, language: str) -> Iterator[str]:
    state = set_cell_size(say(language, f"doctor.state_{finding.state}"), 8)
    area = set_cell_size(say(language, f"doctor.area_{finding.area}"), 16)
    yield f"{state} {area} {_sentence(finding, finding.slug, language)}"
    if finding.state != "ok":
        yield INDENT + say(language, "doctor.fix", fix=_sentence(finding, f"{finding.slug}_fix", language))
    if finding.steps:
        yield INDENT + say(language, "doctor.steps", steps=_counted(finding.steps))


def _counted(steps: tuple[str, ...]) -> str:
    """Steps by name where they are few, else how many in each lesson."""
    if len(steps) <= FEW:
        return ", ".join(steps)
    lessons = Counter(where.partition("/")[0] for where in steps)
    return ", ".join(f"{lesson} ({count})" for lesson, count in lessons.items())


def _sentence(finding: Finding, key: str, language: str) -> str:
    if finding.area == "chosen":
        return Choice(finding.slug, finding.values).reason(language)
    area = "progress" if finding.area == "progress" else "requirements" if finding.slug in REQUIREMENTS else "doctor"
    return clean(say(language, f"{area}.{key}", **finding.values))


def as_json(report: Report) -> str:
    """The report for programs: `usable`, `findings` with English texts, and the readings."""
    findings = [
        {
            **dataclasses.asdict(one),
            "text": _sentence(one, one.slug, "en"),
            "fix": "" if one.state == "ok" else _sentence(one, f"{one.slug}_fix", "en"),
        }
        for one in report.findings
    ]
    whole = {"usable": report.usable, "findings": findings, "machine": dataclasses.asdict(report.machine)}
    return json.dumps(whole, ensure_ascii=False, indent=2)
