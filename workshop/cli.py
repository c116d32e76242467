"""The `workshop` command: every subcommand is a few lines that call into a module. Heavy imports stay inside them."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import __version__
from .faces import startup_gc
from .words import VARIABLE, command_line, language_of, say, sentence

if TYPE_CHECKING:
    from .course import Library
    from .engines import Choice
    from .learning import Session
    from .progress import Progress

LANGUAGE_OPTION = click.option("--lang", type=click.Choice(["en", "zh"]), help="Language; by default the locale's.")
ENGINE_OPTION = click.option(
    "--engine", type=click.Choice(["docker", "box"]), help="What lessons type; by default docker where you may use it."
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
FILE = click.Path(dir_okay=False, path_type=Path)


class Commands(click.Group):
    """All the commands, with the streams and the end that `box` has as well."""

    def main(self, *arguments: Any, **named: Any) -> Any:
        """Do what the command line says, and exit."""
        command_line.run("workshop", partial(super().main, *arguments, **named))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="workshop")
def main() -> None:
    """A hands-on workshop on containers: real namespaces and cgroups, watched and judged by the kernel."""


@main.command()
@click.option("--plain", is_flag=True, help="Lines of text instead of a screen: for any terminal and any screen reader.")
@ENGINE_OPTION
@LANGUAGE_OPTION
def start(plain: bool, engine: str | None, lang: str | None) -> None:
    """Open the workshop, at the step where you left it."""
    language = lang or language_of()
    os.environ[VARIABLE] = language  # for whatever is started from here
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup(1) the shells in the screen would outlive it
    startup_gc.begin()
    from .learning import Desk

    with _session(language, engine) as session:
        if not (sys.stdin.isatty() and sys.stdout.isatty()) and not plain:
            raise click.ClickException(say(language, "cli.no_terminal"))
        if os.geteuid():  # root's own helper has everything, and is started when the kernel is first looked at
            if not has_root_helper(language):
                offer_helper(language)
            elif not session.position.passed:
                offer_root(language)
        offer_image(session)
        if plain:
            from .faces import plain as lines

            startup_gc.settle()
            lines.run(Desk(session))
        else:
            os.environ["TEXTUAL_DISABLE_KITTY_KEY"] = "1"  # before Textual: its parser would eat the shell's keys
            from .faces.screen import run

            run(Desk(session))


def has_root_helper(language: str) -> bool:
    """Whether the helper that answers is root's; says what is wrong with one that does not answer, and raises nothing."""
    from .client import HelperError
    from .client.connection import connected
    from .protocol import Hello

    try:
        with connected() as client:
            return client.ask(Hello()).value.root
    except HelperError as error:
        click.echo(sentence(language, error))
        return False


def offer_helper(language: str) -> None:
    """Say what an ordinary user misses without the system's helper, and offer to install it; raises nothing."""
    click.echo(say(language, "cli.without_root"))
    if sys.stdin.isatty() and click.confirm(say(language, "cli.install_now"), default=False):
        from .setup import install

        if install(language):
            click.pause(say(language, "cli.go_on_without"))


def offer_root(language: str) -> None:
    """Where sudo asks for no password, as in a virtual machine of one's own, offer to begin as root, who can do every step.

    Does not return where that is accepted. Progress is each user's own, so nobody who has passed a step should be asked.
    """
    import subprocess

    free = ["sudo", "--non-interactive", "true"]
    if not (sys.stdin.isatty() and shutil.which("sudo")) or subprocess.run(free, check=False, capture_output=True).returncode:
        return
    if click.confirm(say(language, "cli.begin_as_root"), default=True):
        os.execvp("sudo", ["sudo", *sys.argv, "--lang", language])  # noqa: S606  # the command that was typed, again


def offer_image(session: Session) -> None:
    """Where Docker lacks the image that the lessons start, offer to give it box's; raises nothing."""
    from .engines import docker

    if session.engine.why != "no_image":
        return
    click.echo(session.engine.reason(session.language))
    if sys.stdin.isatty() and click.confirm(say(session.language, "engine.give_image"), default=True) and not docker.give_image():
        click.pause(say(session.language, "engine.not_given"))


