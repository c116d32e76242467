"""What `workshop lint` finds in lessons, and how it says so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests import small_lesson
from workshop.authoring.lint import lint, render
from workshop.authoring.lint_terms import order_problems, term_problems
from workshop.authoring.problem import Problem
from workshop.cli import main
from workshop.course import parse_glossary
from workshop.course.library import load_library
from workshop.words import LANGUAGES

TEXTS = Path(__file__).parents[1] / "workshop" / "words" / "texts"
Spoil = Callable[[Path], None]


def replaced(file: str, old: str, new: str) -> Spoil:
    """Replace a text in a file of the small lesson, where it stands first."""

    def spoil(root: Path) -> None:
        path = root / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return spoil


def toml(old: str, new: str) -> Spoil:
    """Replace a text in lesson.toml."""
    return replaced("lessons/10_small/lesson.toml", old, new)


def english(old: str, new: str) -> Spoil:
    """Replace a text in en.md."""
    return replaced("lessons/10_small/en.md", old, new)


def checks(old: str, new: str) -> Spoil:
    """Replace a text in the checks file."""
    return replaced("checks/small.py", old, new)


def vocabulary(imported: str, verdict: str) -> Spoil:
    """Let a check return a verdict of the vocabulary's, for which the lesson has no text."""

    def spoil(root: Path) -> None:
        checks("from workshop.facts import", f"{imported}\nfrom workshop.facts import")(root)
        checks("    if not seen.answer:", f"    if seen.answer == '?':\n        return {verdict}\n    if not seen.answer:")(root)

    return spoil


def written(file: str, text: str = "") -> Spoil:
    """Write one more file."""

    def spoil(root: Path) -> None:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, "utf-8")

    return spoil


def removed(file: str) -> Spoil:
    """Remove a file."""
    return lambda root: (root / file).unlink()


