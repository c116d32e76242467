"""What layers take of the disk: counted as what they become, charged to their owner, and given back at once."""

from __future__ import annotations

import itertools
import json
import string
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import wait_for
from tests.helper_process import INSTANCE, execute, helper_process, open_directory, refusal, remove_directories
from tests.layouts import archive, config, digest, hand_over, member
from workshop.client.connection import Client, HelperError
from workshop.protocol import Image, Layer, Register, Remove, Run, Unpack

pytestmark = pytest.mark.root
ALICE = 1234
LAYERS = Path(f"/var/lib/{INSTANCE}/store/{ALICE}/layers")
ONE, TWO = archive(("one", b"1")), archive(("two", b"2"))
MEBIBYTE = 1 << 20


@pytest.fixture(autouse=True)
def directories() -> Iterator[None]:
    """Nothing of an earlier helper before, and nothing after."""
    yield
    remove_directories()


@pytest.fixture
def alice() -> Iterator[Client]:
    """A connection of Alice's to a helper of this test's own."""
    with open_directory() as directory, helper_process(directory) as process, process.connect(ALICE) as client:
        yield client


def register(client: Client, name: str, *layers: bytes) -> None:
    """An image of these layers, which are there."""
    client.ask(Register(name, json.dumps(config(*map(digest, layers)))))


def lies_there() -> list[str]:
    """What lies in Alice's directory of layers."""
    return sorted(one.name for one in LAYERS.iterdir())


def wait_for_layers(*layers: bytes) -> None:
    """Return when exactly these lie there: the child that removes the others tells nobody else."""
    wait_for(lambda: lies_there() == sorted(digest(one)[7:] for one in layers), "the end of the other layers", 40)


def bomb(members: int) -> bytes:
    """An archive of many members, each in a chain of 63 directories of its own that it does not list."""
    chains = itertools.islice(itertools.product(string.ascii_letters, repeat=3), members)
    return archive(members=[member("/".join((*chain, *("d" * 60), "f")), tarfile.REGTYPE) for chain in chains])


def test_directories_that_are_only_implied_count(alice: Client) -> None:
    """Three thousand members that imply 180,000 directories are refused at the 30,001st, and nothing of it is left."""
    with pytest.raises(HelperError) as refused:
        hand_over(alice, bomb(3000))
    assert (refused.value.slug, refused.value.values["reason"]) == ("layer_refused", "the 30001th file or directory")
    wait_for_layers()


def test_directories_that_are_only_implied_are_not_everybodys(alice: Client) -> None:
    """A directory that a layer does not list is root's, and nobody else may write into it."""
    hand_over(alice, archive(("p/q/one", b"1"), members=[member("listed", tarfile.DIRTYPE, mode=0o770)]))
    base = alice.ask(Image("busybox")).value.layers[0]
    (own,) = lies_there()
    alice.ask(Register("made", json.dumps(config(base, f"sha256:{own}"))))
    box = alice.ask(Run("made", ["sleep", "1000"], detach=True)).value.id
    assert execute(alice, box, "stat", "-c", "%a:%u", "/p", "/p/q", "/listed").output == "755:0\n755:0\n770:0\n"
    alice.ask(Remove(box, force=True))


def record(layer: bytes) -> Path:
    """Where it is written down what a layer takes."""
    return LAYERS / digest(layer)[7:] / "taken.json"


def begun_with(disk: int, files: int = 100) -> None:
    """A helper's life in which Alice got an image of one layer, which takes so much by its record."""
    with open_directory() as directory, helper_process(directory) as process, process.connect(ALICE) as client:
        hand_over(client, ONE)
        register(client, "one", ONE)
    record(ONE).write_text(json.dumps({"disk": disk, "files": files}))


def test_what_a_layer_takes_is_written_down() -> None:
    """A file of one byte takes three blocks beside it, its own and its archive's; a record that is lost is made again."""
    begun_with(0)
    record(ONE).unlink()
    with open_directory() as directory, helper_process(directory) as process, process.connect(ALICE) as client:
        counted = json.loads(record(ONE).read_text())
        hand_over(client, TWO)
        assert json.loads(record(TWO).read_text()) == {"disk": (3 + 1) * 4096 + 12288, "files": 5}
    assert counted["files"] == 5
    assert counted["disk"] >= 5 * 4096


