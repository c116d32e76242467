"""The `box` commands on images as their users know them from Docker, and as skopeo reads and writes them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.layouts import archive, digest, layout
from tests.test_box import box, started
from workshop.client.connection import Client
from workshop.protocol import Images, List, Remove, Unregister

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("no_images")]


@pytest.fixture
def no_images(helper: str) -> Iterator[None]:
    """A helper, and none of this test's boxes and images left in it."""
    yield
    with Client.connect() as client:
        for one in client.ask(List(all=True)).value.containers:
            client.ask(Remove(one.id, force=True))
        for image in client.ask(Images()).value.images:
            if image.name != "busybox:latest":
                client.ask(Unregister(image.name))


@pytest.fixture
def program() -> bytes:
    """A layer with one program, which prints and needs nothing else."""
    return archive(("bin/busybox", Path("/bin/busybox").read_bytes()))


def done(*arguments: str, typed: bytes = b"") -> str:
    """Standard output of `box`, which must not fail."""
    code, said, error = box(*arguments, typed=typed)
    assert code == 0, error
    return said


def refused(*arguments: str, typed: bytes = b"") -> str:
    """Standard error of `box`, which must fail."""
    code, _, error = box(*arguments, typed=typed)
    assert code != 0
    assert "Traceback" not in error
    return error


