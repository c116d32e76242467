"""Layers that the helper takes in: whole ones become what overlay wants, hostile ones leave nothing behind."""

from __future__ import annotations

import json
import os
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helper_process import INSTANCE, Process, background, execute, groups, read_all, refusal, run
from tests.layouts import archive, config, digest, hand_over, member
from workshop.client.connection import Client, HelperError
from workshop.helper.confined.quota import LAYER_BYTES
from workshop.helper.engine.image_store import IMAGES_EACH
from workshop.helper.watcher.written import MOST_PATHS
from workshop.protocol import Image, Images, Layer, Pack, Register, Remove, Run, Transferred, Unpack, Unregister, Wait

pytest_plugins = ["tests.helper_fixtures"]
pytestmark = pytest.mark.root
ALICE, BOB = 1234, 1235
EVERYBODYS = "/tmp"  # noqa: S108  # where whoever gets out of a layer could write
ESCAPED = f"{EVERYBODYS}/ws-engine-escaped"
STORE = Path(f"/var/lib/{INSTANCE}/store")


@pytest.fixture
def base(client: Client) -> str:
    """The digest of busybox's one layer."""
    return client.ask(Image("busybox")).value.layers[0]


@pytest.fixture
def no_images(client: Client) -> Iterator[None]:
    """Root's images of a test go with it."""
    yield
    for one in client.ask(Images()).value.images:
        if one.name != "busybox:latest":
            client.ask(Unregister(one.name))


def made(client: Client, base: str, data: bytes, name: str = "made") -> str:
    """An image of busybox with this layer upon it; gives its id."""
    hand_over(client, data)
    return str(client.ask(Register(name, json.dumps(config(base, digest(data))))).value.id)


def layer_directories(owner: int) -> list[str]:
    """What lies in an owner's directory of layers, whole or not."""
    folder = STORE / str(owner) / "layers"
    return sorted(one.name for one in folder.iterdir()) if folder.exists() else []


@pytest.mark.usefixtures("no_images")
def test_a_layer_adds_replaces_and_hides(client: Client, base: str) -> None:
    """Files of a layer lie over those below; a whiteout hides one, an opaque directory all that was in it."""
    marks = (("etc/.wh.group", b""), ("usr/bin/.wh..wh..opq", b""))
    data = archive(("hello", b"hello\n"), ("etc/passwd", b"root:x:0:0:root:/:/bin/sh\n"), *marks)
    made(client, base, data)
    seen = run_image(client, "made", "cat /hello /etc/passwd; ls /etc/group || ls -A /usr/bin")
    assert seen == "hello\nroot:x:0:0:root:/:/bin/sh\n"


@pytest.mark.usefixtures("no_images")
def test_owners_modes_and_links_come_through_but_no_setuid(client: Client, base: str) -> None:
    """A file keeps its owner, mode and other names; the setuid bit, which would count for nothing, is dropped."""
    data = archive(
        ("one", b"1"),
        members=[member("two", tarfile.LNKTYPE, "one"), member("three", tarfile.SYMTYPE, "/one"),
                 member("dir", tarfile.DIRTYPE, mode=0o4750, uid=5, gid=6), member("pipe", tarfile.FIFOTYPE)],
    )  # fmt: skip
    made(client, base, data)
    assert run_image(client, "made", "stat -c '%a %u %g' /dir; stat -c %h /one; readlink /three; test -p /pipe && echo pipe") == (
        "750 5 6\n2\n/one\npipe\n"
    )


def run_image(client: Client, image: str, line: str) -> str:
    """What a shell line prints in a container of this image."""
    reply = client.ask(Run(image, ["sh", "-c", line], remove=True))
    output, _ = map(read_all, reply.descriptors)
    client.ask(Wait(reply.value.id))
    return output


