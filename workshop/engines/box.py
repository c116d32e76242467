"""box: the workshop's own engine, which is there wherever the workshop is. What removes what a lesson made with it."""

from __future__ import annotations

REMOVES = {"container": ("box", "rm", "-f"), "network": ("box", "network", "rm"), "image": ("box", "rmi")}
"""What removes each kind; the id or name comes after it."""
SHARED_IMAGE = "busybox:latest"
"""Made by the helper when it is first needed; nobody can remove it."""
