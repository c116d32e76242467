"""Texts in two languages, and what becomes of them on standard streams. Where lines end is `words.line_breaks`."""

from . import command_line, language
from .clean import clean, escaped
from .errors import WordedError, sentence
from .language import LANGUAGES, VARIABLE, fill, language_of, say, words
from .sizes import binary_size, decimal_size, size

__all__ = [
    "LANGUAGES",
    "VARIABLE",
    "WordedError",
    "binary_size",
    "clean",
    "command_line",
    "decimal_size",
    "escaped",
    "fill",
    "language",
    "language_of",
    "say",
    "sentence",
    "size",
    "words",
]