JUDGING = next(line for line in small_lesson.CHECKS.splitlines() if "not_renamed" in line)
CASES = "lessons/10_small/facts"
THIRD = '[[step]]\nid = "third"\nkind = "read"\nchoices = ["a", "b"]\nright = "a"\n\n'
SPOILS: list[tuple[str, Spoil]] = [
    ("not_loadable", toml("minutes = 5", "minutes =")),
    ("no_language", removed("lessons/10_small/zh.md")),
    ("no_steps", written("lessons/20_empty/lesson.toml")),
    ("checks_unreadable", checks("def renamed(", "def renamed((")),
    ("checks_unreadable", removed("checks/small.py")),
    ("unused_function", checks("def _not_named", "def unused() -> None:\n    pass\n\n\ndef _not_named")),
    ("no_function", toml('"renamed"', '"renaimed"')),
    ("same_number", written("lessons/10_other/lesson.toml")),
    ("stray_lesson", written("lessons/notes.txt")),
    ("stray_file", written("lessons/10_small/fr.md")),
    ("stray_case", written(f"{CASES}/renamed__done.json")),
    ("stray_case", written(f"{CASES}/rename__done.txt")),
    ("stray_check", written("checks/smal.py")),
    ("unknown_name", toml('subjects = ["hostname"]', 'subjects = ["hostnames"]')),
    ("unknown_name", toml('requires = ["root_helper"]', 'requires = ["luck"]')),
    ("no_choices", toml('choices = ["yes", "no"]', 'choices = ["yes"]')),
    ("right_unknown", toml('right = "yes"', 'right = "perhaps"')),
    ("no_right", toml('right = "kernel"', "")),
    ("check_and_choices", toml('right = "kernel"', 'right = "kernel"\ncheck = "named"')),
    ("choices_not_asked", toml('check = "renamed"', 'check = "renamed"\nchoices = ["a", "b"]')),
    ("no_check", toml('check = "renamed"', "")),
    ("no_answer_function", toml('answer = "name"', "")),
    ("answer_not_asked", toml('check = "renamed"', 'check = "renamed"\nanswer = "name"')),
    ("experiment_not_asked", toml('check = "renamed"', 'check = "renamed"\nexperiment = "density"')),
    ("unknown_name", toml('check = "renamed"', 'check = "renamed"\nexperiment = "guessing"')),
    ("no_question", toml('about = "small"', "")),
    ("question_judges", toml('ask = "asked_again"', 'ask = "asked_again"\ncheck = "renamed"')),
    ("unknown_in_words", english("How many letters has {name}?", "How many letters has {nam}?")),
    ("unknown_in_words", english("Guess.", "Guess, {nam}.")),
    ("unknown_value", english("Not {answer}.\n\n### debrief\nSo many.", "Not {nam}.\n\n### debrief\nSo many.")),
    ("no_verdict_text", english("- wrong: Not {answer}.", "- no_answer: Say it.")),
    ("no_solution", toml('solution = [{ terminal = 2, line = "hostname" }]', "")),
    ("need_unknown", toml('needs = ["rename"]', 'needs = ["think"]')),
    ("need_unknown", toml('needs = ["rename"]', 'needs = ["guess"]')),
    ("settles_unknown", toml('settles = "guess"', 'settles = "rename"')),
    ("settles_unknown", toml('right = "yes"', "")),
    ("no_section", english(small_lesson.ENGLISH[small_lesson.ENGLISH.index("## think") :], "")),
    ("answer_shown", english("Read it.", "Read it. Is it vm42?")),
    ("answer_shown", english("## name_it: Name it", "## name_it: Is it vm42?")),
    ("answer_in_picture", checks("return facts.host.hostname", "return str(facts.host.namespaces.pid)")),
    ("choices_alike", toml('[[step]]\nid = "guess"', f'{THIRD}[[step]]\nid = "guess"')),
    ("unknown_name", toml('check = "renamed"', 'check = "renamed"\ncovers = ["walls"]')),
    ("hint_is_a_place", english("- Terminal 2 is the host's.\n", "- In terminal 2.\n")),
    ("no_reason", english("Type it: only the host knows its own name.", "`hostname other`.")),
    ("fences_differ", english("```\nhostname other\n```", "hostname other")),
    ("no_body", english("Guess.", "")),
    ("no_body", english("## guess: Will it?", "## guess:")),
    ("choices_differ", english("- no: It will not.\n", "")),
    ("no_debrief", english("### debrief\nIt changed.", "")),
    ("hints_count", english("- The idea.\n", "")),
    ("no_solution_text", english("### solution\nType it: only the host knows its own name.\n", "")),
    ("slug_not_literal", checks('NotYet("not_renamed", name=name)', 'NotYet("not_" + "renamed", name=name)')),
    ("never_judges", checks(JUDGING, "    return seen")),
    ("no_verdict_text", english("- not_renamed: Still {name}.\n", "")),
    ("no_verdict_text", vocabulary("from workshop.judging import unanswered", "unanswered(())")),
    ("no_verdict_text", vocabulary("from workshop.judging import unanswered as lacking", "lacking(())")),
    ("no_verdict_text", vocabulary("import workshop.judging", "workshop.judging.unanswered(())")),
    ("no_verdict_text", vocabulary("import workshop.judging as words", "words.unanswered(())")),
    ("no_verdict_text", vocabulary("from workshop.judging import *", "not_at_terminal(seen.now.containers[0])")),
    ("no_verdict_text", english('- wrong_shell: Not "{answer}".', "- passed: Yes.")),
    ("stray_verdict_text", english("- not_renamed:", "- not_renaimed: Hm.\n- not_renamed:")),
    ("braces", english("Still {name}.", "Still {name.")),
    ("unknown_value", english("Still {name}.", "Still {nam}.")),
    ("values_differ", english("Still {name}.", "Still so.")),
    ("import_refused", checks("from workshop.facts", "import os\n\nfrom workshop.facts")),
    ("import_refused", checks("from workshop.facts", "from workshop.course.library import Library\n\nfrom workshop.facts")),
    ("call_refused", checks('    name = seen.now.host.hostname\n', '    name = seen.now.host.hostname\n    print(name)\n')),
    ("case_unreadable", written(f"{CASES}/rename__broken.json", "{")),
    ("case_of_other_step", replaced(f"{CASES}/name_it__right.json", '"step": "name_it"', '"step": "rename"')),
    ("case_misjudged", checks('NotYet("not_renamed"', 'NotYet("not_changed"')),
    ("case_misjudged", checks("    name = seen.now", "    name = 1 / 0\n    name = seen.now")),
    ("slug_without_case", removed(f"{CASES}/rename__nothing.json")),
    ("slug_without_case", removed(f"{CASES}/name_it__right.json")),
    ("too_easy", checks("if name != seen.before.host.hostname", "if name")),
]  # fmt: skip