@pytest.mark.parametrize(("disk", "files"), [(768 * MEBIBYTE - 40_000, 100), (1000, (1 << 17) - 6)])
def test_blocks_and_files_are_bounded_for_each_owner(disk: int, files: int) -> None:
    """With little left, a small layer comes in, and what needs more of either is refused by name, and leaves nothing."""
    begun_with(disk, files)
    with open_directory() as directory, helper_process(directory) as process, process.connect(ALICE) as client:
        with pytest.raises(HelperError) as refused:
            hand_over(client, archive(*((f"file{number}", b"x") for number in range(20))))
        assert refused.value.slug == "images_full"
        assert refused.value.values == {"mebibytes": 768, "files": 1 << 17}
        hand_over(client, TWO)
        register(client, "two", TWO)
        wait_for_layers(ONE, TWO)


@pytest.mark.parametrize(("disk", "files"), [(768 * MEBIBYTE, 100), (1000, 1 << 17)])
def test_who_has_all_already_is_told_before_anything_comes(disk: int, files: int) -> None:
    """Without any room a layer is refused at once; another owner's comes in."""
    begun_with(disk, files)
    with open_directory() as directory, helper_process(directory) as process, process.connect(ALICE) as client:
        assert refusal(client, Unpack(digest(b"more"))) == "images_full"
        with process.connect(ALICE + 1) as bob:
            hand_over(bob, TWO)


def test_root_may_take_what_the_disk_has() -> None:
    """What lies there of root's is no bound for root."""
    with open_directory() as directory, helper_process(directory) as process, process.connect() as client:
        hand_over(client, ONE)
        place = Path(f"/var/lib/{INSTANCE}/store/0/layers/{digest(ONE)[7:]}/taken.json")
        register(client, "one", ONE)
        place.write_text(json.dumps({"disk": 1 << 40, "files": 1 << 20}))
    with open_directory() as directory, helper_process(directory) as process, process.connect() as client:
        hand_over(client, TWO)


def test_a_replaced_images_layers_go_at_once(alice: Client) -> None:
    """The same name for another image: the layers that only the old one had are gone, and those of both stay."""
    hand_over(alice, ONE)
    hand_over(alice, TWO)
    register(alice, "mine", ONE, TWO)
    register(alice, "mine", TWO)
    wait_for_layers(TWO)
    assert refusal(alice, Layer(digest(ONE))) == "no_such_layer"
    register(alice, "mine", TWO)
    wait_for_layers(TWO)


def test_a_replaced_images_layers_stay_while_a_box_runs_on_them(alice: Client) -> None:
    """A box goes on with the image that it was started from; once it has ended, the layers go with the next that nobody needs."""
    base = alice.ask(Image("busybox")).value.layers[0]
    boxes = []
    for one in (ONE, TWO):
        hand_over(alice, one)
        alice.ask(Register("mine", json.dumps(config(base, digest(one)))))
        boxes.append(alice.ask(Run("mine", ["sleep", "1000"], detach=True)).value.id)
    alice.ask(Remove(boxes.pop(), force=True))
    assert execute(alice, boxes[0], "cat", "/one").output == "1"
    wait_for_layers(ONE, TWO)
    alice.ask(Remove(boxes[0], force=True))
    alice.ask(Register("mine", json.dumps(config(base))))
    wait_for_layers()


def test_layers_of_a_load_that_is_under_way_are_not_swept() -> None:
    """Where room is short, what came on a connection that is still open stays until it has its image; the rest goes."""
    begun_with(600 * MEBIBYTE)
    with open_directory() as directory, helper_process(directory) as process, process.connect(ALICE) as client:
        with process.connect(ALICE) as gone:
            hand_over(gone, archive(("given up", b"3")))
        layers = [archive((f"layer{number}", b"x")) for number in range(4)]
        for one in layers:
            hand_over(client, one)
        register(client, "four", *layers)
        wait_for_layers(ONE, *layers)


def test_a_name_that_is_taken_on_the_disk_is_no_trouble(alice: Client) -> None:
    """What else lies where a layer belongs makes way for it, as a file; what a crash left of everybody's image is used again."""
    hand_over(alice, TWO)
    (LAYERS / digest(ONE)[7:]).write_text("odd")
    hand_over(alice, ONE)
    register(alice, "mine", ONE)
    wait_for_layers(ONE, TWO)
    shared = Path(f"/var/lib/{INSTANCE}/store/shared")
    alice.ask(Image("busybox"))
    (shared / "images.json").unlink()
    layers = alice.ask(Image("busybox")).value.layers
    there = [one.name for one in (shared / "layers").iterdir() if not one.name.startswith(".")]  # others are on their way out
    assert layers == tuple(f"sha256:{name}" for name in there)