DEEP = "/".join("d" * 80)
HOSTILE = {
    "upwards": (archive(("../../escaped", b"x")), "layer_refused"),
    "absolute": (archive((ESCAPED, b"x")), "layer_refused"),
    "through a link": (
        archive(members=[member("way", tarfile.SYMTYPE, EVERYBODYS), member("way/ws-engine-escaped", tarfile.DIRTYPE)]),
        "layer_refused",
    ),
    "hard link through a link": (
        archive(members=[member("way", tarfile.SYMTYPE, "/etc"), member("mine", tarfile.LNKTYPE, "way/shadow")]),
        "layer_refused",
    ),
    "hard link upwards": (archive(members=[member("mine", tarfile.LNKTYPE, "../../../etc/shadow")]), "layer_refused"),
    "device": (archive(members=[member("disk", tarfile.BLKTYPE, devmajor=8)]), "layer_refused"),
    "character device": (archive(members=[member("kmsg", tarfile.CHRTYPE, devmajor=1, devminor=11)]), "layer_refused"),
    "nameless whiteout": (archive(("etc/.wh.", b"")), "layer_refused"),
    "whiteout of what is above": (archive(("etc/.wh...", b"")), "layer_refused"),
    "deep": (archive((DEEP, b"x")), "layer_refused"),
    "larger than it may be": (archive(members=[member("huge", tarfile.GNUTYPE_SPARSE, size=1 << 50)]), "layer_"),
    "truncated": (archive(("one", b"x" * 5000))[:2000], "layer_unreadable"),
    "no archive": (b"no archive" * 1000, "layer_unreadable"),
    "empty": (b"", "layer_unreadable"),
    "no such owner": (archive(members=[member("theirs", tarfile.DIRTYPE, uid=70_000)]), "transfer_failed"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(client: Client, kind: str) -> None:
    """Whatever is wrong with an archive is refused by name, and nothing of it is left: no file, no directory, no group."""
    data, slug = HOSTILE[kind]
    with pytest.raises(HelperError) as refused:
        hand_over(client, data)
    assert refused.value.slug.startswith(slug)
    assert [one for one in groups() if len(Path(one).name) == 64] == []
    assert refusal(client, Layer(digest(data))) == "no_such_layer"
    assert not Path(ESCAPED).exists()
    wait_for_removal()


def wait_for_removal() -> None:
    """Return when the child that removes what was refused has done so: it tells the helper, and nobody else."""
    end = time.monotonic() + 10
    while any(name.startswith(".") for name in layer_directories(0)):
        assert time.monotonic() < end, layer_directories(0)
        os.sched_yield()


def test_another_digest_than_promised_is_refused(client: Client) -> None:
    """A layer whose bytes are not those of its digest is never there; the refusal tells both digests."""
    data = archive(("one", b"1"))
    with pytest.raises(HelperError) as refused:
        hand_over(client, data, digest(b"another"))
    assert (refused.value.slug, refused.value.values["found"]) == ("layer_differs", digest(data))
    assert refusal(client, Layer(digest(b"another"))) == "no_such_layer"


def test_what_is_saved_is_what_was_loaded(client: Client) -> None:
    """The archive that a layer was made of is given out again byte by byte, to be read only."""
    data = archive(("one", os.urandom(200_000)))
    hand_over(client, data)
    descriptor = client.ask(Layer(digest(data))).descriptors[0]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(descriptor, b"x")
    with open(descriptor, "rb") as file:
        assert file.read() == data
    hand_over(client, data)  # and a second time it need not come


def test_layers_and_images_are_their_owners(process: Process) -> None:
    """Bob has neither Alice's image nor her layer, by whatever name; both have busybox."""
    with process.connect(ALICE) as alice, process.connect(BOB) as bob:
        base = alice.ask(Image("busybox")).value.layers[0]
        data = archive(("secret", b"secret"))
        identity = made(alice, base, data, "secret")
        assert {one.name for one in bob.ask(Images()).value.images} == {"busybox:latest"}
        assert (
            refusal(bob, Image("secret")) == refusal(bob, Image(identity)) == refusal(bob, Run("secret", [])) == "no_such_image"
        )
        assert refusal(bob, Layer(digest(data))) == "no_such_layer"
        assert refusal(bob, Register("mine", json.dumps(config(base, digest(data))))) == "no_such_layer"
        assert [one.name for one in alice.observe(["images"]).images] == ["secret:latest", "busybox:latest"]
        assert [one.name for one in bob.observe(["images"]).images] == ["busybox:latest"]
        alice.ask(Unregister("secret"))
        assert refusal(alice, Layer(digest(data))) == "no_such_layer"


def test_an_ordinary_callers_images_are_bounded(process: Process) -> None:
    """A layer may not be larger than one may have, and only so many names can be given."""
    with process.connect(ALICE) as alice:
        with pytest.raises(HelperError) as refused:
            hand_over(alice, archive(("large", bytes(LAYER_BYTES))))
        assert refused.value.slug == "layer_too_large"
        base = alice.ask(Image("busybox")).value.config
        for number in range(IMAGES_EACH):
            alice.ask(Register(f"name:{number}", base))
        assert refusal(alice, Register("one-more", base)) == "too_many_images"
        for number in range(IMAGES_EACH):
            alice.ask(Unregister(f"name:{number}"))


def test_one_layer_at_a_time(process: Process) -> None:
    """While a layer of Alice's is on its way, she can't begin another, and nobody else has to wait for hers."""
    with process.connect(ALICE) as alice, process.connect(ALICE) as again, process.connect(BOB) as bob:
        reply = alice.ask(Unpack(digest(b"slow")))
        assert refusal(alice, Unpack(digest(b"other"))) == refusal(again, Unpack(digest(b"other"))) == "one_layer_at_a_time"
        hand_over(bob, archive(("one", b"1")))
        os.close(reply.descriptors[0])
        assert refusal(alice, Transferred()) == "layer_differs"
        assert refusal(alice, Transferred()) == "no_transfer"


def test_a_caller_who_goes_away_leaves_nothing(process: Process) -> None:
    """The layer of a caller who leaves in its middle is removed, and another can come."""
    with process.connect(ALICE) as alice:
        os.close(alice.ask(Unpack(digest(b"slow"))).descriptors[0])
    with process.connect(ALICE) as alice:
        data = archive(("next", b"1"))
        while True:
            try:
                hand_over(alice, data)
                break
            except HelperError as error:
                assert error.slug == "one_layer_at_a_time"
        assert digest(data)[7:] in layer_directories(ALICE)


@pytest.mark.usefixtures("no_images")
def test_an_image_in_use_stays(client: Client, base: str) -> None:
    """The last name of an image that a container runs from can't be taken away; after its end it can, and its layer goes."""
    data = archive(("hello", b"hello\n"))
    made(client, base, data)
    reply = client.ask(Run("made", ["sleep", "1000"], detach=True))
    assert refusal(client, Unregister("made")) == "image_in_use"
    client.ask(Remove(reply.value.id, force=True))
    assert client.ask(Unregister("made")).value.last is True
    assert refusal(client, Layer(digest(data))) == "no_such_layer"
    assert client.ask(Image("busybox")).value.layers == (base,)


def test_wrong_configurations_are_refused(client: Client, base: str) -> None:
    """What is no configuration, or names no layer that is there, becomes no image; nor does a name that is none."""
    for text in (
        "",
        "[]",
        "{}",
        '{"rootfs": 1}',
        '{"rootfs": {"diff_ids": [1]}}',
        json.dumps({**config(base), "config": {"Cmd": 5}}),
    ):
        assert refusal(client, Register("wrong", text)) == "bad_config"
    assert refusal(client, Register("wrong", json.dumps(config()))) == "bad_layer_count"
    assert refusal(client, Register("wrong", json.dumps(config("../../shared")))) == "bad_config"
    assert refusal(client, Register("../wrong", json.dumps(config(base)))) == "bad_image_name"
    assert refusal(client, Unpack("../../shared")) == "bad_digest"
    assert refusal(client, Unregister("busybox")) == "image_is_shared"


WRONG: dict[str, dict[str, Any]] = {
    "half a pair": {"config": {"Cmd": ["\udc80"]}},
    "half a pair in a key": {"config": {"Cmd": ["sh"], "Labels": {"\ud800": ""}}},
    "NUL": {"config": {"Cmd": ["sh\0"]}},
    "NUL where nobody looks": {"author": "\0"},
    "a text for a list": {"config": {"Cmd": "sh"}},
    "a number in a list": {"config": {"Entrypoint": ["sh", 1]}},
    "an object for a list": {"config": {"Entrypoint": {"sh": ""}}},
    "a list for an object": {"config": ["sh"]},
    "no object": {"config": 0},
    "no layers": {"rootfs": {"diff_ids": None}},
    "a number of layers": {"rootfs": {"diff_ids": 5}},
    "a digest for a list": {"rootfs": {"diff_ids": digest(b"one")}},
    "digests as keys": {"rootfs": {"diff_ids": {digest(b"one"): 1}}},
    "no digest": {"rootfs": {"diff_ids": ["a"]}},
    "a history of texts": {"history": ["made"]},
    "deep": {"author": json.loads("[" * 900 + "]" * 900)},
    "deeper than anybody needs": {"author": json.loads("[" * 40 + "]" * 40)},
}


@pytest.mark.parametrize("kind", WRONG)
def test_types_and_texts_of_a_configuration_are_held(client: Client, base: str, kind: str) -> None:
    """A text that can't be handed on, wherever it stands, and a type that the OCI does not have there are refused by name."""
    assert refusal(client, Register("wrong", json.dumps({**config(base), **WRONG[kind]}))) == "bad_config"


@pytest.mark.usefixtures("no_images")
def test_what_a_configuration_leaves_out_may_be_null(client: Client, base: str) -> None:
    """Null stands for nothing, as other programs write it; the command is then a shell."""
    told = {**config(base), "history": None, "config": {"Cmd": None, "Entrypoint": None, "Labels": {"é": "中"}}}
    for name, text in (("one", json.dumps(told)), ("two", json.dumps({**told, "config": None}))):
        client.ask(Register(name, text))
        reply = client.ask(Run(name, [], remove=True))
        assert (read_all(reply.descriptors[0]), client.ask(Wait(reply.value.id)).value.code) == ("", 0)


@pytest.mark.usefixtures("no_images")
def test_an_image_cannot_lead_its_making_out_of_it(client: Client) -> None:
    """Links in an image where the helper mounts or writes something lead nowhere: it does not start, or writes inside."""
    for name in ("etc", "proc", "dev"):
        data = archive(members=[member(name, tarfile.SYMTYPE, EVERYBODYS)])
        hand_over(client, data)
        client.ask(Register("links", json.dumps(config(digest(data)))))
        assert refusal(client, Run("links", ["sh"])) == "start_failed"
    assert not Path(f"{EVERYBODYS}/hostname").exists()


def test_a_containers_own_layer_is_what_it_wrote(client: Client) -> None:
    """A pack holds files, links and whiteouts of a container, nothing that the helper wrote there, and no device."""
    box = background(client)
    execute(client, box.id, "sh", "-c", "echo new > /new; rm /etc/group; ln -s /x /link; rm -r /srv; mkdir /srv")
    descriptor = client.ask(Pack(box.id)).descriptors[0]
    with open(descriptor, "rb") as pipe, tarfile.open(fileobj=pipe, mode="r|") as opened:
        names = [one.name for one in opened]
    client.ask(Transferred())
    assert sorted(names) == ["etc", "etc/.wh.group", "link", "new", "srv", "srv/.wh..wh..opq"]


def test_facts_tell_what_a_container_wrote(client: Client) -> None:
    """A written file, a deleted name and a directory made anew are told by their kinds, and nothing that the helper wrote."""
    box = background(client)
    execute(client, box.id, "sh", "-c", "echo more >> /etc/passwd; rm /etc/group; rm -r /srv; mkdir /srv; ln -s / /all")
    (found,) = [one for one in client.observe(["written"]).containers if one.id == box.id]
    assert [(one.path, one.kind) for one in found.written] == [
        ("all", "other"), ("etc", "directory"), ("etc/group", "whiteout"), ("etc/passwd", "file"), ("srv", "opaque"),
    ]  # fmt: skip


def test_a_layer_of_many_files_is_told_in_part(client: Client) -> None:
    """However much a container writes, and however deep, only so much of it is looked at."""
    box = background(client)
    line = "mkdir /d; cd /d; for i in $(seq 300); do echo >$i; done; for i in $(seq 30); do mkdir n; cd n; done"
    execute(client, box.id, "sh", "-c", line)
    (found,) = [one for one in client.observe(["written"]).containers if one.id == box.id]
    assert len(found.written) <= MOST_PATHS


def test_the_lower_layers_show_in_the_containers_mounts(client: Client, base: str) -> None:
    """Overlay's options name each layer by its digest's beginning, and facts hold them."""
    box = background(client)
    (found,) = [one for one in client.observe(["mounts"]).containers if one.id == box.id]
    (root,) = [one for one in found.mounts if one.target == "/"]
    assert f"lowerdir={base[7:19]}" in root.options


def test_the_same_programs_make_the_same_image(client: Client, process: Process) -> None:
    """busybox has the digest of its archive, which holds no time and no name of this machine."""
    base = client.ask(Image("busybox")).value.layers[0]
    with open(client.ask(Layer(base)).descriptors[0], "rb") as file:
        data = file.read()
        assert digest(data) == base
        file.seek(0)
        with tarfile.open(fileobj=file) as opened:
            assert {(one.mtime, one.uid, one.uname) for one in opened} == {(0, 0, "")}
    assert run(client, "true").code == 0
