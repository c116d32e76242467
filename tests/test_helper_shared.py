"""The helper on a machine whose mounts are shared with new mount namespaces, as systemd has them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helper_process import helper_process, open_directory, remove_directories, run
from tests.layouts import archive, hand_over
from workshop.client.connection import Client
from workshop.protocol import CreateNetwork, RemoveNetwork

pytestmark = pytest.mark.root


@pytest.fixture
def client() -> Iterator[Client]:
    """A connection to such a helper."""
    by = ("unshare", "--mount", "--propagation", "shared")
    with open_directory() as directory, helper_process(directory, by=by) as process, process.connect() as one:
        yield one
    remove_directories()


def test_a_program_runs_in_a_network(client: Client) -> None:
    """A sandbox starts, with its names mounted, and ends."""
    client.ask(CreateNetwork("shop"))
    assert run(client, "cat", "/etc/hostname", hostname="lab", network="shop").output == "lab\n"
    client.ask(RemoveNetwork("shop"))


def test_a_layer_comes_in(client: Client) -> None:
    """A layer is unpacked by a process that has nothing but the layer's directory."""
    hand_over(client, archive(("hello", b"hello\n")))
