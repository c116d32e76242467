"""The closed table of what can be asked for: each operation typed, and each able to say what it does.

An operation gets the caller's identity from the kernel and nothing else: what it finds is the caller's own. It returns an
answer, or None where it will answer when something has ended.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable
from typing import Any

from ... import protocol
from ...protocol import ProtocolError
from ..engine.bounds import hold_bounds, hold_quota
from ..engine.sandbox import Ending, Sandbox
from ..engine.sandboxes import Sandboxes
from ..engine.stepping import Stop, Walk
from ..kernel import processors
from ..kernel.cgroups import Limits
from ..kernel.descriptors import RESERVE, hold_room
from ..watcher.asked import Asked, Asker, Sandboxed
from ..watcher.looks import Look
from . import networks, running
from .answers import Answer, Caller
from .images import IMAGE_OPERATIONS, image_facts

DEFAULTS = Limits(millicpus=0, memory=512 << 20, pids=512)
KEPT = 16
"""How many processes one connection can have started, and of how many ended sandboxes it can still ask the code."""
MAKING = (protocol.Run, protocol.Exec, protocol.Unpack, protocol.Pack, protocol.CreateNetwork)
"""What makes something that keeps descriptors: none of the last ones."""
WORK = (*MAKING, protocol.Layer, protocol.Observe)
"""What is refused where nothing can be made, so that what ends something, or tells of it, is possible still."""


def perform(sandboxes: Sandboxes, caller: Caller, request: protocol.Request) -> Answer | None:
    """Do what was asked; raises ProtocolError where it is refused."""
    hold_bounds(request)
    if isinstance(request, WORK) or (isinstance(request, protocol.Logs) and request.wait):
        hold_room()
    with RESERVE if isinstance(request, MAKING) else contextlib.nullcontext():
        return OPERATIONS[type(request)](sandboxes, caller, request)


def _hello(_: Sandboxes, __: Caller, ___: protocol.Hello) -> Answer:
    return Answer({"version": protocol.VERSION, "pid": os.getpid(), "root": os.geteuid() == 0})


def _run(sandboxes: Sandboxes, caller: Caller, request: protocol.Run) -> Answer | None:
    cpus = processors.chosen(request.cpus)
    limits = Limits(request.millicpus, request.memory or DEFAULTS.memory, request.pids or DEFAULTS.pids, cpus, request.shares)
    hold_quota(caller.uid, limits)
    if request.step:
        return _run_by_steps(sandboxes, caller, request, limits)
    values: dict[str, Any] = {}
    sandbox = sandboxes.run(caller.uid, request, limits, _when_started(caller, values))
    values.update(id=sandbox.id, name=sandbox.name)
    if not request.detach:
        _forget_ended(caller)
        caller.sandboxes[sandbox.id] = sandbox
    return None


def _run_by_steps(sandboxes: Sandboxes, caller: Caller, request: protocol.Run, limits: Limits) -> Answer:
    """Where one waits that is half made: nothing has been done for it yet."""
    if request.detach or not request.terminal:
        raise ProtocolError("step_needs_terminal")
    _forget_ended(caller)

    def end(outcome: tuple[int, ...] | Exception) -> None:
        sandbox.walk.end(outcome)

    sandbox = sandboxes.run(caller.uid, request, limits, end)
    caller.sandboxes[sandbox.id] = sandbox
    calls = [one.call for one in sandbox.walk.steps]
    return Answer({"id": sandbox.id, "name": sandbox.name, "calls": calls, "stop": _told(sandbox.walk.at)})


def _told(stop: Stop | None) -> dict[str, Any] | None:
    return dataclasses.asdict(stop) if stop else None


def _step(_: Sandboxes, caller: Caller, request: protocol.Step) -> None:
    walk = _half_made(caller, request.container)
    answer = caller.answer_later()

    def stepped(outcome: Stop | tuple[int, ...] | Exception) -> None:
        if isinstance(outcome, Stop):
            answer(Answer({"stop": _told(outcome)}))
        else:
            answer(outcome if isinstance(outcome, Exception) else Answer({"stop": None}, outcome))

    walk.go_on(stepped)


def _look(_: Sandboxes, caller: Caller, request: protocol.Look) -> None:
    walk = _half_made(caller, request.container)
    answer = caller.answer_later()
    walk.look(lambda seen: answer(seen if isinstance(seen, Exception) else Answer({"seen": seen})))


def _half_made(caller: Caller, reference: str) -> Walk:
    """The walk of a sandbox that this very connection has half made; raises ProtocolError `not_half_made`."""
    walk = next((one.walk for one in caller.sandboxes.values() if reference in (one.id, one.name)), None)
    if not isinstance(walk, Walk) or not walk.at:
        raise ProtocolError("not_half_made", container=reference)
    return walk


def _exec(sandboxes: Sandboxes, caller: Caller, request: protocol.Exec) -> None:
    sandbox = sandboxes.running(caller.uid, request.container)
    if not request.command:
        raise ProtocolError("no_command")
    if sandbox.paused:  # what would join it would be frozen in the middle of its start
        raise ProtocolError("paused", container=sandbox.name)
    _forget_ended(caller)
    if len(caller.executions) >= KEPT:
        raise ProtocolError("too_many_processes", maximum=KEPT)
    number = max(caller.executions, default=0) + 1
    execution = sandboxes.execute(sandbox, request, _when_started(caller, {"process": number}))
    if not request.detach:  # one that is detached outlives the connection
        caller.executions[number] = execution


def _when_started(caller: Caller, values: dict[str, Any]) -> Callable[[tuple[int, ...] | Exception], None]:
    """What to call with a start's outcome: it answers with these values, and the descriptors."""
    answer = caller.answer_later()
    return lambda outcome: answer(outcome if isinstance(outcome, Exception) else Answer(values, outcome))


