"""Numbers that the kernel gives a meaning, for checks to name."""

from __future__ import annotations

CAP_SYS_ADMIN = 1 << 21
"""The capability that mount(2), sethostname(2) and most else that an administrator does ask for (capabilities(7))."""
SECCOMP_FILTER = 2
"""Seccomp's mode for a filter (seccomp(2))."""
OVERFLOW_UID = 65534
"""Whom the kernel shows where an identity has no number in the reader's user namespace (user_namespaces(7))."""
MEBIBYTE = 1 << 20