TERMS = parse_glossary("""
[name]
shown = "small/rename"
en = { term = "other name", forms = ["other name", "do it"], meaning = "Another one." }
zh = { term = "other", meaning = "另一个。" }
""")
"""A glossary whose one term the second step explains: in Chinese only its code names it."""
TERM_SPOILS: list[tuple[str, Spoil]] = [
    ("other_term", english("An introduction.", "An introduction to syscalls.")),
    ("other_term", english("- The idea.", "- A filesystem.")),
    ("other_term", english("- not_renamed: Still {name}.", "- not_renamed: Still process 1.")),
    ("other_term", replaced("lessons/10_small/zh.md", "猜一猜。", "猜一猜 PID 1 是谁。")),
    ("other_term", replaced("lessons/10_small/zh.md", "猜一猜。", "哪个控制组（cgroup）？一个 cgroup。")),
    ("term_too_early", english("Guess.", "Guess the other name.")),
    ("term_too_early", english("- yes: It will.", "- yes: It will have other names.")),
    ("term_not_shown", english("Do it:", "Rename it:")),
]
"""What is wrong with words. That no question uses a word too early is not asked of our own lessons yet."""
FINE_WORDS: list[Spoil] = [
    english("Guess.", "Guess what `hostname` says of ~/syscalls, {hostname} and --hostname."),
    english("Guess.", "Guess.\n\n```\nls folder; hostname\n```"),
    english("It changed.", "It has another name: any other name would do."),
    replaced("lessons/10_small/zh.md", "猜一猜。", "*控制组*（cgroup）、*cgroup* 命名空间和 PID 命名空间。"),
]
"""Code, names that are filled in, brackets behind the term, and what comes after the explanation."""


