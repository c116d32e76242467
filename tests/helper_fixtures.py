"""Fixtures for tests of the helper: one of a module's own, and root's connection to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.helper_process import Process, helper_process, open_directory, remove_directories
from workshop import protocol
from workshop.client.connection import Client, HelperError


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    """A helper for a module's tests."""
    with open_directory() as directory, helper_process(directory) as running:
        yield running
    remove_directories()


@pytest.fixture
def client(process: Process) -> Iterator[Client]:
    """A connection of root's; what it started ends with it."""
    with process.connect() as one:
        yield one
        for container in one.ask(protocol.List(all=True)).value.containers:
            with contextlib.suppress(HelperError):  # one that was ending has gone by itself
                one.ask(protocol.Remove(container.id, force=True))
