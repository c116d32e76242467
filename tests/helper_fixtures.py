"""Fixtures for tests of the helper: one of a module's own, and root's connection to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helper_process import Process, helper_process, remove_directories
from workshop import protocol
from workshop.client import Client


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A helper for a module's tests."""
    directory = tmp_path_factory.mktemp("helper")
    for one in (directory, *directory.parents[:2]):  # pytest's own, which only root could enter
        one.chmod(0o711)
    with helper_process(directory) as running:
        yield running
    remove_directories()


@pytest.fixture
def client(process: Process) -> Iterator[Client]:
    """A connection of root's; what it started ends with it."""
    with process.connect() as one:
        yield one
        for container in one.ask(protocol.List(all=True)).values["containers"]:
            one.ask(protocol.Remove(container["id"], force=True))
