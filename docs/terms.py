"""The tables of docs/authors.md that say what things are called; `docs.architecture` draws them there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workshop.authoring.lint_terms import Rule
from workshop.course import Term


def names(glossary: Sequence[Term]) -> str:
    """Each term of the glossary in both languages, and the step that explains it."""
    rows = [f"| {one.words['en'].term} | {one.words['zh'].term} | `{one.shown}` |" for one in glossary]
    return "\n".join(["| English | Chinese | explained in |", "| --- | --- | --- |", *rows, ""])


def rules(table: Mapping[str, Sequence[Rule]]) -> str:
    """What each thing is called, and by what else it must not be."""
    rows = [
        f"| {language} | {one.right} | {'; '.join(one.wrong)} | {'; '.join(one.fine)} |"
        for language, of_language in table.items()
        for one in of_language
    ]
    return "\n".join(["| language | the term | not | but so it may stand |", "| --- | --- | --- | --- |", *rows, ""])