def _forget_ended(caller: Caller) -> None:
    """Of what a connection started, keep what runs, and of the rest no more than somebody can still want to know."""
    for number, execution in list(caller.executions.items()):
        if execution.pidfd < 0 and execution.code is None:  # it never started
            del caller.executions[number]
    ended = [one.id for one in caller.sandboxes.values() if not one.running]
    for identity in ended[:-KEPT]:
        del caller.sandboxes[identity]


def _wait(sandboxes: Sandboxes, caller: Caller, request: protocol.Wait) -> Answer | None:
    if request.process:
        return _wait_for_process(caller, request)
    # One that was to be forgotten at its end may have ended already: who ran it may still ask for its code.
    sandbox = caller.sandboxes.get(request.container) or sandboxes.find(caller.uid, request.container)
    if not sandbox.running:
        return Answer({"code": sandbox.code})
    _answer_at_end(sandbox, caller)
    return None


def _wait_for_process(caller: Caller, request: protocol.Wait) -> Answer | None:
    """The code of a process of this connection, which is forgotten once it was told."""
    execution = caller.executions.get(request.process)
    if execution is None:
        raise ProtocolError("no_such_process", process=request.process)
    if execution.code is None:
        _answer_at_end(execution, caller)
        return None
    del caller.executions[request.process]
    return Answer({"code": execution.code})


def _answer_at_end(ending: Ending, caller: Caller) -> None:
    """Answer with the exit code when it has ended."""
    answer = caller.answer_later()
    ending.when_ended(lambda code: answer(Answer({"code": code})), caller.is_open)


def _list(sandboxes: Sandboxes, caller: Caller, request: protocol.List) -> Answer:
    return Answer({"containers": [one.told() for one in sandboxes.of(caller.uid) if one.running or request.all]})


def _inspect(sandboxes: Sandboxes, caller: Caller, request: protocol.Inspect) -> Answer:
    return Answer(sandboxes.find(caller.uid, request.container).told())


def _stop(sandboxes: Sandboxes, caller: Caller, request: protocol.Stop) -> Answer | None:
    sandbox = sandboxes.find(caller.uid, request.container)
    if not sandbox.running:
        return Answer({"code": sandbox.code})
    _answer_at_end(sandbox, caller)
    sandboxes.stop(sandbox, request.seconds)
    return None


def _remove(sandboxes: Sandboxes, caller: Caller, request: protocol.Remove) -> Answer | None:
    sandbox = sandboxes.find(caller.uid, request.container)
    if not sandbox.running:
        sandboxes.forget(sandbox)
        return Answer()
    if not request.force:
        raise ProtocolError("still_running", container=sandbox.name)
    sandbox.remove = True
    answer = caller.answer_later()
    sandbox.when_ended(lambda _: answer(Answer()), caller.is_open)
    sandboxes.kill(sandbox)
    return None


def _update(sandboxes: Sandboxes, caller: Caller, request: protocol.Update) -> Answer:
    sandbox = sandboxes.running(caller.uid, request.container)
    numbers = {"millicpus": request.millicpus, "memory": request.memory, "pids": request.pids, "shares": request.shares}
    changed = {name: max(value, 0) for name, value in numbers.items() if value}
    cpus = processors.chosen(request.cpus) or sandbox.limits.cpus
    limits = dataclasses.replace(sandbox.limits, cpus=cpus, **changed)
    hold_quota(caller.uid, limits)
    try:
        sandboxes.home.cgroups.limit(sandbox.id, limits)
    except OSError as error:
        raise ProtocolError("update_failed", reason=str(error)) from error
    sandbox.limits = limits
    return Answer()


def _observe(sandboxes: Sandboxes, caller: Caller, request: protocol.Observe) -> None:
    """The watcher looks; the file that it wrote goes on to the caller unread."""
    answer = caller.answer_later()

    def question() -> Asked:
        known = {one.id: _sandboxed(one) for one in sandboxes.all.values()}
        images = image_facts(sandboxes, caller) if "images" in request.subjects else ()
        asker, own = Asker(caller.uid, caller.pid), networks.facts(sandboxes, caller)
        return Asked(request.subjects, asker, known, sandboxes.home.instance, own, images)

    def seen(outcome: int | Exception) -> None:
        answer(outcome if isinstance(outcome, Exception) else Answer({}, (outcome,)))

    caller.looks.ask(Look(caller.uid, question, seen, caller.is_open))


def _sandboxed(sandbox: Sandbox) -> Sandboxed:
    """What the watcher is told of a sandbox."""
    at, group = sandbox.walk.at, next(iter(sandbox.cgroups.values()), "")
    init = at.pid if at else sandbox.pid if sandbox.running else 0
    return Sandboxed(sandbox.name, sandbox.owner, init, at, sandbox.upper, group if sandbox.running else "")


OPERATIONS: dict[type[Any], Callable[[Sandboxes, Caller, Any], Answer | None]] = {
    protocol.Hello: _hello,
    protocol.Run: _run,
    protocol.Step: _step,
    protocol.Look: _look,
    protocol.Exec: _exec,
    protocol.Wait: _wait,
    protocol.List: _list,
    protocol.Inspect: _inspect,
    protocol.Stop: _stop,
    protocol.Remove: _remove,
    protocol.Update: _update,
    protocol.Pause: running.pause,
    protocol.Unpause: running.unpause,
    protocol.Logs: running.logs,
    protocol.Observe: _observe,
    protocol.Networks: networks.listing,
    protocol.CreateNetwork: networks.create,
    protocol.RemoveNetwork: networks.remove,
    **IMAGE_OPERATIONS,
}
