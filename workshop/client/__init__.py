"""Asking the helper, over its socket (`client.connection`, slow to load), and the error that tells why it could not be done.

Looking with one's own rights is `client.sight`.
"""

from .refusal import HelperError

__all__ = ["HelperError", "connection"]  # the module is loaded by whoever imports it, and not before
