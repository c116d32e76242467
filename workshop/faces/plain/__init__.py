"""The workshop in lines of text, for any terminal, pipe or screen reader: the same lessons and checks, only no pane."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from ...course import Lesson, Step, Typed
from ...facts import Facts
from ...judging import Passed
from ...learning import Session, fault, missing, not_saved, readable, told
from ...learning.experiments.run import Run
from ...pictures import History, picture, recorded
from ...words import LANGUAGES, WordedError, clean, say, sentence, words
from ...words.line_breaks import joined, prose

WIDTH = 78
COMMANDS = {
    "check": "c", "hint": "h", "solution": "s", "next": "n", "back": "b", "answer": "a", "picture": "v", "undo": "u",
    "map": "m", "language": "l", "help": "?", "quit": "q",
}  # fmt: skip
"""Each command and its letter, which is the same as its key in the screens."""


def run(session: Session, read: Callable[[str], str] = input, write: Callable[[str], None] = print) -> None:
    """Work through the lessons until `quit` or the end of the input. `read` prompts for a line; EOFError ends it."""
    Plain(session, write).run(read)


def command_of(line: str) -> tuple[str, str]:
    """The command that a line begins with, in any of the languages, and the rest; ('', line) where there is none."""
    first, _, rest = line.strip().partition(" ")
    for command, letter in COMMANDS.items():
        names = {command, letter, *(words(language, "plain")[f"command_{command}"] for language in LANGUAGES)}
        if first.lower() in names:
            return command, rest.strip()
    return "", line.strip()


def _how(step: Step) -> str:
    """The key of the sentence that says how a step is done."""
    if step.choices:
        return "how_choice"
    return "how_measure" if step.experiment else "how_answer" if step.takes_answer else "how_do"


class Plain:
    """One learner's dialogue: a line in, lines out."""

    def __init__(self, session: Session, write: Callable[[str], None]) -> None:
        """Nothing is written before `run`."""
        self._session = session
        self._write = write
        self._rebuilding: tuple[Typed, ...] = ()
        self._history = History()
        self._leaving = False
        self._saving = True

    def run(self, read: Callable[[str], str]) -> None:
        """Begin where the learner left, and take lines until the end."""
        self._say("welcome")
        self._say("engine", engine=self._session.engine.reason(self._session.language))
        self._trying(partial(self._begin, self._session.step.where))
        while not self._leaving:
            try:
                line = read(say(self._session.language, "plain.prompt"))
            except EOFError:
                break
            except KeyboardInterrupt:
                self._say("how_to_leave")
                continue
            self._trying(partial(self.take, line))
        self._say("goodbye" if self._saving else "goodbye_unsaved")

    def _trying(self, action: Callable[[], None]) -> None:
        """Do it; where the helper or the progress can't be used, or we failed, say so and go on."""
        try:
            action()
        except WordedError as error:
            self._write(sentence(self._session.language, error))
        except Exception as error:  # whatever it is, it is told and logged
            self._prose(say(self._session.language, "tui.verdict_broken") + fault(self._session, error))
        self._tell_of_saving()

    def _tell_of_saving(self) -> None:
        """Say it once when progress is not saved any more, and when it is again."""
        unsaved, saving = not_saved(self._session), self._saving
        self._saving = not unsaved
        if saving and unsaved:
            self._prose(unsaved)
        elif not unsaved and not saving:
            self._prose(say(self._session.language, "tui.saved_again"))

    def take(self, line: str) -> None:
        """Do what a line says; raises HelperError."""
        command, rest = command_of(line)
        if not command and rest.isdecimal() and self._choice(rest):
            command = "answer"
        if not command and rest:
            self._say("unknown", line=clean(rest))
            return
        action: Callable[..., None] = getattr(self, f"_do_{command or 'enter'}")
        action(rest) if command == "answer" else action()

    def _say(self, key: str, **values: object) -> None:
        self._prose(say(self._session.language, f"plain.{key}", **values))

    def _prose(self, text: str) -> None:
        """What is to be read, in lines that a narrow terminal need not break; what is to be typed is written as it is."""
        self._write(prose(text, WIDTH))

    # Showing

    def _begin(self, where: str) -> None:
        try:
            self._session.go(where)
        finally:  # a lesson can be read without the helper
            self._show()
        self._rebuild(missing(self._session))

    def _show(self) -> None:
        session, steps = self._session, self._session.lesson.steps
        text, lesson = session.text(), session.lesson_text(session.lesson)
        kind = say(session.language, f"tui.kind_{session.step.kind}")
        self._write("")
        self._say("step", lesson=lesson.title, number=steps.index(session.step) + 1, count=len(steps), kind=kind, step=text.title)
        if session.state(session.step) == "passed":
            self._say("passed_before")
        introduction = lesson.introduction if session.step is steps[0] else ""
        for part in filter(None, (introduction, text.body)):
            self._write("")
            self._prose(part)
        self._write("")
        for number, choice in enumerate(text.choices.values(), 1):
            self._say("choice", number=number, choice=choice)
        self._draw_chart()
        self._say(_how(session.step))

    def _rebuild(self, lines: tuple[Typed, ...]) -> None:
        """Ask the learner to type these lines, if they were not asked for already."""
        asked, self._rebuilding = self._rebuilding, lines
        if lines and lines != asked:
            self._say("rebuild")
            self._show_lines(lines)

    def _show_lines(self, lines: tuple[Typed, ...]) -> None:
        for one in lines:
            self._write(say(self._session.language, "plain.typed", number=one.terminal, line=readable(one.line)))

    def _judge(self, answer: str | None = None) -> None:
        """Look, judge and tell; after a step passed, what it meant."""
        session = self._session
        if self._rebuilding and self._still_rebuilding():
            return
        verdict = session.check(answer)
        self._remember(session.facts)
        self._prose(say(session.language, f"tui.verdict_{verdict.kind}") + clean(told(session, verdict)))
        if isinstance(verdict, Passed):
            self._debrief()

    def _still_rebuilding(self) -> bool:
        """True where the learner has just been asked for something new; False where all is there, or still is not."""
        asked = self._rebuilding
        self._rebuild(self._session.rebuild())
        if not self._rebuilding:
            self._session.rebuilt()
            if self._session.step.ask:  # only now is there something to ask about
                self._show()
        return self._rebuilding not in ((), asked)

    def _measure(self) -> None:
        """Run the step's experiment and draw what came out; Ctrl-C stops it."""
        if (run := self._session.experiment()) is None:
            return
        try:
            self._work(run)
        except KeyboardInterrupt:
            run.stop()
            run.go_on()
            self._say("measuring_stopped")
        else:
            self._session.keep(run.measured())
            self._draw_chart()

    def _work(self, run: Run) -> None:
        """Every fifth of the way is a line."""
        told = 0
        while run.go_on():
            if (part := 5 * run.done // run.expected) > told:
                told = part
                self._say("measuring", done=run.done, expected=run.expected)

    def _draw_chart(self) -> None:
        for line in self._session.chart(WIDTH):
            self._write(line.plain)

    def _debrief(self) -> None:
        session = self._session
        if settled := session.settled():
            key = "settled_right" if settled[0] == settled[1] else "settled"
            self._prose(say(session.language, f"tui.{key}", predicted=settled[0], shown=settled[1]))
        if debrief := session.text().debrief:
            self._prose(f"\n{debrief}\n\n")
        self._say("go_on")

    # Commands

    def _do_enter(self) -> None:
        """Enter looks; after a step passed, it goes on."""
        if isinstance(self._session.verdict, Passed):
            self._do_next()
        else:
            self._do_check()

    def _do_check(self) -> None:
        self._measure()
        self._judge()

    def _choice(self, number: str) -> str | None:
        """The id of the choice of this number, None where there is none."""
        choices = list(self._session.text().choices)
        return choices[int(number) - 1] if number.isdecimal() and 0 < int(number) <= len(choices) else None

    def _do_answer(self, given: str) -> None:
        if not given:
            self._say("answer_what")
        elif self._session.text().choices and self._choice(given) is None:
            self._say("no_such_choice", count=len(self._session.text().choices))
        else:
            self._judge(self._choice(given) or given)

    def _do_hint(self) -> None:
        hint, count = self._session.hint(), len(self._session.text().hints)
        if hint is None:
            self._say("no_more_hints")
        else:
            label = say(self._session.language, "tui.hint", number=self._session.hints_given, count=count)
            self._prose(joined(label, hint))

    def _do_solution(self) -> None:
        self._prose(joined(say(self._session.language, "tui.solution"), self._session.solution()))
        self._show_lines(self._session.lines())

    def _do_next(self) -> None:
        self._move(1)

    def _do_back(self) -> None:
        self._move(-1)

    def _move(self, by: int) -> None:
        if where := self._session.beside(self._session.step.where, by):
            self._begin(where)
        else:
            self._write(say(self._session.language, f"tui.{self._session.end(by)}"))

    def _do_picture(self) -> None:
        facts = self._session.look()
        self._remember(facts)
        for line in picture(facts, self._session.language, WIDTH, self._history):
            self._write(line.plain)

    def _remember(self, facts: Facts | None) -> None:
        """One look more, for the chart that moves from look to look."""
        self._history = recorded(self._history, time.monotonic(), facts or Facts())

    def _do_undo(self) -> None:
        for undone in self._session.undo():
            self._write(clean(undone))

    def _do_map(self) -> None:
        for lesson in self._session.library.lessons:
            self._show_lesson(lesson)

    def _show_lesson(self, lesson: Lesson) -> None:
        session = self._session
        done = sum(session.state(step) == "passed" for step in lesson.steps)
        title = session.lesson_text(lesson).title
        self._say("map_lesson", lesson=title, minutes=lesson.minutes, passed=done, count=len(lesson.steps))
        if waiting := len(session.due(lesson)):
            self._say("map_due", count=waiting)
        for number, step in enumerate(lesson.steps, 1):
            text = step.text.get(session.language)
            state = say(session.language, f"tui.state_{session.state(step)}")
            self._say("map_step", number=number, step=text.title if text else step.id, state=state)

    def _do_language(self) -> None:
        session = self._session
        session.language = LANGUAGES[(LANGUAGES.index(session.language) + 1) % len(LANGUAGES)]
        self._show()

    def _do_help(self) -> None:
        self._say("help")
        for command, letter in COMMANDS.items():
            name = say(self._session.language, f"plain.command_{command}")
            self._say("help_line", command=name, letter=letter, meaning=say(self._session.language, f"plain.help_{command}"))

    def _do_quit(self) -> None:
        self._leaving = True
