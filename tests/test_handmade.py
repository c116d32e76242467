"""What is seen of the folder in which a learner makes an image by hand."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from workshop.client.sight.image_by_hand import MOST_BYTES, look


def test_files_and_blobs_are_told_by_their_digests(tmp_path: Path) -> None:
    """A small text comes whole, an archive with the names in it, a large file by its digest, the root's own files not at all."""
    hand = tmp_path / "hand"
    (hand / "blobs" / "sha256").mkdir(parents=True)
    (hand / "root" / "bin").mkdir(parents=True)
    (hand / "root" / "bin" / "greet").write_text("#!/bin/sh\n")
    (hand / "index.json").write_text("{}")
    (hand / "blobs" / "sha256" / "wrong").write_bytes(bytes(5000))
    subprocess.run(["tar", "-cf", hand / "layer.tar", "-C", hand / "root", "bin"], check=True)
    found = {one.path: one for one in look(tmp_path)}
    assert set(found) == {"blobs/sha256/wrong", "index.json", "layer.tar"}
    assert (found["index.json"].text, found["index.json"].size) == ("{}", 2)
    assert found["layer.tar"].members == ("bin", "bin/greet")
    wrong = found["blobs/sha256/wrong"]
    assert (wrong.digest, wrong.text) == (hashlib.sha256(bytes(5000)).hexdigest(), "")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """Another content is another digest, at once."""
    (tmp_path / "hand").mkdir()
    file = tmp_path / "hand" / "config.json"
    file.write_text("one")
    before = look(tmp_path)
    file.write_text("three")
    assert look(tmp_path)[0].digest != before[0].digest


def test_nothing_keeps_the_workshop_waiting(tmp_path: Path) -> None:
    """A missing folder, a pipe, a link and what is too large are left out."""
    assert look(tmp_path) == ()
    hand = tmp_path / "hand"
    hand.mkdir()
    os.mkfifo(hand / "pipe")
    (hand / "link").symlink_to("/etc/passwd")
    with (hand / "large").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert look(tmp_path) == ()
