"""The sandboxes of this helper: whose they are, how they begin, and how every trace of them ends."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..protocol import Exec, ProtocolError, Run
from . import launch, syscalls
from .cgroups import Cgroups, Limits
from .images import Images
from .ledger import Ledger
from .loop import Loop

RUNNING_EACH = 32
ENDED_EACH = 32
FIRST_IDENTITY = 2**31
AGAIN_SECONDS = 0.02
"""Between two looks at something that is ending."""
ADJECTIVES = ("amber", "brave", "calm", "clever", "eager", "gentle", "happy", "keen", "lucid", "merry", "nimble", "quiet")
ANIMALS = ("badger", "beaver", "crane", "dolphin", "finch", "gecko", "heron", "ibis", "lemur", "otter", "panda", "wren")
EndedCall = Callable[[int], None]


@dataclass
class Execution:
    """A program that was started in a sandbox beside its own; `code` None while it runs."""

    pidfd: int
    master: int | None = None
    code: int | None = None
    when_ended: list[EndedCall] = field(default_factory=list)

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)


@dataclass
class Sandbox:
    """One sandbox, running or ended."""

    id: str
    name: str
    owner: int
    image: str
    command: list[str]
    hostname: str
    limits: Limits
    remove: bool
    base: int
    created: float = field(default_factory=time.time)
    pid: int = 0
    pidfd: int = -1
    master: int | None = None
    running: bool = True
    code: int = 0
    ended: float = 0.0
    cgroups: dict[str, str] = field(default_factory=dict)
    when_ended: list[EndedCall] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As the protocol's Inspect tells it."""
        limits = {"millicpus": self.limits.millicpus, "memory": self.limits.memory, "pids": self.limits.pids}
        same = {key: getattr(self, key) for key in ("id", "name", "image", "command", "created", "code", "ended", "hostname")}
        state = "running" if self.running else "exited"
        pid = self.pid if self.running else 0
        return {**same, "state": state, "pid": pid, "limits": limits, "cgroups": self.cgroups, "remove": self.remove}


@dataclass(frozen=True)
class Home:
    """What belongs to this helper: its name, its directories, its clock."""

    instance: str
    directory: str
    loop: Loop
    cgroups: Cgroups
    images: Images
    ledger: Ledger


