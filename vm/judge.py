"""Judges what `make test-vm` brought out: prints it, keeps it as results.json, and exits with 0 if all is well."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ENGINES = {"v2": "box", "v1": "docker"}
"""Which engine solves the lessons, by the control groups that the machine was started with."""
USERS = ("learner", "root")
"""Who solves them: every lesson the first, those with steps for root only the second."""
ERRORS = ("doctor.err", *(f"solve-{user}.err" for user in USERS))
"""What was said on error streams; nothing, where all is well."""
TAIL = 2000
"""Characters of a log that are shown of its end."""


@dataclass(frozen=True)
class Solved:
    """What one user could do with one engine in one machine: steps by lesson and name, with the reason where one did not pass."""

    groups: str
    engine: str
    user: str
    passed: tuple[str, ...]
    impossible: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str], ...]

    @property
    def well(self) -> bool:
        """True where some step passed, and none failed."""
        return bool(self.passed) and not self.failed


def solved(groups: str, user: str, lines: str) -> Solved:
    """What the lines of `workshop solve --json` tell. Pure."""
    outcomes = [json.loads(line) for line in lines.splitlines()]
    steps = [(one["verdict"], f"{one['lesson']}/{one['step']}", one["reason"]) for one in outcomes]
    return Solved(
        groups,
        ENGINES[groups],
        user,
        tuple(name for verdict, name, _ in steps if verdict == "passed"),
        tuple((name, reason) for verdict, name, reason in steps if verdict == "impossible"),
        tuple((name, reason) for verdict, name, reason in steps if verdict not in ("passed", "impossible")),
    )


def told(found: Solved) -> str:
    """A few lines for people: what was impossible by its reason. Pure."""
    counts = f"{len(found.passed)} passed, {len(found.impossible)} impossible there, {len(found.failed)} failed"
    reasons = dict.fromkeys(reason for _, reason in found.impossible)
    impossible = [f"{reason}\n    {', '.join(name for name, why in found.impossible if why == reason)}" for reason in reasons]
    failed = [f"FAILED {name} {reason}" for name, reason in found.failed]
    return "\n  ".join([f"{found.groups}, {found.engine}, {found.user}: {counts}", *impossible, *failed])


def troubles(folder: Path, groups: str) -> list[str]:
    """What went wrong besides lessons in the machine that was started with these control groups."""
    results, console = folder / groups, _read(folder / f"console-{groups}.log")[-TAIL:]
    if _read(results / "provision.status").strip() != "0":
        return [f"{groups}: provision.sh failed, or never ran:\n{_read(results / 'provision.log')[-TAIL:]}{console}"]
    wrong = [f"{groups}: {text}" for name in ERRORS if (text := _read(results / name)[-TAIL:])]
    if not all(_read(results / f"solve-{user}.status") for user in USERS):
        wrong.append(f"{groups}: not all lessons were done when the machine ended:\n{console}")
    return wrong


def main(folder: Path) -> int:
    """Print and keep what is in this folder; returns the exit status."""
    all_solved = [solved(groups, user, _read(folder / groups / f"solve-{user}.jsonl")) for groups in ENGINES for user in USERS]
    wrong = [one for groups in ENGINES for one in troubles(folder, groups)]
    doctors = {groups: json.loads(_read(folder / groups / "doctor.json") or "null") for groups in ENGINES}
    kept = {"solved": [asdict(one) for one in all_solved], "doctor": doctors, "troubles": wrong}
    (folder / "results.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    print("\n".join([*map(told, all_solved), *wrong]))
    return 0 if all(one.well for one in all_solved) and not wrong else 1


def _read(path: Path) -> str:
    """A text, empty where there is none."""
    return path.read_text(errors="replace") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
