"""The stack of layers and the roots above one kernel, as text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from workshop.facts import Container, Facts, Host, Image, Mount, Namespaces, Process, Root, Written
from workshop.pictures.layers import bootfs, layer_stack
from workshop.words import LANGUAGES

BASE, NEW = "5f9510e1fc76", "d57cbe61cc44"
IMAGES = (
    Image("busybox:latest", "sha256:1", (f"sha256:{BASE}aa",)),
    Image("mine:1", "sha256:2", (f"sha256:{BASE}aa", f"sha256:{NEW}bb")),
)


def stacked(name: str, number: int, *layers: str, written: tuple[Written, ...] = ()) -> Container:
    """A container of these layers, the topmost first."""
    root = Mount("/", "overlay", "overlay", ("rw", f"lowerdir={':'.join(layers)}", "upperdir=upper"))
    process = Process(number, 1, 1, 0, "sh")
    return Container(
        name, name, "box", Namespaces(pid=number), process, mounts=(root,), root=Root("/", 50, number), written=written
    )  # fmt: skip


ONE = stacked("one", 11, BASE, written=(Written("etc", "directory"), Written("etc/group", "whiteout")))
FACTS = Facts(
    host=Host(kernel="6.12.0", root=Root("/", 1, 2)),
    containers=(ONE, stacked("two", 12, BASE), stacked("three", 13, NEW, BASE)),
    images=IMAGES,
)


def test_a_shared_layer_stands_in_one_row() -> None:
    """The layer below three containers is one row with the images that have it; the newer one lies above it."""
    lines = [line.plain for line in layer_stack(FACTS, "en", 100)]
    assert lines[1].split() == ["layer", "images", "one", "two", "three"]
    assert lines[2].split() == ["its", "own", "+1", "-1", "rw", "rw"]
    assert lines[3].split() == [NEW, "mine:1", "-", "-", "ro"]
    assert lines[4].split()[-3:] == ["ro", "ro", "ro"]
    assert lines[4].startswith(f"{BASE}  busybox +1 ")


def test_without_layers_there_is_no_stack() -> None:
    """A container on another file system than overlay is none of layers."""
    assert layer_stack(Facts(), "en", 80) == []


def test_each_root_has_its_box_upon_the_one_kernel() -> None:
    """Host and containers stand side by side, each with its root's device and inode, upon the kernel's release."""
    lines = [line.plain for line in bootfs(FACTS, "en", 80)]
    assert [word for word in ("host's /", "one's /", "two's /", "three's /") if word in lines[1]] == [
        "host's /", "one's /", "two's /", "three's /",
    ]  # fmt: skip
    assert lines[2].split("|")[1:5] == [f" {told:<14} " for told in ("1:2", "50:11", "50:12", "50:13")]
    assert "Linux 6.12.0" in lines[4]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [24, 40, 48, 80, 160])
def test_no_line_is_too_wide_and_every_box_is_straight(language: str, width: int) -> None:
    """In both languages and any width the figures fit, and the boxes' sides stand below one another."""
    for line in layer_stack(FACTS, language, width) + bootfs(FACTS, language, width):
        assert cell_len(line.plain) <= width
    assert len({cell_len(line.plain) for line in bootfs(FACTS, language, width)}) == 1
