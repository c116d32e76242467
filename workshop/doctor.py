"""What this machine can and can't do, why, and the fix: readings of `machine` judged by pure functions."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rich.cells import set_cell_size

from .engine import Choice
from .facts import KINDS, Facts, Host, Namespaces
from .language import say
from .machine import Machine, read
from .requirements import REQUIREMENTS

PACKAGES = {"busybox": "busybox-static", "ip": "iproute2", "ps": "procps", "vim": "vim"}
"""Debian's package of a program; of the others it is util-linux."""
SMALLEST_TERMINAL = (80, 24)
SMALLEST_DISK = 200_000_000
OLDEST_KERNEL = (5, 10)
"""The oldest that Debian supports; pidfds, on which facts rest, came with 5.3 (pidfd_open(2))."""


@dataclass(frozen=True)
class Finding:
    """One thing found. `state` is ok, limited (something is not possible here) or missing (nothing is possible).

    Its text is `doctor.<slug>`, and where it is not ok the fix is `doctor.<slug>_fix`; in the area `lessons`, the slug is a
    requirement's name and both texts are those of the requirement.
    """

    area: str
    state: str
    slug: str
    values: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """The readings and what follows from them."""

    machine: Machine
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """True where lessons can be done here, be it not all of them."""
        return all(one.state != "missing" for one in self.findings)


def examine() -> Report:
    """This machine, as it is now: reads for up to a few seconds, changes nothing."""
    return judge(read())


def judge(machine: Machine) -> Report:
    """What follows from the readings. Pure."""
    return Report(machine, tuple(finding for examined in _EXAMINED for finding in examined(machine)))


def _python(machine: Machine) -> Iterator[Finding]:
    yield Finding("python", "ok", "python_ok", {"version": machine.python})


def _kernel(machine: Machine) -> Iterator[Finding]:
    values: dict[str, str | int] = {"release": machine.kernel, "architecture": machine.architecture}
    old = _number(machine.kernel) < OLDEST_KERNEL
    yield Finding("kernel", "limited" if old else "ok", "kernel_old" if old else "kernel_ok", values)


def _number(release: str) -> tuple[int, ...]:
    """`6.1.0-18-amd64` as (6, 1)."""
    return tuple(int(part) for part in release.partition("-")[0].split(".")[:2] if part.isdigit())


def _namespaces(machine: Machine) -> Iterator[Finding]:
    absent = [name for name in KINDS if name not in machine.namespaces]
    if absent:
        yield Finding("namespaces", "limited", "namespaces_absent", {"names": ", ".join(absent)})
    else:
        yield Finding("namespaces", "ok", "namespaces_ok", {"names": ", ".join(KINDS)})


def _cgroups(machine: Machine) -> Iterator[Finding]:
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


def _controllers(machine: Machine, version: int) -> list[str]:
    return [name for one in machine.hierarchies if one.version == version for name in one.controllers]


def _user_namespaces(machine: Machine) -> Iterator[Finding]:
    if not machine.user_namespace_refused:
        yield Finding("user_namespaces", "ok", "user_namespaces_ok")
    elif machine.settings.get("user.max_user_namespaces") == "0":
        yield Finding("user_namespaces", "limited", "user_namespaces_none_allowed")
    elif machine.settings.get("kernel.unprivileged_userns_clone") == "0":
        yield Finding("user_namespaces", "limited", "user_namespaces_root_only")
    elif machine.settings.get("kernel.apparmor_restrict_unprivileged_userns", "0") != "0":
        yield Finding("user_namespaces", "limited", "user_namespaces_apparmor")
    else:
        yield Finding("user_namespaces", "limited", "user_namespaces_refused", {"reason": machine.user_namespace_refused})


def _overlay(machine: Machine) -> Iterator[Finding]:
    there = "overlay" in machine.filesystems
    yield Finding("overlay", "ok" if there else "limited", "overlay_ok" if there else "overlay_absent")


def _helper(machine: Machine) -> Iterator[Finding]:
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


def _chosen(machine: Machine) -> Iterator[Finding]:
    """Its sentence is the choice's own."""
    yield Finding("chosen", "ok", machine.chosen.why, dict(machine.chosen.values))


def _engines(machine: Machine) -> Iterator[Finding]:
    yield Finding("engines", "ok", "engine_box")
    for engine in machine.engines:
        values: dict[str, str | int] = {"name": engine.name, "version": engine.version, "reason": engine.trouble}
        if engine.trouble:
            yield Finding("engines", "limited", "engine_unusable", values)
        else:
            yield Finding("engines", "ok", "engine_ok", values)


def _lsms(machine: Machine) -> Iterator[Finding]:
    if machine.lsms:
        yield Finding("security", "ok", "lsms_ok", {"names": ", ".join(machine.lsms)})
    else:
        yield Finding("security", "ok", "lsms_unknown")


def _programs(machine: Machine) -> Iterator[Finding]:
    if machine.absent:
        packages = dict.fromkeys(PACKAGES.get(name, "util-linux") for name in machine.absent)
        values: dict[str, str | int] = {"names": ", ".join(machine.absent), "packages": " ".join(packages)}
        yield Finding("programs", "limited", "programs_absent", values)
    else:
        yield Finding("programs", "ok", "programs_ok")


def _terminal(machine: Machine) -> Iterator[Finding]:
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


def _disk(machine: Machine) -> Iterator[Finding]:
    low = machine.disk < SMALLEST_DISK
    yield Finding("disk", "limited" if low else "ok", "disk_low" if low else "disk_ok", {"megabytes": machine.disk // 1_000_000})


def _lessons(machine: Machine) -> Iterator[Finding]:
    """What steps require, by the same predicates that judge a step `impossible here`."""
    time = 1 if "time" in machine.namespaces else 0  # which number it has does not matter
    facts = Facts(
        Host(
            Namespaces(time=time),
            kernel=machine.kernel,
            hierarchies=machine.hierarchies,
            no_user_namespaces=machine.user_namespace_refused,
        ),
        complete=machine.root or machine.helper == "root",
        virtual=machine.virtual,
        programs=machine.programs,
    )
    absent = [name for name, there in REQUIREMENTS.items() if not there(facts)]
    if not absent:
        yield Finding("lessons", "ok", "lessons_ok")
    for name in absent:
        yield Finding("lessons", "limited", name)


_EXAMINED: tuple[Callable[[Machine], Iterator[Finding]], ...] = (
    _python, _kernel, _namespaces, _cgroups, _user_namespaces, _overlay, _helper, _engines, _chosen, _lsms, _programs, _terminal,
    _disk, _lessons,
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
        yield " " * 26 + say(language, "doctor.fix", fix=_sentence(finding, f"{finding.slug}_fix", language))


def _sentence(finding: Finding, key: str, language: str) -> str:
    if finding.area == "chosen":
        return Choice(finding.slug, finding.values).reason(language)
    area = "requirements" if finding.slug in REQUIREMENTS else "doctor"
    text = say(language, f"{area}.{key}", **finding.values)
    return "".join(character for character in text if character.isprintable())


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
