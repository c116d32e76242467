"""The sandboxes of this helper: whose they are, how they begin, and how every trace of them ends."""

from __future__ import annotations

import itertools
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ...protocol import NO_NETWORK, Exec, Limits, ProtocolError, Run
from ..kernel import capabilities, identities, syscalls
from ..kernel.cgroups import Cgroups
from ..kernel.troubles import contained
from .children import Place
from .ended import Ended
from .image_store import Image, Images
from .launch import Started, Steps, enter, launch
from .ledger import Ledger
from .logs import Log
from .loop import Loop, Task
from .names import free_name
from .networks import Networks
from .sandbox import Execution, Phase, Sandbox
from .start import Start, applying
from .stepping import Walk
from .steps import START
from .streams import make_streams

RUNNING_EACH = 32
ENDED_EACH = 32
EXECUTIONS_EACH = 256
"""So many programs may run beside the sandboxes' own in all sandboxes of one owner."""
FIRST_IDENTITY = 2**31
NOT_STARTED = 125
"""The code of a sandbox that could not be started, as Docker has it."""
START_SECONDS = 60.0
"""A start is work in the sandbox's own share of time: the least share, on an emulated processor, took 14 seconds."""
AGAIN_SECONDS = 0.02
"""Between two looks at something that is ending."""
SELDOM_SECONDS = 0.1
"""The same, where it has not ended for long."""
Done = Callable[[tuple[int, ...] | Exception], None]


@dataclass(frozen=True)
class Home:
    """What belongs to this helper: its name, its directories, its clock."""

    instance: str
    directory: str
    loop: Loop
    cgroups: Cgroups
    images: Images
    ledger: Ledger
    networks: Networks
    ended: Ended


