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
from ...protocol import (
    ContainerInfo,
    ContainerList,
    Done,
    ExecStarted,
    ExitCode,
    HelperInfo,
    Limits,
    Looked,
    NextStep,
    ProtocolError,
    Request,
    Started,
    Stepped,
)
from ..engine.bounds import hold_bounds, hold_quota
from ..engine.sandbox import Ending, Sandbox
from ..engine.sandboxes import Sandboxes
from ..engine.stepping import Stop, Walk
from ..kernel import processors
from ..kernel.descriptors import RESERVE, hold_room
from ..watcher.asked import Asked, Asker, Sandboxed
from ..watcher.looks import Look
from . import baking, networks, running
from .answers import DONE, Answer, Caller, Reply
from .images import IMAGE_OPERATIONS, image_facts

DEFAULTS = Limits(millicpus=0, memory=512 << 20, pids=512)
KEPT = 16
"""How many processes one connection can have started, and of how many ended sandboxes it can still ask the code."""
MAKING = (protocol.Run, protocol.Exec, protocol.Unpack, protocol.Pack, protocol.CreateNetwork)
"""What makes something that keeps descriptors: none of the last ones."""
WORK = (*MAKING, protocol.Layer, protocol.Observe)
"""What is refused where nothing can be made, so that what ends something, or tells of it, is possible still."""


def perform(sandboxes: Sandboxes, caller: Caller, request: Request[Reply]) -> Answer[Reply] | None:
    """Do what was asked; raises ProtocolError where it is refused."""
    hold_bounds(request)
    if isinstance(request, WORK) or (isinstance(request, protocol.Logs) and request.wait):
        hold_room()
    if baking.has_to_wait(sandboxes, request):
        baking.when_baked(sandboxes, caller, request, lambda: perform(sandboxes, caller, request))
        return None
    with RESERVE if isinstance(request, MAKING) else contextlib.nullcontext():
        return OPERATIONS[type(request)](sandboxes, caller, request)


def _hello(_: Sandboxes, __: Caller, ___: protocol.Hello) -> Answer[HelperInfo]:
    return Answer(HelperInfo(protocol.VERSION, os.getpid(), root=os.geteuid() == 0))


def _run(sandboxes: Sandboxes, caller: Caller, request: protocol.Run) -> Answer[Started] | None:
    cpus = processors.chosen(request.cpus)
    limits = Limits(request.millicpus, request.memory or DEFAULTS.memory, request.pids or DEFAULTS.pids, cpus, request.shares)
    hold_quota(caller.uid, limits)
    if request.step:
        return _run_by_steps(sandboxes, caller, request, limits)
    answer = caller.answer_later(request)

    def started(outcome: tuple[int, ...] | Exception) -> None:
        answer(outcome if isinstance(outcome, Exception) else Answer(Started(sandbox.id, sandbox.name), outcome))

    sandbox = sandboxes.run(caller.uid, request, limits, started)
    if not request.detach:
        _forget_ended(caller)
        caller.sandboxes[sandbox.id] = sandbox
    return None


def _run_by_steps(sandboxes: Sandboxes, caller: Caller, request: protocol.Run, limits: Limits) -> Answer[Started]:
    """Where one waits that is half made: nothing has been done for it yet."""
    if request.detach or not request.terminal:
        raise ProtocolError("step_needs_terminal")
    _forget_ended(caller)

    def end(outcome: tuple[int, ...] | Exception) -> None:
        sandbox.walk.end(outcome)

    sandbox = sandboxes.run(caller.uid, request, limits, end)
    caller.sandboxes[sandbox.id] = sandbox
    calls = tuple(one.call for one in sandbox.walk.steps)
    return Answer(Started(sandbox.id, sandbox.name, calls, _next(sandbox.walk.at)))


def _next(stop: Stop | None) -> NextStep | None:
    return NextStep(**dataclasses.asdict(stop)) if stop else None


def _step(_: Sandboxes, caller: Caller, request: protocol.Step) -> None:
    walk = _half_made(caller, request.container)
    answer = caller.answer_later(request)

    def stepped(outcome: Stop | tuple[int, ...] | Exception) -> None:
        if isinstance(outcome, Stop):
            answer(Answer(Stepped(_next(outcome))))
        else:
            answer(outcome if isinstance(outcome, Exception) else Answer(Stepped(None), outcome))

    walk.go_on(stepped)


def _look(_: Sandboxes, caller: Caller, request: protocol.Look) -> None:
    walk = _half_made(caller, request.container)
    answer = caller.answer_later(request)
    walk.look(lambda seen: answer(seen if isinstance(seen, Exception) else Answer(Looked(seen))))


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
    answer = caller.answer_later(request)

    def started(outcome: tuple[int, ...] | Exception) -> None:
        answer(outcome if isinstance(outcome, Exception) else Answer(ExecStarted(number), outcome))

    execution = sandboxes.execute(sandbox, request, started)
    if not request.detach:  # one that is detached outlives the connection
        caller.executions[number] = execution