def words_found(root: Path) -> list[Problem]:
    """What is wrong with the words of the small lesson, by the small glossary."""
    library = load_library(root)
    return [*term_problems(library, TERMS), *order_problems(library, TERMS)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a lesson in which nothing is wrong."""
    return small_lesson.write(tmp_path)


def test_our_own_lessons_are_whole() -> None:
    """The workshop's lessons have nothing to fix."""
    assert render(lint(), "en") == "Nothing to fix."


def test_our_own_lessons_take_five_to_fifteen_minutes() -> None:
    """As the map says."""
    assert {lesson.id: lesson.minutes for lesson in load_library().lessons if not 5 <= lesson.minutes <= 15} == {}


def test_a_whole_lesson_has_nothing_to_mend(root: Path) -> None:
    """A lesson with steps of each kind, both languages and a case for each verdict passes."""
    assert lint(root) == []


def test_the_former_names_of_the_vocabulary_still_serve(root: Path) -> None:
    """A check of somebody else's that imports by them is whole, and its recorded cases are judged as they were."""
    checks("from workshop.judging import", "from workshop.facts.reading import typed\nfrom workshop.verdict import")(root)
    checks("if not seen.answer", "if not typed(seen.answer)")(root)
    assert lint(root) == []


def test_a_verdict_of_the_vocabulary_is_known_by_its_slug_and_values(root: Path) -> None:
    """With a text for it, that names what it gives, and a recorded case, a lesson that uses it is whole."""
    vocabulary("from workshop.judging import none_new", "none_new(seen.now.containers)")(root)
    for file in ("en.md", "zh.md"):
        told = "- already_there: It is {container}.\n- no_container: None.\n- other_name"
        replaced(f"lessons/10_small/{file}", "- other_name", told)(root)
    assert {one.slug for one in lint(root)} == {"slug_without_case"}


@pytest.mark.parametrize(("slug", "spoil"), SPOILS, ids=[f"{number}-{slug}" for number, (slug, _) in enumerate(SPOILS)])
def test_what_is_wrong_is_found(root: Path, slug: str, spoil: Spoil) -> None:
    """Each thing that can be wrong with a lesson is named, with its place, in both languages."""
    spoil(root)
    found = lint(root)
    assert slug in {one.slug for one in found}
    for language in LANGUAGES:
        sentences = render(found, language)
        assert "{" not in sentences.replace("{name", "").replace("{nam}", "")
        assert len(sentences.splitlines()) > len(found)


SLIPS = {
    "{engin}": english("Read it.", "Read it by {engin}."),
    "{timelien}": english("Guess.", "Guess.\n\n```\n{timelien}\n```"),
    "{soket}": english("hostname other\n```", "ls {soket}\n```"),
    "{regsitry}": english("- Almost `hostname other`.", "- Almost `ls {regsitry}`."),
    "{whale}": english("An introduction.", "An introduction to {whale}."),
    "{engine}": english("## name_it: Name it", "## name_it: Name it by {engine}"),
    "{layers}": english("- The idea.", "- The {layers}."),
    "{nam}": english("How many letters has {name}?", "How many letters has `{nam}`?"),
}
"""Names that nothing fills in where they stand, by the name."""


@pytest.mark.parametrize("name", SLIPS)
def test_a_name_that_nothing_fills_in_is_found(root: Path, name: str) -> None:
    """Prose would show it with its braces: lint says which, where, and what is known there, in both languages."""
    SLIPS[name](root)
    found = [one for one in lint(root) if one.slug == "unknown_in_words"]
    assert len(found) == 1
    for language in LANGUAGES:
        assert re.match(r"small(/\w+)?, en\.md: ", found[0].sentence(language))
        assert name in found[0].sentence(language)


BRACES = [
    "Guess: `awk '{print $1}'`, `'{print}'`, `{ps} sh`, ${HOME}, {}.",
    "Guess by `docker inspect -f '{{.State.Pid}}'`.",
    "Guess.\n\n```\necho '{\"name\": {\"of\": 1}}' | awk '{print}' {a,b} ${pid}\n```",
    "Guess where {engine} listens: {socket}, {registry}.\n\n```\n{timeline}\n```",
]
"""Bodies in which nothing is wrong."""


@pytest.mark.parametrize("body", BRACES)
def test_other_braces_stay_free(root: Path, body: str) -> None:
    """What is filled in, and what is the shell's, awk's, JSON's or a template's."""
    for file in ("en.md", "zh.md"):
        replaced(f"lessons/10_small/{file}", "Guess." if file == "en.md" else "猜一猜。", body)(root)
    assert lint(root) == []


@pytest.mark.parametrize(("slug", "spoil"), TERM_SPOILS, ids=[f"{number}-{slug}" for number, (slug, _) in enumerate(TERM_SPOILS)])
def test_words_that_are_wrong_are_found(root: Path, slug: str, spoil: Spoil) -> None:
    """With the place, the word and the right one, or the step that explains it."""
    spoil(root)
    (found,) = words_found(root)
    assert found.slug == slug
    for language in LANGUAGES:
        assert all(str(value) in found.sentence(language) for _, value in found.values)


@pytest.mark.parametrize("spoil", FINE_WORDS)
def test_other_words_stay_free(root: Path, spoil: Spoil) -> None:
    """Lint has nothing to say of them."""
    spoil(root)
    assert words_found(root) == []


def test_lint_says_things_in_one_order(root: Path) -> None:
    """However Python orders its sets in this run."""
    shutil.rmtree(root / CASES)
    english("Still {name}.", "Still so.")(root)
    english("Now {name}.", "Now so.")(root)
    said = {_said(root, seed) for seed in ("1", "2", "3", "4")}
    assert len(said) == 1
    assert said.pop().count("workshop record") == 5


def _said(root: Path, seed: str) -> str:
    """What the command prints with this seed of Python's."""
    command = [sys.executable, "-c", "from workshop.cli import main; main()", "lint", str(root), "--lang", "en"]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout


def test_every_sentence_of_lint_is_tried() -> None:
    """No problem is described that no test brings about."""
    described = tomllib.loads((TEXTS / "en" / "lint.toml").read_text("utf-8")).keys() - {"fine", "found"}
    assert described == {slug for slug, _ in [*SPOILS, *TERM_SPOILS]}


def test_the_command_fails_where_something_is_wrong(root: Path) -> None:
    """`workshop lint DIR` exits with 0 for a whole lesson, with 1 and the place for a spoilt one."""
    assert CliRunner().invoke(main, ["lint", str(root), "--lang", "en"]).exit_code == 0
    english("- The idea.\n", "")(root)
    result = CliRunner().invoke(main, ["lint", str(root), "--lang", "en"])
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "1 to fix.")
    assert result.output.startswith("small/rename, en.md: has 2 hints; write 3")
