"""Sandboxes that tests make one step at a time."""

from __future__ import annotations

from collections.abc import Iterator

from workshop.client.connection import Client
from workshop.helper.engine.steps import START
from workshop.protocol import NextStep, Run, Step

WANTED = Run("busybox", ["sh"], name="lab", hostname="lab", terminal=True, interactive=True, remove=True, step=True)


TOLD = [step.why for step in START if step.why != "why_plug"]
"""The names of a start's steps, but the one that only a sandbox in a network has."""


def begun(client: Client) -> str:
    """The id of a sandbox that waits before its first step."""
    return client.ask(WANTED).value.id


def walked(client: Client, identity: str, until: str = "") -> Iterator[NextStep]:
    """The stops from the second on, up to the one before `until`."""
    while stop := client.ask(Step(identity)).value.stop:
        yield stop
        if stop.why == f"why_{until}":
            return


def standing(client: Client, before: str) -> str:
    """The id of a sandbox that waits before this step."""
    identity = begun(client)
    assert list(walked(client, identity, before))[-1].why == f"why_{before}"
    return identity
