"""Undoing what a step made, on the host's network and half made: by facts of the real kernel, and by facts made by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.observed import seen
from workshop.engines import Leftover
from workshop.facts import Container, Facts, HalfMade, HandFile, Host, Image, Interface, Namespaces, Process
from workshop.learning.undo import REMOVES, leftovers, removed, undo

LOOKED_AT = ("interfaces",)


def links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


@pytest.mark.root
def test_undo_takes_away_links_that_were_made_by_hand() -> None:
    """A bridge and a veth pair that appeared on the host since the step began are gone after undo; nothing else is."""
    there, before = links(), seen(0, {}, *LOOKED_AT)
    for line in ("bridge0 type bridge", "cable0 type veth peer name cable1"):
        subprocess.run(["ip", "link", "add", *line.split()], check=True)
    assert links() - there == {"bridge0", "cable0", "cable1"}
    tried = undo(before, seen(0, {}, *LOOKED_AT))
    assert {(one.kind, one.name) for one in tried} == {("link", name) for name in ("bridge0", "cable0", "cable1")}
    assert links() == there


@pytest.mark.parametrize("name", ["veth1a2b3c4", "br-0123456789ab", "docker0", "podman1", "virbr0", "vb-machine"])
def test_undo_lets_engines_links_be(name: str) -> None:
    """What an engine makes for a container that started meanwhile is not the learner's to take away."""
    now = Facts(Host(interfaces=(Interface(name, kind="bridge"), Interface("eth1"))), subjects=LOOKED_AT)
    assert leftovers(Facts(subjects=LOOKED_AT), now, 0) == []


def test_undo_knows_of_links_only_what_it_looked_at() -> None:
    """Where the step did not look at interfaces when it began, or the learner is not root, no link is anybody's leftover."""
    now = Facts(Host(interfaces=(Interface("br0", kind="bridge"),)), subjects=LOOKED_AT)
    assert leftovers(Facts(), now, 0) == []
    assert leftovers(Facts(subjects=LOOKED_AT), now, 1000) == []
    assert leftovers(Facts(subjects=LOOKED_AT), now, 0) == [Leftover("link", "br0")]


def test_what_was_begun_step_by_step_is_given_up() -> None:
    """A box that is half made since the step began is removed, once, also if it is among the containers by now."""
    half = HalfMade("a" * 64, "lab", "mounts", 11, 24)
    box = Container("a" * 64, "lab", "box", Namespaces(pid=7), Process(10, 1, 1, 0, "python3"))
    now = Facts(containers=(box,), half_made=(half,))
    assert leftovers(Facts(), now, 0) == [Leftover("container", "a" * 64)]
    assert leftovers(Facts(), Facts(half_made=(half,)), 0) == [Leftover("container", "a" * 64)]
    assert leftovers(now, now, 0) == []


def test_files_by_hand_are_undone() -> None:
    """A file that was made since goes again, by its path in the learner's home; one that was there stays."""
    old, new = HandFile("layer.tar", 1, "0"), HandFile("blobs/sha256/1", 1, "1")
    looked = Facts(subjects=("handmade",), handmade=(old,))
    now = Facts(subjects=("handmade",), handmade=(old, new))
    assert leftovers(looked, now, 0) == [Leftover("file", "hand/blobs/sha256/1")]
    assert leftovers(Facts(), now, 0) == []


def test_images_are_undone_where_the_step_looked_at_them() -> None:
    """A name that was given since goes again; where nobody looked before, nothing is known to be new."""
    old, new = Image("old:1", "sha256:0"), Image("new:1", "sha256:0")
    looked = Facts(subjects=("images",), images=(old,))
    assert leftovers(looked, Facts(subjects=("images",), images=(old, new)), 0) == [Leftover("image", "new:1")]
    assert leftovers(Facts(), Facts(subjects=("images",), images=(old, new)), 0) == []


@pytest.mark.parametrize("kind", REMOVES)
def test_what_was_removed_has_its_sentence(kind: str) -> None:
    """Each kind of leftover, an engine's too, in both languages; it names what has gone."""
    for language in ("en", "zh"):
        (sentence,) = removed([Leftover(kind, "its-name")], [], language)
        assert "its-name" in sentence