class Sandboxes:
    """All sandboxes by id; every method that takes an owner finds that owner's only (root finds all)."""

    def __init__(self, home: Home) -> None:
        """None yet."""
        self.home = home
        self.all: dict[str, Sandbox] = {}

    def of(self, owner: int) -> list[Sandbox]:
        """The sandboxes that this uid may know of, oldest first."""
        return [one for one in self.all.values() if owner in (0, one.owner)]

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
        """As `find`; raises ProtocolError `not_running` for an ended one."""
        sandbox = self.find(owner, reference)
        if not sandbox.running:
            raise ProtocolError("not_running", container=sandbox.name)
        return sandbox

    def run(self, owner: int, wanted: Run, limits: Limits) -> tuple[Sandbox, tuple[int, ...]]:
        """Start one; returns it with the descriptors for its client."""
        image = self.home.images.find(wanted.image)
        sandbox = self._plan(owner, wanted, limits)
        program = _program(sandbox.command, sandbox.hostname, wanted)
        try:
            self.home.ledger.write(sandbox.id, owner, sandbox.name)
            self.home.cgroups.make(sandbox.id, limits)
            started = launch.start(self._place(sandbox, image), program.program)
        except (OSError, ProtocolError) as error:
            program.discard()
            self._sweep(sandbox.id, lambda: None)
            raise error if isinstance(error, ProtocolError) else ProtocolError("start_failed", reason=str(error)) from error
        self._adopt(sandbox, started)
        return sandbox, program.hand_over(started.master, sandbox, self.home.loop)

    def execute(self, sandbox: Sandbox, wanted: Exec) -> tuple[Execution, tuple[int, ...]]:
        """Start one more program in a running sandbox; returns it with the descriptors for its client."""
        program = _program(wanted.command, sandbox.hostname, wanted)
        try:
            started = launch.enter(self._place(sandbox, ""), sandbox.pidfd, program.program)
        except (OSError, ProtocolError):
            program.discard()
            raise
        execution = Execution(started.pidfd)
        self.home.loop.watch(started.pidfd, lambda: self._execution_ended(execution))
        return execution, program.hand_over(started.master, execution, self.home.loop)

    def kill(self, sandbox: Sandbox) -> None:
        """SIGKILL to its PID 1, with which the kernel kills all the rest, again and again until it is so."""
        if not sandbox.running or sandbox.pidfd < 0:
            return
        self.home.cgroups.thaw(sandbox.id)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(sandbox.pidfd, signal.SIGKILL)
        self.home.loop.later(AGAIN_SECONDS, lambda: self.kill(sandbox))

    def stop(self, sandbox: Sandbox, seconds: int) -> None:
        """SIGTERM to its PID 1, and SIGKILL after so many seconds if it is still there."""
        if seconds > 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(sandbox.pidfd, signal.SIGTERM)
        self.home.loop.later(seconds, lambda: self.kill(sandbox))

    def forget(self, sandbox: Sandbox) -> None:
        """Know nothing more of an ended sandbox."""
        self.all.pop(sandbox.id, None)

    def _plan(self, owner: int, wanted: Run, limits: Limits) -> Sandbox:
        """A sandbox that could be made; raises ProtocolError `name_taken` or `too_many_containers`."""
        mine = [one for one in self.all.values() if one.owner == owner]
        if sum(one.running for one in mine) >= RUNNING_EACH:
            raise ProtocolError("too_many_containers", maximum=RUNNING_EACH)
        taken = {one.name for one in mine}
        if wanted.name in taken:
            raise ProtocolError("name_taken", name=wanted.name)
        name, identity = wanted.name or _free_name(taken), secrets.token_hex(32)
        return Sandbox(
            id=identity,
            name=name,
            owner=owner,
            image=wanted.image,
            command=wanted.command or ["sh"],
            hostname=wanted.hostname or identity[:12],
            limits=limits,
            remove=wanted.remove,
            base=self._free_base(),
        )

    def _free_base(self) -> int:
        """The first host identity of a range that no running sandbox has; 0 where only the user's own can be had."""
        if os.geteuid():
            return 0
        taken = {one.base for one in self.all.values() if one.running}
        return next(base for base in itertools.count(FIRST_IDENTITY, launch.IDENTITIES) if base not in taken)

    def _place(self, sandbox: Sandbox, image: str) -> launch.Place:
        """Where its programs run."""
        home = self.home
        return launch.Place(home.instance, home.cgroups, sandbox.id, image, sandbox.base, home.directory)

    def _adopt(self, sandbox: Sandbox, started: launch.Started) -> None:
        """Keep a sandbox that has just started."""
        sandbox.pid, sandbox.pidfd = started.pid, started.pidfd
        sandbox.cgroups = self.home.cgroups.by_controller(sandbox.id)
        self.all[sandbox.id] = sandbox
        self.home.loop.watch(started.pidfd, lambda: self._init_ended(sandbox))

    def _execution_ended(self, execution: Execution) -> None:
        """Reap it, at once: a PID namespace doesn't end before all in it are reaped."""
        self.home.loop.forget(execution.pidfd)
        execution.code = syscalls.reap(execution.pidfd)
        os.close(execution.pidfd)
        execution.pidfd = -1
        _drop_terminal(execution, self.home.loop)
        for call in execution.when_ended:
            call(execution.code)

    def _init_ended(self, sandbox: Sandbox) -> None:
        """Reap PID 1. By then the kernel has killed all others of its PID namespace (pid_namespaces(7))."""
        self.home.loop.forget(sandbox.pidfd)
        sandbox.code = syscalls.reap(sandbox.pidfd)
        os.close(sandbox.pidfd)
        sandbox.pidfd = -1
        _drop_terminal(sandbox, self.home.loop)
        self._sweep(sandbox.id, lambda: self._ended(sandbox))

    def _sweep(self, identity: str, done: Callable[[], None]) -> None:
        """Remove the groups, killing what still is in them, until none is left; then it is done."""
        if not self.home.cgroups.remove(identity):
            self.home.cgroups.kill(identity)
            self.home.loop.later(AGAIN_SECONDS / 10, lambda: self._sweep(identity, done))
            return
        self.home.ledger.forget(identity)
        done()

    def _ended(self, sandbox: Sandbox) -> None:
        """Nothing is left of it but its memory; that, too, goes if it was so wanted or there is too much of it."""
        sandbox.running, sandbox.ended = False, time.time()
        if sandbox.remove:
            self.forget(sandbox)
        kept = [one for one in self.all.values() if one.owner == sandbox.owner and not one.running]
        for oldest in kept[: max(0, len(kept) - ENDED_EACH)]:
            self.forget(oldest)
        for call in sandbox.when_ended:
            call(sandbox.code)