def chosen_engine(asked: str | None, language: str) -> Choice:
    """The engine of the lessons; raises ClickException where the one asked for can't be used."""
    from .engines import EngineError, choose

    try:
        return choose(asked)
    except EngineError as error:
        raise click.ClickException(say(language, "engine.impossible", why=sentence(language, error))) from error


@contextmanager
def _session(language: str, engine: str | None = None) -> Iterator[Session]:
    """The learner's session on the real kernel, with their progress; words for what can't be opened."""
    from .client.sight import Observer
    from .learning import Session

    chosen = chosen_engine(engine, language)
    with _progress(language) as progress, closing(Observer()) as observer:
        _own_commands_first()
        yield Session(_library(), progress, observer, language, chosen)


def _own_commands_first() -> None:
    """The learner's shells find `box` and `workshop` of this installation, wherever it is."""
    here = str(Path(sys.argv[0]).resolve().parent if shutil.which(sys.argv[0]) else Path(sys.executable).parent)
    os.environ["PATH"] = f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _library(folder: Path | None = None) -> Library:
    from .course import ContentError, load_library

    try:
        return load_library(folder)
    except ContentError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _progress(language: str) -> Iterator[Progress]:
    """The learner's progress; words for what keeps it from being read, and at the end for what could not be saved."""
    from .progress import Progress, ProgressError, default_path

    progress = Progress(default_path())
    if aside := progress.moved_aside:
        click.echo(say(language, "progress.moved_aside", path=aside), err=True)
    try:
        yield progress
    except ProgressError as error:
        raise click.ClickException(sentence(language, error)) from error
    finally:
        leave(progress, language)
        if progress.moved_aside != aside:  # its damage showed later only
            click.echo(say(language, "progress.moved_aside", path=progress.moved_aside), err=True)


def leave(progress: Progress, language: str) -> None:
    """Close it; where some of it is in no file, say so, and try again for as long as the learner wishes."""
    progress.close()
    while progress.waiting and not progress.kept_in:
        click.echo(say(language, "cli.unsaved_nowhere", count=len(progress.waiting)), err=True)
        if not sys.stdin.isatty() or not click.confirm(say(language, "cli.try_again"), default=True, err=True):
            return
        progress.close()
    if progress.waiting:
        click.echo(say(language, "cli.unsaved", count=len(progress.waiting), file=progress.kept_in), err=True)


@main.command()
@JSON_OPTION
@LANGUAGE_OPTION
def progress(as_json: bool, lang: str | None) -> None:
    """What you have passed, and where you are."""
    from .learning import as_json as overview_json
    from .learning import overview, render

    language = lang or language_of()
    with _progress(language) as found:
        seen = overview(_library(), found.past())
    click.echo(overview_json(seen) if as_json else render(seen, language))


@main.command()
@click.argument("file", type=FILE)
@LANGUAGE_OPTION
def export(file: Path, lang: str | None) -> None:
    """Write your progress with its evidence to FILE, for an instructor."""
    from .progress.exports import export_lines

    language = lang or language_of()
    with _progress(language) as kept:
        lines = b"".join(line + b"\n" for line in export_lines(kept))
    try:
        file.write_bytes(lines)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    events = lines.count(b"\n") - 1
    click.echo(say(language, "cli.exported" if events else "cli.exported_nothing", file=file, events=events))


@main.group(name="class")
def classroom() -> None:
    """For instructors."""


@classroom.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@JSON_OPTION
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@LANGUAGE_OPTION
def report(files: tuple[Path, ...], as_json: bool, as_csv: bool, lang: str | None) -> None:
    """Judge learners' exports again: who passed what, where each is, and what does not follow from its evidence."""
    from .classroom import command

    sys.exit(command(files, as_json, as_csv, lang or language_of()))


@main.command()
@JSON_OPTION
@LANGUAGE_OPTION
def doctor(as_json: bool, lang: str | None) -> None:
    """What this machine can and can't do, why, and the fix."""
    from .setup import doctor as examination

    found = examination.examine()
    click.echo(examination.as_json(found) if as_json else examination.render(found, lang or language_of()))
    sys.exit(0 if found.usable else 1)


