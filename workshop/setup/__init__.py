"""What this machine can (`workshop doctor`), and installing the helper on it."""

from . import doctor
from .install import install

__all__ = [
    "doctor",
    "install",
]