@dataclass
class _Streams:
    """A program with its streams: the child's ends in `program`, the client's ends in `ours`."""

    program: launch.Program
    ours: tuple[int, ...]
    detached: bool

    def discard(self) -> None:
        """Close both ends."""
        for descriptor in {*self.program.streams, *self.ours}:
            os.close(descriptor)

    def hand_over(self, master: int | None, holder: Sandbox | Execution, loop: Loop) -> tuple[int, ...]:
        """What the client gets. The helper keeps nothing, but the terminal of a detached program, which it empties."""
        for descriptor in set(self.program.streams):
            os.close(descriptor)
        if master is None:
            return self.ours
        if not self.detached:
            return (master,)
        holder.master = master
        os.set_blocking(master, False)
        loop.watch(master, lambda: _drain(holder, loop))
        return ()


def _program(command: list[str], hostname: str, wanted: Run | Exec) -> _Streams:
    """The program that was asked for, with pipes, or nothing to talk to, or a terminal to be opened."""
    terminal = wanted.terminal
    theirs, ours = ((), ()) if terminal else _pipes(wanted.interactive and not wanted.detach, wanted.detach)
    program = launch.Program(command, hostname, terminal, wanted.rows, wanted.columns, theirs)
    return _Streams(program, ours, wanted.detach)


def _pipes(with_input: bool, detached: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The child's three streams and the client's ends of those that are pipes."""
    if detached:
        nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        return (nothing, nothing, nothing), ()
    output, error = os.pipe(), os.pipe()
    if not with_input:
        return (os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC), output[1], error[1]), (output[0], error[0])
    given = os.pipe()
    return (given[0], output[1], error[1]), (given[1], output[0], error[0])


def _drain(holder: Sandbox | Execution, loop: Loop) -> None:
    """Read and drop what a detached program printed, so that it never waits for a reader."""
    try:
        if holder.master is not None and os.read(holder.master, 65536):
            return
    except BlockingIOError:
        return
    except OSError:  # EIO: nobody has the terminal open any more
        pass
    _drop_terminal(holder, loop)


def _drop_terminal(holder: Sandbox | Execution, loop: Loop) -> None:
    """Close the master of a detached program's terminal."""
    if holder.master is not None:
        loop.forget(holder.master)
        os.close(holder.master)
        holder.master = None


def _free_name(taken: set[str]) -> str:
    """A name that is easy to type and not taken."""
    for attempt in itertools.count():
        name = f"{secrets.choice(ADJECTIVES)}_{secrets.choice(ANIMALS)}" + (str(attempt) if attempt > 3 else "")
        if name not in taken:
            return name
    raise AssertionError