@main.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, exists=True, path_type=Path))
@LANGUAGE_OPTION
def lint(folder: Path | None, lang: str | None) -> None:
    """Hold lessons to what a lesson must be; FOLDER holds lessons/ and checks/ of somebody's own."""
    from .authoring.lint import lint as problems_of
    from .authoring.lint import render

    found = problems_of(folder)
    click.echo(render(found, lang or language_of()))
    sys.exit(1 if found else 0)


@main.command()
@click.argument("where", metavar="LESSON/STEP")
@click.argument("name")
@click.option("--answer", help="What the learner would answer.")
@LANGUAGE_OPTION
def record(where: str, name: str, answer: str | None, lang: str | None) -> None:
    """Save the live evidence of LESSON/STEP as case NAME for its check."""
    from .authoring.record import record as save
    from .client import HelperError
    from .course import ContentError

    language = lang or language_of()
    with _session(language) as session:
        try:
            saved = save(session, where, name, answer)
        except HelperError as error:
            raise click.ClickException(sentence(language, error)) from error
        except (ContentError, OSError) as error:
            raise click.ClickException(str(error)) from error
    click.echo(say(language, "cli.recorded", path=saved))


@main.command()
@click.argument("lessons", nargs=-1, metavar="[LESSON…]")
@click.option("--folder", type=click.Path(file_okay=False, exists=True, path_type=Path), help="Lessons of somebody's own.")
@ENGINE_OPTION
@JSON_OPTION
@LANGUAGE_OPTION
@click.option(
    "--as", "role", type=click.Choice(["solver", "copyist"]), default="solver", help="Who: one who copies passes little."
)
@click.option("--seed", type=int, default=1, show_default=True, help="What the copyist's guesses are drawn from.")
def solve(  # noqa: PLR0913, PLR0917  # a parameter an option
    lessons: tuple[str, ...], folder: Path | None, engine: str | None, as_json: bool, lang: str | None, role: str, seed: int
) -> None:
    """Type every solution into real terminals and wait for the verdicts: the lessons' acceptance test."""
    from .authoring import solving

    language = lang or language_of()
    task = solving.Task(lessons, folder, chosen_engine(engine, language), as_json, language)
    sys.exit(solving.copying(task, seed) if role == "copyist" else solving.solving(task))


@main.group()
def helper() -> None:
    """The one part that runs as root."""


@helper.command(name="run")
@click.option("--idle", type=click.IntRange(min=1), help="End after so many seconds without clients and containers.")
def helper_run(idle: int | None) -> None:
    """Run the helper in the foreground."""
    os.execv(sys.executable, _helper_command("run", *(["--idle", str(idle)] if idle else [])))  # noqa: S606  # no shell


@helper.command(name="reconcile")
def helper_reconcile() -> None:
    """Remove whatever a crashed helper left behind; refused while one is running."""
    os.execv(sys.executable, _helper_command("reconcile"))  # noqa: S606  # no shell


def _helper_command(*arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-X", "utf8", str(Path(__file__).parent / "helper" / "__main__.py"), *arguments]


@helper.command(name="install")
@LANGUAGE_OPTION
def helper_install(lang: str | None) -> None:
    """Install the helper for every user of this machine (asks for sudo once)."""
    from .setup import install

    sys.exit(install(lang or language_of()))


@helper.command(name="status")
@JSON_OPTION
@LANGUAGE_OPTION
def helper_status(as_json: bool, lang: str | None) -> None:
    """Which helper answers, and what it can do."""
    import json

    from .client import HelperError
    from .client.connection import Client
    from .protocol import Hello

    language = lang or language_of()
    try:
        with Client.connect() as client:
            found = client.ask(Hello()).value
    except HelperError as error:
        click.echo(json.dumps({"running": False}) if as_json else sentence(language, error))
        sys.exit(1)
    told = say(language, "cli.helper_root" if found.root else "cli.helper_user", **found._asdict())
    click.echo(json.dumps({"running": True, **found._asdict()}) if as_json else told)
