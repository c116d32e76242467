"""The doctor: what a machine lacks is named with a fix, and readings are those of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from workshop.course.library import load_library
from workshop.facts import KINDS, Facts, Hierarchy, Host, Virtual
from workshop.judging.requirements import REQUIREMENTS, missing
from workshop.setup.doctor import Report, as_json, examine, judge, needing, render
from workshop.setup.readings import Engine, Readings, filesystems
from workshop.words.language import words

HEALTHY = Readings(
    python="3.11.2",
    kernel="6.12.48-amd64",
    architecture="x86_64",
    namespaces=KINDS,
    hierarchies=(Hierarchy(2, ("cpuset", "cpu", "io", "memory", "pids"), "/sys/fs/cgroup"),),
    settings={"user.max_user_namespaces": "15000"},
    filesystems=("proc", "overlay"),
    lsms=("capability", "apparmor"),
    helper="root",
    columns=80,
    rows=24,
    encoding="UTF-8",
    disk=10**10,
    clock=1.8e9,
    programs=("busybox", "curl", "docker-registry", "lxc-start", "runc"),
    virtual=Virtual("/usr/bin/qemu-system-x86_64", "/boot/vmlinuz-6.12.48-amd64"),
)

STEPS = needing(load_library())


def states(report: Report) -> dict[str, str]:
    """State by slug."""
    return {one.slug: one.state for one in report.findings}


def test_healthy_machine_lacks_only_the_other_cgroup_version() -> None:
    """On a current distribution with the helper installed, only what version 1 shows, and what root alone may do, is lacking."""
    report = judge(HEALTHY, STEPS)
    assert report.usable
    lacking = {slug for slug, state in states(report).items() if state != "ok"}
    assert lacking == {name for name in ("cpu_controller_v1", "cgroup_v1", "devices_controller", "root_learner") if STEPS[name]}


def test_an_ordinary_user_learns_which_steps_only_root_may_do() -> None:
    """They are named by lesson, and root lacks nothing there; that runc is root's alone is no lack."""
    runc = Engine("runc", "1.1.5", "mkdir /run/runc: permission denied")
    report = judge(replace(HEALTHY, engines=(runc,)), STEPS)
    lack = next(one for one in report.findings if one.slug == "root_learner")
    assert "lxc/create" in lack.steps
    assert states(report)["engine_for_root"] == "ok"
    assert "root_learner" not in states(judge(replace(HEALTHY, root=True), STEPS))


def test_a_file_system_that_the_kernel_loads_when_needed_is_there(tmp_path: Path) -> None:
    """Debian's overlay is a module that the first mount loads: no limit, although the kernel does not name it yet."""
    module = tmp_path / "kernel/fs/overlayfs/overlay.ko.xz"
    module.parent.mkdir(parents=True)
    known = filesystems("nodev\tproc\n\text4\n", tmp_path)
    module.touch()
    assert (known, filesystems("nodev\tproc\n\text4\n", tmp_path)) == (("proc", "ext4"), ("proc", "ext4", "overlay"))


LIMITS = {
    "kernel_old": replace(HEALTHY, kernel="4.19.0"),
    "namespaces_absent": replace(HEALTHY, namespaces=("mnt", "pid")),
    "cgroups_none": replace(HEALTHY, hierarchies=()),
    "cgroups_no_cpu": replace(HEALTHY, hierarchies=(Hierarchy(2, ("hugetlb",), "/sys/fs/cgroup"),)),
    "user_namespaces_none_allowed": replace(
        HEALTHY, user_namespace_refused="no space", settings={"user.max_user_namespaces": "0"}
    ),
    "user_namespaces_root_only": replace(
        HEALTHY, user_namespace_refused="not permitted", settings={"kernel.unprivileged_userns_clone": "0"}
    ),
    "user_namespaces_apparmor": replace(
        HEALTHY, user_namespace_refused="denied", settings={"kernel.apparmor_restrict_unprivileged_userns": "1"}
    ),
    "user_namespaces_refused": replace(HEALTHY, user_namespace_refused="not permitted"),
    "overlay_absent": replace(HEALTHY, filesystems=()),
    "helper_own": replace(HEALTHY, helper="own"),
    "helper_not_installed": replace(HEALTHY, helper=""),
    "engine_unusable": replace(HEALTHY, engines=(Engine("docker", "28.2.2", "no daemon"),)),
    "programs_absent": replace(HEALTHY, absent=("vim",)),
    "terminal_small": replace(HEALTHY, columns=79),
    "encoding_other": replace(HEALTHY, encoding="ANSI_X3.4-1968"),
    "emulator_absent": replace(HEALTHY, emulator=False),
    "disk_low": replace(HEALTHY, disk=10**6),
    "locked": replace(HEALTHY, unsaved="locked", unsaved_values={"path": "/p.sqlite", "reason": "database is locked"}),
    "clock_wrong": replace(HEALTHY, clock=0.0),
    "overlay_refused": replace(HEALTHY, helper="own", overlay_refused="mount: operation not permitted"),
    "registry": replace(HEALTHY, programs=("busybox", "lxc-start", "runc")),
}


@pytest.mark.parametrize("slug", LIMITS)
def test_a_limit_is_named_and_the_rest_goes_on(slug: str) -> None:
    """Each thing that can be amiss is a limit with its own name; the workshop can still be used."""
    report = judge(LIMITS[slug], STEPS)
    assert states(report)[slug] == "limited"
    assert report.usable


