"""One sandbox, running or ended, and the programs that were started in it: what is known of them, and whom their end is told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from ...protocol import ContainerInfo, Limits, ProtocolError, Run, State
from ..kernel import syscalls
from ..kernel.cgroups import is_frozen
from ..kernel.troubles import contained
from .image_store import Image
from .launch import Started
from .logs import Log
from .loop import Task
from .networks import Network
from .stepping import Straight

EXECUTIONS = 64
"""So many programs may run in one sandbox beside its own, of all connections together."""
EndedCall = Callable[[int], None]


class Phase(Enum):
    """Where in its life a sandbox is; it goes through these in this order, and may leave out RUNNING."""

    STARTING = auto()
    """It is being made. `walk.at` tells whether it waits for its client in the midst of that."""
    RUNNING = auto()
    """Its PID 1 is held by `pidfd`."""
    ENDING = auto()
    """Its PID 1 has been reaped, or there never was one; what is left of it is being removed."""
    EXITED = auto()
    """Nothing is left of it but what is remembered."""


@dataclass
class Ending:
    """Something that will end, and who is to be told its exit code then."""

    waiters: list[tuple[EndedCall, Callable[[], bool]]] = field(default_factory=list, kw_only=True)

    def when_ended(self, call: EndedCall, wanted: Callable[[], bool]) -> None:
        """Call this at the end, if it is still wanted then; those that went away meanwhile are dropped here."""
        self.waiters = [one for one in self.waiters if one[1]()] + [(call, wanted)]

    def tell(self, code: int) -> None:
        """Tell everybody who waits."""
        waiters, self.waiters = self.waiters, []
        for call, _ in waiters:
            contained(call, code)


@dataclass(eq=False)
class Execution(Ending):
    """A program that was started in a sandbox beside its own; `code` None while it runs."""

    log: Log
    pid: int = 0
    pidfd: int = -1
    code: int | None = None
    unwanted: bool = False

    def kill(self) -> None:
        """SIGKILL, now or when it has started, unless it has ended."""
        self.unwanted = True
        if self.pidfd >= 0:
            syscalls.kill(self.pidfd)


@dataclass(eq=False)
class Sandbox(Ending):
    """One sandbox, running or ended. `wanted` is what was asked for, with a name and what else was left to the helper."""

    id: str
    owner: int
    wanted: Run
    limits: Limits
    remove: bool
    base: int
    stack: Image
    log: Log
    network: Network | None = None
    created: float = field(default_factory=time.time)
    pid: int = 0
    pidfd: int = -1
    upper: int = -1
    phase: Phase = Phase.STARTING
    deadline: float = math.inf
    """When it is killed at the latest, by the monotonic clock; infinitely long ago once it is `doomed`."""
    code: int = 0
    ended: float = 0.0
    cgroups: dict[str, str] = field(default_factory=dict)
    walk: Straight = field(default_factory=Straight)
    start: Task[Started] | None = None
    executions: list[Execution] = field(default_factory=list)
    """What was started in it and runs, or is being started, whether its client is there or not."""

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return self.wanted.name

    @property
    def running(self) -> bool:
        """True until nothing is left of it, from its beginning on."""
        return self.phase is not Phase.EXITED

    @property
    def doomed(self) -> bool:
        """True for one that was killed, or is as soon as it has started."""
        return self.deadline == -math.inf

    @property
    def address(self) -> str:
        """Where the others of its network reach it, empty for one that none can."""
        member = self.network.members.get(self.id) if self.network else None
        return member.address if member else ""

    @property
    def paused(self) -> bool:
        """True where the kernel keeps its group frozen, whoever wanted that."""
        return self.running and is_frozen(self.cgroups)

    @property
    def state(self) -> State:
        """What has become of it."""
        if self.walk.at:
            return "created"
        return "paused" if self.paused else "running" if self.running else "exited"

    def info(self) -> ContainerInfo:
        """What its owner may know of it."""
        at, wanted = self.walk.at, self.wanted
        return ContainerInfo(
            id=self.id,
            name=self.name,
            image=wanted.image,
            image_id=self.stack.id,
            command=tuple(wanted.command),
            created=self.created,
            state=self.state,
            code=self.code,
            ended=self.ended,
            pid=at.pid if at else self.pid if self.running else 0,
            hostname=wanted.hostname,
            limits=self.limits,
            cgroups=self.cgroups,
            remove=self.remove,
            dropped=tuple(wanted.dropped),
            variables=tuple(wanted.variables),
            network=wanted.network,
            address=self.address,
            executions=tuple(one.pid for one in self.executions if one.pidfd >= 0),
        )

    def hold_room(self) -> None:
        """Raise ProtocolError `too_many_executions` where as many programs run beside its own as may."""
        if len(self.executions) >= EXECUTIONS:
            raise ProtocolError("too_many_executions", container=self.name, maximum=EXECUTIONS)
