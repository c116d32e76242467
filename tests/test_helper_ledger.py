"""The ledger is a hint: it stays small, and whatever happens to it, or to the directory that it is in, stops nothing."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helper_process import (
    INSTANCE,
    Process,
    background,
    command_line,
    helper_process,
    inspect,
    open_directory,
    refusal,
    remove_directories,
    run,
)
from workshop.client.connection import Client
from workshop.helper.engine.ledger import SPARE_LINES, Ledger
from workshop.protocol import CreateNetwork, Hello, Remove, RemoveNetwork, Run, Step

RUNTIME = Path(f"/run/{INSTANCE}")
LEDGER = RUNTIME / "ledger"
IDS = [f"{number:064x}" for number in range(400)]


def test_it_is_written_anew_when_more_is_struck_out_than_stands(tmp_path: Path) -> None:
    """Beside some that stand hundreds come and go: the file stays small, and says who stands, also to the next helper."""
    ledger = Ledger(str(tmp_path / "ledger"))
    for identity in IDS[:3]:
        ledger.write(identity, 1, "stands")
    for identity in IDS[3:]:
        ledger.write(identity, 1, "goes")
        ledger.forget(identity)
        assert len((tmp_path / "ledger").read_text().splitlines()) <= 3 + SPARE_LINES + 3
    assert Ledger(str(tmp_path / "ledger")).names() == ledger.names() == set(IDS[:3])
    assert [path.name for path in tmp_path.iterdir()] == ["ledger"]


def test_what_an_earlier_helper_struck_out_counts(tmp_path: Path) -> None:
    """A long file of an earlier helper is made short as soon as something ends."""
    path = tmp_path / "ledger"
    path.write_text("".join(f'{{"made": "{one}"}}\n{{"gone": "{one}"}}\n' for one in IDS) + f'{{"made": "{IDS[0]}"}}\n')
    ledger = Ledger(str(path))
    ledger.write(IDS[1], 1, "ends")
    ledger.forget(IDS[1])
    assert Ledger(str(path)).names() == {IDS[0]}
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "odd", ["5", "[1]", '{"made": 5}', '{"made": "../../etc"}', '{"made": null, "gone": []}', '{"made": "', "[" * 9999]
)
def test_a_damaged_line_says_nothing(tmp_path: Path, odd: str) -> None:
    """What is no line of ours, or names what is no sandbox, is passed over, at the end of the file as well."""
    path = tmp_path / "ledger"
    path.write_text(f'{odd}\n{{"made": "{IDS[0]}"}}\n{odd}')
    ledger = Ledger(str(path))
    ledger.write(IDS[1], 1, "new")
    assert ledger.names() == Ledger(str(path)).names() == {IDS[0], IDS[1]}


def test_bytes_that_are_no_text_say_nothing(tmp_path: Path) -> None:
    """A file of any bytes is a ledger that says nothing."""
    (tmp_path / "ledger").write_bytes(bytes(range(256)) * 10)
    assert Ledger(str(tmp_path / "ledger")).names() == set()


@pytest.fixture
def tiny() -> Iterator[Path]:
    """A runtime directory that is full after a few dozen lines."""
    RUNTIME.mkdir(mode=0o755, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k,mode=755", "tmpfs", str(RUNTIME)], check=True)
    yield RUNTIME
    subprocess.run(["umount", str(RUNTIME)], check=True)
    remove_directories()


@contextlib.contextmanager
def helper(log: str = "/dev/null") -> Iterator[Process]:
    """A helper whose words of trouble are kept in a file."""
    with open_directory() as directory, helper_process(directory, by=("sh", "-c", f'exec "$@" 2>{log}', "sh")) as process:
        yield process


def fill(directory: Path) -> None:
    """Take every byte that is left."""
    with contextlib.suppress(OSError), (directory / "fill").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)


@pytest.mark.root
def test_many_runs_beside_one_that_stays_do_not_fill_the_runtime_directory(tiny: Path) -> None:
    """Beside a box that runs two hundred others come and go, in a directory that has room for a tenth of their lines."""
    with helper() as process, process.connect() as client:
        box = background(client)
        for _ in range(200):
            assert run(client, "true").code == 0
        assert inspect(client, box.id).state == "running"
        assert LEDGER.stat().st_size < 20_000
        client.ask(Remove(box.id, force=True))


@pytest.mark.root
def test_a_full_runtime_directory_is_survived_and_told(tiny: Path, tmp_path: Path) -> None:
    """With not a byte left boxes start, run on and end, a network says what is wrong, and the log says so, not without end."""
    log = tmp_path / "log"
    with helper(str(log)) as process, process.connect() as client:
        box = background(client)
        network = client.ask(CreateNetwork("shop")).value.id
        fill(tiny)
        for _ in range(100):
            assert run(client, "true").code == 0
        assert refusal(client, Run("busybox", ["true"], network="shop")) == "start_failed"
        before = len(list(Path(f"/proc/{process.process.pid}/fd").iterdir()))
        half_made = client.ask(Run("busybox", [], terminal=True, step=True, network="shop")).value.id
        assert refusal(client, Step(half_made)) == "start_failed"
        assert len(list(Path(f"/proc/{process.process.pid}/fd").iterdir())) == before
        assert inspect(client, box.id).state == "running"
        client.ask(RemoveNetwork(network))
        client.ask(Remove(box.id, force=True))
        assert client.ask(Hello()).value.root is True
        assert "No space left on device" in log.read_text()
        assert log.stat().st_size <= 80_000
    assert command_line("reconcile").returncode == 0


@pytest.mark.root
def test_a_ledger_that_is_no_file_keeps_nobody_waiting() -> None:
    """A directory where the file should be: the helper starts, works, and reconcile does as well."""
    (LEDGER / "inside").mkdir(parents=True)
    with helper() as process, process.connect() as client:
        assert working(client)
    assert command_line("reconcile").returncode == 0
    remove_directories()


def working(client: Client) -> bool:
    """True where a box comes and goes."""
    return run(client, "echo", "yes").output == "yes\n"
