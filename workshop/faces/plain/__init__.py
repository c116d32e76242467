"""The workshop in lines of text, for any terminal, pipe or screen reader: the same lessons and checks, only no pane."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from ...course import Lesson, Step, Typed
from ...facts import Facts
from ...judging import Passed
from ...learning import Desk, Snapshot, Trouble, readable
from ...learning.experiments.run import ExperimentRun
from ...pictures import TEXT_CELLS, History, charts_of, drawn, picture, recorded
from ...words import LANGUAGES, clean, say, words
from ...words.line_breaks import joined, prose
from .. import explained

WIDTH = 78
COMMANDS = {
    "check": "c", "hint": "h", "solution": "s", "next": "n", "back": "b", "answer": "a", "picture": "v", "undo": "u",
    "glossary": "g", "map": "m", "language": "l", "help": "?", "quit": "q",
}  # fmt: skip
"""Each command and its letter, which is the same as its key in the screens."""
TAKING = ("answer", "glossary", "map")
"""Commands that take what follows them."""


def run(desk: Desk, read: Callable[[str], str] = input, write: Callable[[str], None] = print) -> None:
    """Work through the lessons until `quit` or the end of the input. `read` prompts for a line; EOFError ends it."""
    Plain(desk, write).run(read)


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

    def __init__(self, desk: Desk, write: Callable[[str], None]) -> None:
        """Nothing is written before `run`."""
        self._desk = desk
        self._write = write
        self._rebuilding: tuple[Typed, ...] = ()
        self._history = History()
        self._leaving = False
        self._saving = True

    @property
    def _language(self) -> str:
        return self._desk.now.language

    def run(self, read: Callable[[str], str]) -> None:
        """Begin where the learner left, and take lines until the end."""
        self._say("welcome")
        self._say("engine", engine=self._desk.now.wording.engine.reason(self._language))
        self._trying(partial(self._begin, self._desk.now.step.where))
        while not self._leaving:
            try:
                line = read(say(self._language, "plain.prompt"))
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
        except Trouble as trouble:
            self._own_up(str(trouble)) if trouble.ours else self._write(str(trouble))
        except Exception as error:  # whatever it is, it is told and logged
            self._own_up(self._desk.fault(error))
        self._tell_of_saving()

    def _own_up(self, sentence: str) -> None:
        self._prose(say(self._language, "tui.verdict_broken") + sentence)

    def _tell_of_saving(self) -> None:
        """Say it once when progress is not saved any more, and when it is again."""
        unsaved, saving = self._desk.now.unsaved, self._saving
        self._saving = not unsaved
        if saving and unsaved:
            self._prose(unsaved)
        elif not unsaved and not saving:
            self._prose(say(self._language, "tui.saved_again"))

    def take(self, line: str) -> None:
        """Do what a line says; raises Trouble."""
        command, rest = command_of(line)
        if not command and rest.isdecimal() and self._choice(rest):
            command = "answer"
        if not command and rest:
            self._say("unknown", line=clean(rest))
            return
        action: Callable[..., None] = getattr(self, f"_do_{command or 'enter'}")
        action(rest) if command in TAKING else action()

    def _say(self, key: str, **values: object) -> None:
        self._prose(say(self._language, f"plain.{key}", **values))

    def _prose(self, text: str) -> None:
        """What is to be read, in lines that a narrow terminal need not break; what is to be typed is written as it is."""
        self._write(prose(text, WIDTH))

    # Showing

    def _begin(self, where: str) -> None:
        try:
            self._desk.go(where)
        finally:  # a lesson can be read without the helper
            self._show()
        self._rebuild(self._desk.lacking())

    def _show(self) -> None:
        now = self._desk.now
        step, lesson, text = now.step, now.position.lesson, now.text
        title, kind = now.wording.lesson(lesson).title, say(now.language, f"tui.kind_{step.kind}")
        count, number = len(lesson.steps), lesson.steps.index(step) + 1
        self._write("")
        self._say("step", lesson=title, number=number, count=count, kind=kind, step=text.title)
        if now.position.state(step) == "passed":
            self._say("passed_before")
        for part in filter(None, (now.introduction, self._drawn(text.body))):
            self._write("")
            self._prose(part)
        self._write("")
        for number, choice in enumerate(text.choices.values(), 1):
            self._say("choice", number=number, choice=choice)
        self._draw_chart()
        self._say(_how(step))

    def _drawn(self, text: str) -> str:
        return drawn(text, self._desk.now.facts, self._language, TEXT_CELLS)

    def _rebuild(self, lines: tuple[Typed, ...]) -> None:
        """Ask the learner to type these lines, if they were not asked for already."""
        asked, self._rebuilding = self._rebuilding, lines
        if lines and lines != asked:
            self._say("rebuild")
            self._show_lines(lines)

    def _show_lines(self, lines: tuple[Typed, ...]) -> None:
        for one in lines:
            self._write(say(self._language, "plain.typed", number=one.terminal, line=readable(one.line)))

    def _judge(self, answer: str | None = None) -> None:
        """Look, judge and tell; after a step passed, what it meant."""
        if self._rebuilding and self._still_rebuilding():
            return
        seen = self._desk.check(answer)
        self._remember(seen.facts)
        kind = seen.verdict.kind if seen.verdict else "not_yet"
        self._prose(say(seen.language, f"tui.verdict_{kind}") + clean(seen.message))
        if isinstance(seen.verdict, Passed):
            self._debrief()

    def _still_rebuilding(self) -> bool:
        """True where the learner has just been asked for something new; False where all is there, or still is not."""
        asked = self._rebuilding
        self._rebuild(self._desk.rebuild())
        if not self._rebuilding:
            self._desk.rebuilt()
            if self._desk.now.step.ask:  # only now is there something to ask about
                self._show()
        return self._rebuilding not in ((), asked)

    def _measure(self) -> None:
        """Run the step's experiment and draw what came out; Ctrl-C stops it."""
        if (run := self._desk.experiment()) is None:
            return
        try:
            self._work(run)
        except KeyboardInterrupt:
            run.stop()
            run.go_on()
            self._say("measuring_stopped")
        else:
            self._desk.keep(self._desk.now.step, run.measured())
            self._draw_chart()

    def _work(self, run: ExperimentRun) -> None:
        """Every fifth of the way is a line."""
        told = 0
        while run.go_on():
            if (part := 5 * run.done // run.expected) > told:
                told = part
                self._say("measuring", done=run.done, expected=run.expected)

    def _draw_chart(self) -> None:
        now = self._desk.now
        for line in charts_of(now.step.experiment, now.results, now.language, WIDTH):
            self._write(line.plain)

    def _debrief(self) -> None:
        now = self._desk.now
        if settled := now.settled:
            key = "settled_right" if settled[0] == settled[1] else "settled"
            self._prose(say(now.language, f"tui.{key}", predicted=settled[0], shown=settled[1]))
        if debrief := self._drawn(now.text.debrief):
            self._prose(f"\n{debrief}\n\n")
        self._say("go_on")

    # Commands

    def _do_enter(self) -> None:
        """Enter looks; after a step passed, it goes on."""
        if isinstance(self._desk.now.verdict, Passed):
            self._do_next()
        else:
            self._do_check()

    def _do_check(self) -> None:
        self._measure()
        self._judge()

    def _choice(self, number: str) -> str | None:
        """The id of the choice of this number, None where there is none."""
        choices = list(self._desk.now.text.choices)
        return choices[int(number) - 1] if number.isdecimal() and 0 < int(number) <= len(choices) else None

    def _do_answer(self, given: str) -> None:
        if not given:
            self._say("answer_what")
        elif self._desk.now.text.choices and self._choice(given) is None:
            self._say("no_such_choice", count=len(self._desk.now.text.choices))
        else:
            self._judge(self._choice(given) or given)

    def _do_hint(self) -> None:
        hint, now = self._desk.hint(), self._desk.now
        if hint is None:
            self._say("no_more_hints" if now.text.hints else "no_hints")
        else:
            label = say(now.language, "tui.hint", number=now.hints_given, count=len(now.text.hints))
            self._prose(joined(label, hint))

    def _do_solution(self) -> None:
        now = self._desk.now
        if not now.text.solution:
            self._prose(say(now.language, "tui.no_solution"))
            return
        self._desk.solution()
        self._prose(joined(say(now.language, "tui.solution"), now.text.solution))
        self._show_lines(now.lines)

    def _do_next(self) -> None:
        self._move(1)

    def _do_back(self) -> None:
        self._move(-1)

    def _move(self, by: int) -> None:
        now = self._desk.now
        if where := now.position.beside(now.step.where, by, time.time()):
            self._begin(where)
        else:
            self._write(say(now.language, f"tui.{now.position.end(by)}"))

    def _do_picture(self) -> None:
        self._desk.look()
        facts = self._desk.now.facts
        self._remember(facts)
        for line in picture(facts, self._language, WIDTH, self._history, self._desk.now.position.covered):
            self._write(line.plain)

    def _remember(self, facts: Facts | None) -> None:
        """One look more, for the chart that moves from look to look."""
        self._history = recorded(self._history, time.monotonic(), facts or Facts())

    def _do_undo(self) -> None:
        for undone in self._desk.undo():
            self._write(clean(undone))

    def _do_glossary(self, word: str) -> None:
        """The words of the step with their meaning, then all others by name; or what one word may mean."""
        now = self._desk.now
        told, others = (explained.of_word(word, now), []) if word else explained.of_step(now)
        for term in told:
            self._prose(f"\n{explained.told(term, now)}")
        if word and not told:
            self._prose(say(now.language, "glossary.none", wanted=clean(word)))
        if others:
            names = say(now.language, "glossary.and").join(explained.name(term, now) for term in others)
            self._prose(f"\n{say(now.language, 'glossary.rest', words=names)}")

    def _do_map(self, place: str) -> None:
        """All lessons; by its number one lesson's steps; by both numbers on to a step."""
        now = self._desk.now
        lessons = now.position.library.lessons
        match [int(part) if part.isdecimal() else 0 for part in place.split()]:
            case []:
                for number, lesson in enumerate(lessons, 1):
                    self._show_lesson(now, number, lesson)
                self._say("map_on")
            case [lesson] if 0 < lesson <= len(lessons):
                self._show_lesson(now, lesson, lessons[lesson - 1])
                self._show_steps(now, lessons[lesson - 1])
            case [lesson, step] if 0 < lesson <= len(lessons) and 0 < step <= len(lessons[lesson - 1].steps):
                self._begin(lessons[lesson - 1].steps[step - 1].where)
            case _:
                self._say("no_such_place", count=len(lessons))

    def _show_lesson(self, now: Snapshot, number: int, lesson: Lesson) -> None:
        title, count = now.wording.lesson(lesson).title, now.position.count(lesson.steps)
        how_far = {"passed": count.passed, "count": count.possible}
        self._say("map_lesson", number=number, lesson=title, minutes=lesson.minutes, **how_far)
        if count.impossible:
            self._say("map_impossible", count=count.impossible)
        if waiting := len(now.position.due(lesson, time.time())):
            self._say("map_due", count=waiting)

    def _show_steps(self, now: Snapshot, lesson: Lesson) -> None:
        for number, step in enumerate(lesson.steps, 1):
            text = step.text.get(now.language)
            state = say(now.language, f"tui.state_{now.position.state(step)}")
            self._say("map_step", number=number, step=text.title if text else step.id, state=state)

    def _do_language(self) -> None:
        self._desk.speak_on()
        self._show()

    def _do_help(self) -> None:
        self._say("help")
        for command, letter in COMMANDS.items():
            name = say(self._language, f"plain.command_{command}")
            self._say("help_line", command=name, letter=letter, meaning=say(self._language, f"plain.help_{command}"))

    def _do_quit(self) -> None:
        self._leaving = True
