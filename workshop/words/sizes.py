"""Numbers of bytes as text. Pure."""

from __future__ import annotations

from collections.abc import Sequence

BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB")


def size(count: float) -> str:
    """Bytes for people, in powers of 1024 with one digit behind the point, so that columns are straight: `1.5 MiB`."""
    amount, unit = _scaled(count, 1024, BINARY)
    return f"{amount:.{0 if unit == 'B' else 1}f} {unit}"


def binary_size(count: float) -> str:
    """Bytes as Docker tells memory, in powers of 1024 with up to four digits: `1.5MiB`."""
    amount, unit = _scaled(count, 1024, BINARY)
    return f"{amount:.4g}{unit}"


def decimal_size(count: float) -> str:
    """Bytes as Docker tells images, in powers of 1000 with up to three digits: `4.26MB`."""
    amount, unit = _scaled(count, 1000, DECIMAL)
    return f"{amount:.3g}{unit}"


def _scaled(count: float, base: int, units: Sequence[str]) -> tuple[float, str]:
    """The number in the largest unit of which it is at least one, once rounded."""
    step = 0
    while round(count) >= base and step < len(units) - 1:
        count, step = count / base, step + 1
    return count, units[step]
