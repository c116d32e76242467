"""Draws the tables of docs/authors.md that say what things are called: `python -m docs.terms`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from workshop.authoring.lint_terms import Rule, load_rules
from workshop.course import Term, load_glossary

PAGE = Path(__file__).with_name("authors.md")
BLOCK = re.compile(r"(<!-- drawn: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
"""What is drawn stands between two comments; the first says what it is."""


def names(glossary: Sequence[Term]) -> str:
    """Each term of the glossary in both languages, and the step that explains it. Pure."""
    rows = [f"| {one.words['en'].term} | {one.words['zh'].term} | `{one.shown}` |" for one in glossary]
    return "\n".join(["| English | Chinese | explained in |", "| --- | --- | --- |", *rows, ""])


def rules(table: Mapping[str, Sequence[Rule]]) -> str:
    """What each thing is called, and by what else it must not be. Pure."""
    rows = [
        f"| {language} | {one.right} | {'; '.join(one.wrong)} | {'; '.join(one.fine)} |"
        for language, of_language in table.items()
        for one in of_language
    ]
    return "\n".join(["| language | the term | not | but so it may stand |", "| --- | --- | --- | --- |", *rows, ""])


def redrawn(page: str) -> str:
    """The page with its tables as the data is now."""
    drawn = {"names": names(load_glossary()), "rules": rules(load_rules())}
    return BLOCK.sub(lambda block: f"{block[1]}{drawn[block[2]]}{block[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(redrawn(PAGE.read_text("utf-8")), "utf-8")
