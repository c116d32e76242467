"""Which files a stack of layers shows, as sets of paths."""

from __future__ import annotations

from workshop.box.layer_paths import Member, changes, stacked

BELOW = frozenset({"etc", "etc/passwd", "etc/group", "srv", "srv/www", "srv/www/index"})


def test_a_layer_adds_and_hides() -> None:
    """A whiteout hides a path with all below it; an opaque directory stays and loses what was in it."""
    layer = [Member("srv", True), Member("srv/.wh.www"), Member("new")]
    assert stacked(BELOW, layer) == {"etc", "etc/passwd", "etc/group", "srv", "new"}
    assert stacked(BELOW, [Member("etc", True), Member("etc/.wh..wh..opq"), Member("etc/hosts")]) == {
        "etc", "etc/hosts", "srv", "srv/www", "srv/www/index",
    }  # fmt: skip


def test_changes_are_told_in_dockers_letters() -> None:
    """What was below is changed, what was not is added, what is marked is deleted; marks for aufs say nothing."""
    layer = [Member("new"), Member("etc", True), Member("etc/.wh.group"), Member("etc/passwd"), Member(".wh..wh.plnk")]
    assert changes(BELOW, layer) == [("C", "etc"), ("D", "etc/group"), ("C", "etc/passwd"), ("A", "new")]