def test_a_lack_names_the_steps_that_it_makes_impossible() -> None:
    """Few are named, many are counted by lesson; they are those that the lessons' own files say."""
    report = judge(LIMITS["registry"], STEPS)
    lack = next(one for one in report.findings if one.slug == "registry")
    assert "architecture/push_layer" in lack.steps
    assert f"impossible until then: architecture ({len(lack.steps)})" in render(report, "en")
    few = judge(LIMITS["registry"], {"registry": ("mine/one", "mine/two")})
    assert "impossible until then: mine/one, mine/two" in render(few, "en")


def test_what_no_step_requires_is_no_lack() -> None:
    """A requirement that nothing here has is not reported."""
    assert "registry" not in states(judge(LIMITS["registry"], {"registry": ()}))


def test_no_way_to_make_a_container_is_unusable() -> None:
    """Without a helper, without root and without user namespaces nothing can be done, and the report says so."""
    report = judge(replace(HEALTHY, helper="", user_namespace_refused="not permitted"), STEPS)
    assert states(report)["helper_impossible"] == "missing"
    assert not report.usable


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("slug", [*LIMITS, "healthy"])
def test_every_finding_has_words_and_every_trouble_a_fix(slug: str, language: str) -> None:
    """A report shows a sentence for every finding and what to do about each that is not ok, with every value filled in."""
    report = judge(LIMITS.get(slug, HEALTHY), STEPS)
    lines = render(report, language).splitlines()
    troubles = [one for one in report.findings if one.state != "ok"]
    told = len(troubles) + sum(bool(one.steps) for one in troubles)
    assert len(lines) == len(report.findings) + told + 2
    assert sum(line.startswith(" " * 26) for line in lines) == told
    assert "{" not in render(report, language)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_requirement_has_a_reason_and_a_fix(language: str) -> None:
    """Whatever makes a step impossible here has a sentence why, and one that says what to do."""
    assert words(language, "requirements").keys() == {key for name in REQUIREMENTS for key in (name, f"{name}_fix")}


def test_control_characters_of_other_programs_are_not_shown() -> None:
    """What an engine printed is shown without escapes."""
    told = render(judge(replace(HEALTHY, engines=(Engine("podman", "\x1b[2J5", "\u202ebad"),)), STEPS), "en")
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_this_machine_is_read_as_it_is() -> None:
    """The readings are the kernel's: its release, its namespaces, its control groups, and whether we are root."""
    machine = examine().machine
    assert machine.kernel == os.uname().release
    assert set(machine.namespaces) == {path.name for path in Path("/proc/self/ns").iterdir() if path.name in KINDS}
    assert machine.root == (os.geteuid() == 0)
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines() if " cgroup" in line]
    assert [one.mounted for one in machine.hierarchies] == [target for target in mounted if Path(target).is_dir()]


def test_json_holds_readings_findings_and_the_answer() -> None:
    """Programs get the same report: usable or not, each finding with text and fix, and every reading."""
    told = json.loads(as_json(judge(LIMITS["overlay_absent"], STEPS)))
    assert told["usable"] is True
    found = next(one for one in told["findings"] if one["slug"] == "overlay_absent")
    assert found["fix"] == "sudo modprobe overlay"
    assert told["machine"].keys() == {one.name for one in fields(Readings)}


def test_command_exits_0_where_the_workshop_works() -> None:
    """`workshop doctor --json` prints one object, and its exit status says whether the machine can be used."""
    command = [sys.executable, "-c", "from workshop.cli import main; main()", "doctor", "--json"]
    ran = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert ran.returncode == (0 if json.loads(ran.stdout)["usable"] else 1)


@pytest.mark.root
@pytest.mark.others
@pytest.mark.parametrize("home", ["/nowhere", "/"])
def test_where_progress_cannot_be_kept_is_named(home: str) -> None:
    """An ordinary user without a home of their own is told so, and not that a disk which is none has no room."""
    command = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", sys.executable, "-c"]
    command += ["from workshop.cli import main; main()", "doctor", "--json"]
    environment = {name: value for name, value in os.environ.items() if name not in ("WORKSHOP_PROGRESS", "XDG_DATA_HOME")}
    ran = subprocess.run(command, env={**environment, "HOME": home}, capture_output=True, text=True, check=False)
    told = json.loads(ran.stdout)
    finding = next(one for one in told["findings"] if one["area"] == "progress")
    assert (finding["state"], finding["slug"]) == ("limited", "no_directory")
    assert f"{home.rstrip('/')}/.local/share/container-workshop" in finding["text"]
    assert told["machine"]["disk"] > 0


def test_where_progress_can_be_kept_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is well where the file, or the directory that is to be made, can be written and locked; neither is made by looking."""
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "below" / "p.sqlite"))
    report = examine()
    assert f"It can be kept in {tmp_path}/below/p.sqlite." in render(report, "en")
    assert list(tmp_path.iterdir()) == []


def test_a_machine_with_one_processor_can_not_do_what_needs_two() -> None:
    """Holding a container to one of several processors is impossible where there is one, and possible where nobody counted."""
    assert [missing(("two_processors",), Facts(host=Host(processors=count))) for count in (0, 1, 2)] == ["", "two_processors", ""]