class Sandboxes:
    """All sandboxes by id; every method that takes an owner finds that owner's only (root finds all)."""

    def __init__(self, home: Home) -> None:
        """Those that ended under an earlier helper, and were not removed."""
        self.home = home
        self.all: dict[str, Sandbox] = {one.id: one for one in home.ended.read(home.loop)}
        self.children: set[int] = set()
        for owner in {one.owner for one in self.all.values()}:
            self._forget_oldest(owner)

    def of(self, owner: int) -> list[Sandbox]:
        """The sandboxes that this uid may know of, oldest first, those that are being started as well."""
        return [one for one in self.all.values() if owner in (0, one.owner)]

    def busy(self) -> bool:
        """True while something would end with the helper."""
        return bool(self.home.networks.all) or any(one.running for one in self.all.values())

    def find(self, owner: int, reference: str) -> Sandbox:
        """By name, id, or the beginning of an id; raises ProtocolError `no_such_container` or `ambiguous`."""
        known = self.of(owner)
        for fits in (lambda one: reference in (one.id, one.name), lambda one: one.id.startswith(reference)):
            found = [one for one in known if reference and fits(one)]
            mine = [one for one in found if one.owner == owner]
            if len(mine or found) == 1:
                return (mine or found)[0]
            if found:
                raise ProtocolError("ambiguous", container=reference)
        raise ProtocolError("no_such_container", container=reference)

    def running(self, owner: int, reference: str) -> Sandbox:
        """As `find`; raises ProtocolError `half_made` or `not_running` for one that has not started yet, or has ended."""
        sandbox = self.find(owner, reference)
        if sandbox.phase is not Phase.RUNNING:
            raise ProtocolError("half_made" if sandbox.walk.at else "not_running", container=sandbox.name)
        return sandbox

    def run(self, owner: int, wanted: Run, limits: Limits, done: Done) -> Sandbox:
        """Begin to start one; `done` gets the descriptors for its client, or the error."""
        image = self.home.images.find(owner, wanted.image)
        layers = self.home.images.roots(owner, image)
        network = self.home.networks.find(owner, wanted.network) if wanted.network != NO_NETWORK else None
        sandbox = self._plan(owner, wanted, limits, image)
        sandbox.network = network
        streams = make_streams(sandbox.wanted, sandbox.wanted)
        start = Start(self.place(sandbox), streams.program, self.children, layers, limits, network)
        if wanted.step:
            sandbox.walk = start.walk = Walk(self.home.loop, applying(START, start), lambda: self.kill(sandbox))
        self.all[sandbox.id] = sandbox

        def finish(outcome: Started | Exception) -> None:
            if isinstance(outcome, Exception):
                streams.discard()
                sandbox.phase = Phase.ENDING
                self.sweep(sandbox.id, sandbox.owner, lambda: self._failed(sandbox, outcome, done))
                return
            self._adopt(sandbox, outcome)
            done(streams.hand_over(outcome.master, sandbox.log))

        seconds = math.inf if wanted.step else START_SECONDS  # a learner takes time to think
        self.home.ledger.write(sandbox.id, sandbox.owner, sandbox.name)  # before anything bears its name
        sandbox.start = self._begin(sandbox, launch(start), finish, seconds)
        return sandbox

    def execute(self, sandbox: Sandbox, wanted: Exec, done: Done) -> Execution:
        """Begin to start one more program in a running sandbox; `done` as in `run`."""
        if sum(len(one.executions) for one in self.all.values() if one.owner == sandbox.owner) >= EXECUTIONS_EACH:
            raise ProtocolError("too_many_executions_in_all", maximum=EXECUTIONS_EACH)
        execution = Execution(Log(self.home.loop, kept=0))
        sandbox.hold_room()
        streams = make_streams(sandbox.wanted, wanted)
        sandbox.executions.append(execution)

        def finish(outcome: Started | Exception) -> None:
            if isinstance(outcome, Exception):
                streams.discard()
                sandbox.executions.remove(execution)
                done(outcome)
                return
            execution.pid, execution.pidfd = outcome.pid, outcome.pidfd
            self.home.loop.watch(outcome.pidfd, lambda: self._execution_ended(sandbox, execution), sandbox.owner)
            if execution.unwanted:
                execution.kill()
            done(streams.hand_over(outcome.master, execution.log))

        start = Start(self.place(sandbox), streams.program, self.children)
        self._begin(sandbox, enter(start, sandbox.pidfd), finish, START_SECONDS)
        return execution

    def _failed(self, sandbox: Sandbox, error: Exception, done: Done) -> None:
        """Nothing is left of one that did not start: tell who asked for it, and who knew of it meanwhile."""
        sandbox.phase, sandbox.code = Phase.EXITED, NOT_STARTED
        self.forget(sandbox)
        done(error)
        sandbox.tell(sandbox.code)

    def _begin(
        self, sandbox: Sandbox, steps: Steps, finish: Callable[[Started | Exception], None], seconds: float
    ) -> Task[Started]:
        """Go through the steps of a start, for so many seconds at most."""
        task = Task(self.home.loop, steps, finish, sandbox.owner)
        if seconds < math.inf:
            task.fail(ProtocolError("start_failed", reason=f"it took more than {seconds:.0f} seconds"), after=seconds)
        return task

    def kill(self, sandbox: Sandbox) -> None:
        """SIGKILL to its PID 1, with which the kernel kills all the rest; again and again until it is so."""
        if not sandbox.doomed:
            if sandbox.walk.at and sandbox.start:
                self.home.cgroups.thaw(sandbox.id)
                sandbox.start.interrupt(ProtocolError("abandoned", container=sandbox.name))
            self._press(sandbox)
            sandbox.deadline = -math.inf  # one that is being started is killed when it has started

    def stop(self, sandbox: Sandbox, seconds: int) -> None:
        """SIGTERM to its PID 1, and SIGKILL after so many seconds, or sooner if that was asked for, if it is still there."""
        if sandbox.walk.at:  # there is nothing yet that could end by itself
            seconds = 0
        if seconds > 0 and sandbox.phase is Phase.RUNNING:
            syscalls.kill(sandbox.pidfd, signal.SIGTERM)
            self.home.cgroups.thaw(sandbox.id)  # a paused one could not answer
        if seconds < sandbox.deadline - time.monotonic():  # else, who asks often would fill the memory with clocks
            self.home.loop.later(seconds, lambda: self.kill(sandbox))
            sandbox.deadline = time.monotonic() + seconds

    def _press(self, sandbox: Sandbox) -> None:
        """Kill PID 1 and thaw it, now and until that has ended: the next time is set first, whatever this one meets."""
        if sandbox.phase is Phase.RUNNING:
            self.home.loop.later(AGAIN_SECONDS, lambda: self._press(sandbox))
            syscalls.kill(sandbox.pidfd)
            self.home.cgroups.thaw(sandbox.id)
        syscalls.reap_strays(self.children)

    def forget(self, sandbox: Sandbox) -> None:
        """Know nothing more of an ended sandbox."""
        self.home.ended.remove(sandbox.id)
        self.all.pop(sandbox.id, None)

    def _plan(self, owner: int, wanted: Run, limits: Limits, image: Image) -> Sandbox:
        """A sandbox that could be made; raises ProtocolError `name_taken` or `too_many_containers`."""
        mine = [one for one in self.all.values() if one.owner == owner]
        if sum(one.running for one in mine) >= RUNNING_EACH:
            raise ProtocolError("too_many_containers", maximum=RUNNING_EACH)
        taken = {one.name for one in mine}
        if wanted.name in taken:
            raise ProtocolError("name_taken", name=wanted.name)
        identity = os.urandom(32).hex()
        whole = replace(
            wanted,
            name=wanted.name or free_name(taken),
            command=wanted.command or image.command,
            hostname=wanted.hostname or identity[:12],
            dropped=[capabilities.plain(one) for one in wanted.dropped],
        )
        return Sandbox(
            id=identity,
            owner=owner,
            wanted=whole,
            limits=limits,
            remove=wanted.remove,
            base=self._free_base(),
            stack=image,
            log=Log(self.home.loop),
        )

    def _free_base(self) -> int:
        """The first host identity of a range that no running sandbox has; 0 where only the user's own can be had."""
        if os.geteuid():
            return 0
        taken = {one.base for one in self.all.values() if one.running}
        return next(base for base in itertools.count(FIRST_IDENTITY, identities.IDENTITIES) if base not in taken)

    def place(self, sandbox: Sandbox) -> Place:
        """Where its programs run."""
        return Place(self.home.cgroups, sandbox.id, sandbox.base, self.home.directory)

    def _adopt(self, sandbox: Sandbox, started: Started) -> None:
        """Keep a sandbox that has just started."""
        sandbox.pid, sandbox.pidfd, sandbox.upper = started.pid, started.pidfd, started.upper
        sandbox.phase = Phase.RUNNING
        sandbox.cgroups = self.home.cgroups.by_controller(sandbox.id)
        self.home.loop.watch(started.pidfd, lambda: self._init_ended(sandbox), sandbox.owner)
        if sandbox.doomed:
            self._press(sandbox)

    def _execution_ended(self, sandbox: Sandbox, execution: Execution) -> None:
        """Reap it, at once: a PID namespace doesn't end before all in it are reaped."""
        execution.code = self._reap(execution)
        sandbox.executions.remove(execution)
        execution.tell(execution.code)

    def _init_ended(self, sandbox: Sandbox) -> None:
        """Reap PID 1. By then the kernel has killed all others of its PID namespace (pid_namespaces(7))."""
        sandbox.phase = Phase.ENDING
        sandbox.code = self._reap(sandbox)
        for execution in sandbox.executions:  # such as were just about to join it
            execution.kill()
        os.close(sandbox.upper)  # the layer, which is in memory, goes with the last that holds it
        sandbox.upper = -1
        self.sweep(sandbox.id, sandbox.owner, lambda: self._ended(sandbox))

    def _reap(self, ended: Sandbox | Execution) -> int:
        """The exit code of a program that has ended, of which nothing stays open."""
        code = syscalls.reap(ended.pidfd)
        self.home.loop.forget(ended.pidfd)
        os.close(ended.pidfd)
        ended.pidfd = -1
        self.children.discard(ended.pid)
        ended.log.close()
        return code

    def sweep(self, identity: str, owner: int, done: Callable[[], None], pause: float = AGAIN_SECONDS / 10) -> None:
        """Remove the groups, killing what still is in them, until none is left, however often that fails; then it is done.

        What does not end soon is looked at more and more seldom, so that it takes no time from the others.
        """
        if not self.home.cgroups.remove(identity):
            self.home.loop.later(pause, lambda: self.sweep(identity, owner, done, min(2 * pause, SELDOM_SECONDS)), owner)
            self.home.cgroups.kill(identity)
            return
        contained(self.home.networks.leave, identity)
        self.home.ledger.forget(identity)
        done()

    def _ended(self, sandbox: Sandbox) -> None:
        """Nothing is left of it but its memory; that, too, goes if it was so wanted or there is too much of it."""
        sandbox.phase, sandbox.ended = Phase.EXITED, time.time()
        if sandbox.remove:
            self.forget(sandbox)
        else:
            self.home.ended.write(sandbox)
            self._forget_oldest(sandbox.owner)
        sandbox.tell(sandbox.code)

    def _forget_oldest(self, owner: int) -> None:
        """Of what has ended keep no more than an owner may have."""
        kept = [one for one in self.all.values() if one.owner == owner and not one.running]
        for oldest in kept[: max(0, len(kept) - ENDED_EACH)]:
            self.forget(oldest)
