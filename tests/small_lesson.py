"""A lesson of five small steps, whole and right, for tests to spoil."""

from __future__ import annotations

import sys
from pathlib import Path

from workshop.authoring.record import save
from workshop.course.library import Library, load_library
from workshop.facts import Evidence, Facts, Host, Namespaces

TOML = """
minutes = 5

[[step]]
id = "guess"
kind = "predict"
choices = ["yes", "no"]
right = "yes"

[[step]]
id = "rename"
kind = "do"
check = "renamed"
subjects = ["hostname"]
settles = "guess"
solution = [{ terminal = 2, line = "hostname other" }]

[[step]]
id = "name_it"
kind = "answer"
check = "named"
answer = "name"
needs = ["rename"]
subjects = ["hostname"]
requires = ["root_helper"]
solution = [{ terminal = 2, line = "hostname" }]

[[step]]
id = "think"
kind = "read"
choices = ["kernel", "shell"]
right = "kernel"

[[step]]
id = "again"
kind = "review"
ask = "asked_again"
about = "small"
subjects = ["hostname"]
"""

ENGLISH = """# Small

An introduction.

## guess: Will it?

Guess.

### choices
- yes: It will.
- no: It will not.

## rename: Rename

Do it:

```
hostname other
```

### hints
- Terminal 2 is the host's.
- The idea.
- Almost `hostname other`.

### solution
Type it: only the host knows its own name.

### verdicts
- not_renamed: Still {name}.
- passed: Now {name}.

### debrief
It changed.

## name_it: Name it

Read it.

### hints
- Terminal 2 is the host's.
- The idea.
- Almost.

### solution
Type it: only the host knows its own name.

### verdicts
- other_name: Not {answered}.

### debrief
So it is.

## think: Think

Who keeps the name?

### choices
- kernel: The kernel.
- shell: The shell.

### verdicts
- wrong_shell: Not "{answer}".

### debrief
The kernel.

## again: Again

How many letters has {name}?

### hints
- Count.

### solution
It has {right}, which is how long the name is.

### verdicts
- wrong: Not {answer}.

### debrief
So many.
"""

CHINESE = ENGLISH.replace("Guess.", "猜一猜。").replace("Small", "小课")

CHECKS = '''"""Checks of a small lesson."""

from __future__ import annotations

from workshop.facts import Asked, Evidence, Facts
from workshop.judging import NotYet, Passed, Verdict


def renamed(seen: Evidence) -> Verdict:
    """The host has another name."""
    name = seen.now.host.hostname
    return Passed(name=name) if name != seen.before.host.hostname else NotYet("not_renamed", name=name)


def named(seen: Evidence) -> Verdict:
    """The answer is the host's name."""
    if not seen.answer:
        return NotYet("no_answer")
    return Passed() if seen.answer == name(seen.now) else _not_named(seen.answer)


def name(facts: Facts) -> str:
    """The host's name."""
    return facts.host.hostname


def asked_again(facts: Facts) -> Asked | None:
    """How long the host's name is."""
    return Asked(len(name(facts)), {"name": name(facts)})


def _not_named(answered: str) -> NotYet:
    return NotYet("other_name", answered=answered)
'''


def write(root: Path) -> Path:
    """The lesson, its checks and a recorded case for each of its verdicts below a folder; returns the folder."""
    folder = root / "lessons" / "10_small"
    folder.mkdir(parents=True)
    (root / "checks").mkdir()
    (folder / "lesson.toml").write_text(TOML, "utf-8")
    (folder / "en.md").write_text(ENGLISH, "utf-8")
    (folder / "zh.md").write_text(CHINESE, "utf-8")
    (root / "checks" / "small.py").write_text(CHECKS, "utf-8")
    record_all(load_library(root))
    for name in [name for name in sys.modules if str(root) in name]:
        del sys.modules[name]  # a checks file is loaded once a process, and tests will spoil this one
    return root


def record_all(library: Library) -> None:
    """One case for each verdict."""
    before, now = named("vm"), named("vm42")
    save(library, "small/rename", "done", Evidence(before, now))
    save(library, "small/rename", "nothing", Evidence(before, before))
    save(library, "small/name_it", "right", Evidence(now, now, "vm42"))
    save(library, "small/again", "right", Evidence(now, now, "4"))
    save(library, "small/name_it", "slip", Evidence(now, now, "another"))


def named(name: str) -> Facts:
    """A machine of this name."""
    return Facts(host=Host(hostname=name, namespaces=Namespaces(pid=4026531836)), subjects=("hostname",))