def skopeo(*arguments: str) -> str:
    """What skopeo prints."""
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed, which would read and write the layouts as well")
    said = subprocess.run(["skopeo", "--insecure-policy", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_what_a_box_changed_becomes_an_image() -> None:
    """`diff` lists it, `commit` makes a layer of it, a box of that image has it, `history` shows the layer on top."""
    name = started("--name", "one", "busybox", "sleep", "1000") and "one"
    done("exec", name, "sh", "-c", "echo new > /new; echo more >> /etc/passwd; rm /etc/group; rm -r /srv")
    assert done("diff", name).splitlines() == ["C /etc", "D /etc/group", "C /etc/passwd", "A /new", "D /srv"]
    identity = done("commit", "-m", "four changes", name, "mine:2").strip()
    assert (
        done("run", "--rm", "mine:2", "sh", "-c", "cat /new; ls /etc/group /srv 2>&1 | wc -l; tail -1 /etc/passwd")
        == "new\n2\nmore\n"
    )
    lines = done("history", "mine:2").splitlines()
    assert ("four changes" in lines[1], "programs of this machine" in lines[2]) == (True, True)
    assert identity[7:19] in done("images")


def test_save_and_load_give_the_same_image(tmp_path: Path) -> None:
    """An image that was saved, removed and loaded has the same id; saved again, it has the same bytes."""
    started("--name", "one", "busybox", "sleep", "1000")
    done("exec", "one", "sh", "-c", "echo new > /new")
    identity = done("commit", "one", "mine").strip()
    first, second = str(tmp_path / "first.tar"), str(tmp_path / "second.tar")
    done("save", "-o", first, "mine")
    done("rm", "-f", "one")
    assert done("rmi", "mine").splitlines() == ["Untagged: mine:latest", f"Deleted: {identity}"]
    assert refused("run", "mine") == "box: No such image: mine. `box images` lists what there is.\n"
    assert done("load", "-i", first) == "Loaded image: mine:latest\n"
    done("save", "-o", second, identity[:19])
    assert Path(first).read_bytes() == Path(second).read_bytes()


def test_a_layout_by_hand_is_loaded_from_archive_directory_and_input(tmp_path: Path, program: bytes) -> None:
    """The same layout makes the same image as a directory, as an archive of it, and through standard input."""
    folder = layout(tmp_path / "hand", [program], "hand:1")
    packed = tmp_path / "hand.tar"
    subprocess.run(["tar", "-cf", packed, "-C", folder, "."], check=True)
    seen = set()
    for arguments, typed in ((("-i", str(folder)), b""), (("-i", str(packed)), b""), ((), packed.read_bytes())):
        assert done("load", *arguments, typed=typed) == "Loaded image: hand:1\n"
        seen.add(done("images").splitlines()[1])
        assert done("run", "--rm", "hand:1", "/bin/busybox", "echo", "by hand") == "by hand\n"
        done("rmi", "hand:1")
    assert len({line.split()[2] for line in seen}) == 1


def test_an_images_command_runs_where_none_is_given(tmp_path: Path, program: bytes) -> None:
    """Without a command the image's own one runs; /bin/true is not there, and is named."""
    done("load", "-i", str(layout(tmp_path, [program])))
    assert "/bin/true" in refused("run", "--rm", "made:1")


def test_compressed_layers_are_loaded(tmp_path: Path, program: bytes) -> None:
    """A layer that is stored with gzip is the same layer, by the digest of what it holds."""
    kind = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    done("load", "-i", str(layout(tmp_path, [program], blobs=gzip.compress, kind=kind)))
    assert done("run", "--rm", "made:1", "/bin/busybox", "echo", "zipped") == "zipped\n"


def test_one_changed_byte_is_noticed(tmp_path: Path, program: bytes) -> None:
    """A blob that is not what its digest says is refused with both names, whatever it is."""
    folder = layout(tmp_path, [program])
    for blob in (folder / "blobs" / "sha256").iterdir():
        data = blob.read_bytes()
        blob.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        assert digest(blob.read_bytes())[7:] in refused("load", "-i", str(folder))
        blob.write_bytes(data)
    assert done("load", "-i", str(folder)) == "Loaded image: made:1\n"


WRONG = {
    "no layout": ("oci-layout", None, "there is no oci-layout"),
    "no index": ("index.json", None, "there is no index.json"),
    "no JSON": ("index.json", "{", "index.json is no JSON that can be read"),
    "no object": ("index.json", "[]", "index.json is no JSON that can be read: it is no object"),
    "no manifests": ("index.json", "{}", "index.json: what stands under 'manifests'"),
    "no image": ("index.json", '{"manifests": []}', "index.json names no manifest"),
    "no digest": ("index.json", '{"manifests": [{"digest": "sha256:../../../etc/shadow"}]}', "'digest'"),
    "no blob": ("index.json", json.dumps({"manifests": [{"digest": digest(b""), "size": 0}]}), "there is no blobs/sha256/e3b0"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_layout_says_what_is_wrong(tmp_path: Path, program: bytes, kind: str) -> None:
    """Each thing that can be forgotten or mistyped has a sentence that names the file."""
    name, text, sentence = WRONG[kind]
    folder = layout(tmp_path, [program])
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    assert sentence in refused("load", "-i", str(folder))


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    """A file that is no archive, one that is not there, and a terminal's input are each told."""
    (tmp_path / "text").write_text("no archive")
    assert "it is no tar archive" in refused("load", "-i", str(tmp_path / "text"))
    assert "No such file" in refused("load", "-i", str(tmp_path / "missing"))
    assert "it is no tar archive" in refused("load", typed=b"")


def test_rmi_and_tag(tmp_path: Path, program: bytes) -> None:
    """A second name is the same image; the first can go, and with the last goes the image; busybox stays."""
    done("load", "-i", str(layout(tmp_path, [program])))
    done("tag", "made:1", "again")
    assert done("rmi", "made:1") == "Untagged: made:1\n"
    assert "Deleted: sha256:" in done("rmi", "again")
    assert "No such image" in refused("rmi", "again")
    assert "everybody's" in refused("rmi", "busybox")


def test_a_second_name_of_everybodys_image_can_go_while_it_runs() -> None:
    """A name given to busybox is taken away again although a box of busybox runs: the image keeps its own name."""
    started("--name", "one", "busybox", "sleep", "1000")
    done("tag", "busybox", "mine:1")
    assert done("rmi", "mine:1") == "Untagged: mine:1\n"


def test_skopeo_reads_what_is_saved(tmp_path: Path) -> None:
    """skopeo finds the image's layers and machine in what `save` wrote."""
    done("save", "-o", str(tmp_path / "busybox.tar"), "busybox")
    told = json.loads(skopeo("inspect", f"oci-archive:{tmp_path / 'busybox.tar'}"))
    with Client.connect() as client:
        (image,) = client.ask(Images()).value.images
    assert (told["Layers"], told["Os"]) == (list(image.layers), "linux")


def test_what_skopeo_writes_is_loaded(tmp_path: Path) -> None:
    """An image that skopeo copied into another archive, compressing its layers, is the same image again."""
    done("save", "-o", str(tmp_path / "one.tar"), "busybox")
    skopeo("copy", "--dest-compress", f"oci-archive:{tmp_path / 'one.tar'}", f"oci:{tmp_path / 'two'}:copied:1")
    assert done("load", "-i", str(tmp_path / "two")) == "Loaded image: copied:1\n"
    lines = {line.split()[0]: line.split()[2] for line in done("images").splitlines()[1:]}
    assert lines["copied"] == lines["busybox"]


def test_a_saved_image_is_an_ordinary_archive(tmp_path: Path) -> None:
    """Every blob in it is named by its digest."""
    done("save", "-o", str(tmp_path / "busybox.tar"), "busybox")
    with tarfile.open(tmp_path / "busybox.tar") as opened:
        for one in opened:
            if one.name.startswith("blobs/"):
                content = opened.extractfile(one)
                assert content is not None
                assert digest(content.read())[7:] == one.name.rpartition("/")[2]


def test_a_reader_that_leaves_ends_save() -> None:
    """`box save busybox | head -c 1` ends without a traceback."""
    done_ = subprocess.run(
        ["sh", "-c", "box save busybox | head -c 1 | wc -c"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
        timeout=30,
    )
    assert (done_.stdout.strip(), "Traceback" in done_.stderr) == ("1", False)
