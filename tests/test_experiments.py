"""Experiments on the real machine: what they come to, and that nothing of them is left, also when they are stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workshop.client.connection import Client
from workshop.client.sight.hypervisor import find
from workshop.client.sight.observer import Observer
from workshop.facts import Measured, Virtual
from workshop.learning.experiments import ExperimentError, Surroundings
from workshop.learning.experiments.programs import heard, running
from workshop.learning.experiments.run import EXPERIMENTS, ExperimentRun
from workshop.learning.experiments.start_times import boot_command
from workshop.protocol import List
from workshop.words.language import words

pytestmark = pytest.mark.usefixtures("helper")


@pytest.fixture
def surroundings() -> Iterator[Surroundings]:
    observer = Observer()
    yield Surroundings("box", observer, find())
    observer.close()


def boxes() -> int:
    """How many boxes there are, ended ones too."""
    with Client.connect() as client:
        return len(client.ask(List(all=True)).value.containers)


def result(run: ExperimentRun) -> Measured:
    """The result of a run that nobody stops."""
    found = run.complete()
    assert found is not None
    return found


@pytest.mark.root
def test_a_container_starts_slower_than_a_process_and_much_of_it_is_the_command(surroundings: Surroundings) -> None:
    """Each is started 20 times; the medians are in the order in which more has to be done."""
    run = ExperimentRun("start_times", surroundings)
    found = result(run)
    assert run.done == run.expected == 60
    medians = {one.name: one.median for one in found.series}
    assert 0 < medians["process"] < medians["engine"] < medians["container"] < 60
    assert {len(one.values) for one in found.series} == {20}
    assert boxes() == 0


@pytest.mark.root
def test_each_of_ten_containers_is_charged_for_its_own_memory(surroundings: Surroundings) -> None:
    """Ten values, each less than a hundredth of what a virtual machine wants, and no container afterwards."""
    (memory,) = result(ExperimentRun("density", surroundings)).series
    assert (memory.name, memory.unit, len(memory.values)) == ("container", "bytes", 10)
    assert 0 < memory.median < 16 << 20
    assert boxes() == 0


@pytest.mark.root
def test_a_stopped_experiment_leaves_nothing(surroundings: Surroundings) -> None:
    """Stopped in its middle it ends at once, tells no result, and its containers are gone."""
    run = ExperimentRun("density", surroundings)
    while run.done < 3:
        assert run.go_on()
    assert boxes() == 3
    run.stop()
    assert run.complete() is None
    assert boxes() == 0
    assert not run.go_on()


def test_a_command_that_fails_is_told_with_what_it_said() -> None:
    """The learner sees the command and its last line, not a traceback."""
    with running(["sh", "-c", "echo one; echo two"]) as process, pytest.raises(ExperimentError) as caught:
        list(heard(process, b"three"))
    assert caught.value.values == {"command": "sh -c echo one; echo two", "reason": "two"}
    with pytest.raises(ExperimentError) as caught, running(["/no/such/program"]):
        pass
    assert caught.value.slug == "not_started"


def test_a_silent_program_is_given_up_and_killed() -> None:
    """One that never speaks counts as failed after a while, and does not live on."""
    with running(["sleep", "60"]) as process, pytest.raises(ExperimentError) as caught:
        list(heard(process, b"word", patience=0.2))
    assert caught.value.slug == "too_slow"
    assert process.returncode is not None


def test_a_virtual_machine_can_be_booted_with_an_emulator_and_a_readable_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emulator is that of this processor, the kernel the newest; what is not here is told by an empty text."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find(tmp_path) == Virtual()
    emulator = tmp_path / f"qemu-system-{os.uname().machine}"
    emulator.touch(0o755)
    for number, name in enumerate(("vmlinuz-5.10", "vmlinuz-6.1")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (number, number))
    assert find(tmp_path) == Virtual(str(emulator), str(tmp_path / "vmlinuz-6.1"))


def test_a_virtual_machine_is_timed_until_its_kernel_looks_for_a_program(tmp_path: Path) -> None:
    """Where the processor can't help, the emulated machine is measured; a stand-in for qemu says what a kernel says."""
    stand_in = tmp_path / "qemu"
    stand_in.write_text('#!/bin/sh\ncase "$2" in kvm) exit 1;; esac\necho "Kernel panic - not syncing: VFS"\nexec sleep 60\n')
    stand_in.chmod(0o755)
    began = time.monotonic()
    found = result(
        ExperimentRun("vm_start", Surroundings("box", lambda _: pytest.fail("it looks at nothing"), Virtual(str(stand_in), "k")))
    )
    assert time.monotonic() - began < 30
    assert [(one.name, one.unit, len(one.values)) for one in found.series] == [
        ("vm_tcg", "seconds", 3),
        ("vm_memory_tcg", "bytes", 3),
    ]


def test_a_booted_machine_has_no_disk_and_no_network() -> None:
    """It is given a processor, memory and a serial line, and is still there to be weighed when its kernel gives up."""
    command = boot_command(Virtual("qemu", "/boot/vmlinuz"), "tcg")
    assert {"-nodefaults", "-no-reboot"} < set(command)
    assert "panic=0" in command[-1].split()
    assert not {"-drive", "-hda", "-netdev", "-nic"} & set(command)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_measured_has_a_name(language: str) -> None:
    """Every series that an experiment yields has its label."""
    series = {"process", "engine", "container", *(f"vm_{kind}{way}" for kind in ("", "memory_") for way in ("kvm", "tcg"))}
    assert {f"series_{one}" for one in series} <= words(language, "experiments").keys()
    assert set(EXPERIMENTS) == {"density", "start_times", "vm_start"}
