"""Asking the helper, over its socket; looking with one's own rights is `client.sight`."""

from .connection import Client, Reply, connected, instance_name
from .refusal import HelperError

__all__ = [
    "Client",
    "HelperError",
    "Reply",
    "connected",
    "instance_name",
]