def _forget_ended(caller: Caller) -> None:
    """Of what a connection started, keep what runs, and of the rest no more than somebody can still want to know."""
    for number, execution in list(caller.executions.items()):
        if execution.pidfd < 0 and execution.code is None:  # it never started
            del caller.executions[number]
    ended = [one.id for one in caller.sandboxes.values() if not one.running]
    for identity in ended[:-KEPT]:
        del caller.sandboxes[identity]


def _wait(sandboxes: Sandboxes, caller: Caller, request: protocol.Wait) -> Answer[ExitCode] | None:
    if request.process:
        return _wait_for_process(caller, request)
    # One that was to be forgotten at its end may have ended already: who ran it may still ask for its code.
    sandbox = caller.sandboxes.get(request.container) or sandboxes.find(caller.uid, request.container)
    if not sandbox.running:
        return Answer(ExitCode(sandbox.code))
    _answer_at_end(sandbox, caller, request)
    return None


def _wait_for_process(caller: Caller, request: protocol.Wait) -> Answer[ExitCode] | None:
    """The code of a process of this connection, which is forgotten once it was told."""
    execution = caller.executions.get(request.process)
    if execution is None:
        raise ProtocolError("no_such_process", process=request.process)
    if execution.code is None:
        _answer_at_end(execution, caller, request)
        return None
    del caller.executions[request.process]
    return Answer(ExitCode(execution.code))


def _answer_at_end(ending: Ending, caller: Caller, request: Request[ExitCode]) -> None:
    """Answer with the exit code when it has ended."""
    answer = caller.answer_later(request)
    ending.when_ended(lambda code: answer(Answer(ExitCode(code))), caller.is_open)


def _list(sandboxes: Sandboxes, caller: Caller, request: protocol.List) -> Answer[ContainerList]:
    return Answer(ContainerList(tuple(one.info() for one in sandboxes.of(caller.uid) if one.running or request.all)))


def _inspect(sandboxes: Sandboxes, caller: Caller, request: protocol.Inspect) -> Answer[ContainerInfo]:
    return Answer(sandboxes.find(caller.uid, request.container).info())


def _stop(sandboxes: Sandboxes, caller: Caller, request: protocol.Stop) -> Answer[ExitCode] | None:
    sandbox = sandboxes.find(caller.uid, request.container)
    if not sandbox.running:
        return Answer(ExitCode(sandbox.code))
    _answer_at_end(sandbox, caller, request)
    sandboxes.stop(sandbox, request.seconds)
    return None


def _remove(sandboxes: Sandboxes, caller: Caller, request: protocol.Remove) -> Answer[Done] | None:
    sandbox = sandboxes.find(caller.uid, request.container)
    if not sandbox.running:
        sandboxes.forget(sandbox)
        return DONE
    if not request.force:
        raise ProtocolError("still_running", container=sandbox.name)
    sandbox.remove = True
    answer = caller.answer_later(request)
    sandbox.when_ended(lambda _: answer(DONE), caller.is_open)
    sandboxes.kill(sandbox)
    return None


def _update(sandboxes: Sandboxes, caller: Caller, request: protocol.Update) -> Answer[Done]:
    sandbox = sandboxes.running(caller.uid, request.container)
    numbers = {"millicpus": request.millicpus, "memory": request.memory, "pids": request.pids, "shares": request.shares}
    changed = {name: max(value, 0) for name, value in numbers.items() if value}
    cpus = processors.chosen(request.cpus) or sandbox.limits.cpus
    limits = sandbox.limits._replace(cpus=cpus, **changed)
    hold_quota(caller.uid, limits)
    try:
        sandboxes.home.cgroups.limit(sandbox.id, limits)
    except OSError as error:
        raise ProtocolError("update_failed", reason=str(error)) from error
    sandbox.limits = limits
    return DONE


def _observe(sandboxes: Sandboxes, caller: Caller, request: protocol.Observe) -> None:
    """The watcher looks; the file that it wrote goes on to the caller unread."""
    answer = caller.answer_later(request)

    def question() -> Asked:
        known = {one.id: _sandboxed(one) for one in sandboxes.all.values()}
        images = image_facts(sandboxes, caller) if "images" in request.subjects else ()
        asker, own = Asker(caller.uid, caller.pid), networks.facts(sandboxes, caller)
        return Asked(request.subjects, asker, known, sandboxes.home.instance, own, images)

    def seen(outcome: int | Exception) -> None:
        answer(outcome if isinstance(outcome, Exception) else Answer(Done(), (outcome,)))

    caller.looks.ask(Look(caller.uid, question, seen, caller.is_open))


def _sandboxed(sandbox: Sandbox) -> Sandboxed:
    """What the watcher is told of a sandbox."""
    at, group = sandbox.walk.at, next(iter(sandbox.cgroups.values()), "")
    init = at.pid if at else sandbox.pid if sandbox.running else 0
    return Sandboxed(sandbox.name, sandbox.owner, init, at, sandbox.upper, group if sandbox.running else "")


OPERATIONS: dict[type[Any], Callable[[Sandboxes, Caller, Any], Answer[Any] | None]] = {
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
