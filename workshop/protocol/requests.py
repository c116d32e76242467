"""Everything that the helper can be asked for, a frozen dataclass each, declared with the reply that it has."""

from __future__ import annotations

import re
import typing
from dataclasses import dataclass, field

from . import replies
from .replies import Done

VERSION = 1

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}")
"""Container, image and host names, as Docker restricts them."""

NO_NETWORK = "none"
"""Instead of a network's name: its own loopback only."""

Reply_co = typing.TypeVar("Reply_co", covariant=True)


@typing.dataclass_transform(frozen_default=True, field_specifiers=(field,))
@dataclass(frozen=True, eq=False, repr=False)
class Request(typing.Generic[Reply_co]):
    """A question that is replied to with this; descriptors travel beside a reply, and are the asker's to close.

    Each is a frozen dataclass. `box` makes all of them at each start: in half the time where `==` and `repr` are made once.
    """

    def __init_subclass__(cls) -> None:
        """Make a dataclass of it."""
        super().__init_subclass__()
        dataclass(frozen=True, eq=False, repr=False)(cls)

    def __eq__(self, other: object) -> bool:
        """True for a request of the same kind with the same fields."""
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # some fields are lists

    def __repr__(self) -> str:
        """As it is written in Python."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


class Hello(Request[replies.HelperInfo]):
    """Who is there?"""


class Images(Request[replies.ImageList]):
    """Images of the caller."""


class Image(Request[replies.ImageDetails]):
    """One image, by name, id or the beginning of an id."""

    image: str


class Layer(Request[Done]):
    """A layer, by its diff id, with a descriptor to read its tar archive from."""

    digest: str


class Unpack(Request[replies.Unpacking]):
    """Take a layer in: write its tar archive into the descriptor, close that, and ask for Transferred."""

    digest: str


class Pack(Request[Done]):
    """Give a running sandbox's own layer out, with a descriptor to read a tar archive from; then ask for Transferred."""

    container: str


class Transferred(Request[Done]):
    """Reply when this connection's Unpack or Pack is over, or why it failed."""


class Register(Request[replies.Registered]):
    """Give a name to the image of this configuration, whose layers are there. Also a second name."""

    name: str
    config: str


class Unregister(Request[replies.Unregistered]):
    """Take a name away; with the last one go layers that no other image has."""

    image: str


class Run(Request[replies.Started]):
    """Start a sandbox.

    Descriptors: with `terminal` the master of its pseudo-terminal; without it and not `detach`, its stdin (write end;
    only with `interactive`), stdout and stderr (read ends). A sandbox that is not detached dies with the connection that
    asked for it. `millicpus` in thousandths of a processor, `memory` in bytes, 0 for the default (no cpu limit).
    `shares` weigh its processor time against others', 0 for the usual 1024.
    `cpus` are processors by number, as `0,2-3`, '' for all; `dropped` names capabilities that its programs do without
    (`NET_RAW`, `CAP_NET_RAW` or `ALL`); `variables` are `KEY=VALUE` of its programs' environment. What a detached one prints
    is kept for Logs. `network` is one of the caller's.
    With `step` (and `terminal`, and not `detach`) it is not started but waits before its first step; see Step.
    """

    image: str
    command: list[str]
    name: str = ""
    hostname: str = ""
    terminal: bool = False
    interactive: bool = False
    detach: bool = False
    remove: bool = False
    millicpus: int = 0
    memory: int = 0
    pids: int = 0
    rows: int = 24
    columns: int = 80
    step: bool = False
    cpus: str = ""
    shares: int = 0
    dropped: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    network: str = NO_NETWORK


class Step(Request[replies.Stepped]):
    """Make the next step of a sandbox that this connection runs with `step`.

    With the last one comes the master of its terminal as the descriptor. One that waits for half an hour, or whose connection
    ends, is removed.
    """

    container: str


class Look(Request[replies.Looked]):
    """What such a half-made sandbox sees, looking around itself."""

    container: str


class Exec(Request[replies.ExecStarted]):
    """Run one more program in a running sandbox, with descriptors as Run gives them."""

    container: str
    command: list[str]
    terminal: bool = False
    interactive: bool = False
    detach: bool = False
    rows: int = 24
    columns: int = 80


class Wait(Request[replies.ExitCode]):
    """Reply when the sandbox, or the process of Exec on this connection if not 0, has ended."""

    container: str
    process: int = 0


class List(Request[replies.ContainerList]):
    """The caller's sandboxes; ended ones only with `all`."""

    all: bool = False


class Inspect(Request[replies.ContainerInfo]):
    """One sandbox."""

    container: str


class Stop(Request[replies.ExitCode]):
    """End a sandbox: SIGTERM to its PID 1, SIGKILL after `seconds`."""

    container: str
    seconds: int = 10


class Remove(Request[Done]):
    """Forget an ended sandbox, or with `force` end it first."""

    container: str
    force: bool = False


class Update(Request[Done]):
    """Change limits; 0, and '' for `cpus`, leaves a limit as it is, -1 lifts it."""

    container: str
    millicpus: int = 0
    memory: int = 0
    pids: int = 0
    cpus: str = ""
    shares: int = 0


class Pause(Request[Done]):
    """Freeze a sandbox: no process of it runs until Unpause. The reply comes once the kernel says that it is so."""

    container: str


class Unpause(Request[Done]):
    """Let a frozen sandbox run on."""

    container: str


class Logs(Request[replies.Printed]):
    """What a detached sandbox printed after its first `start` bytes, as far as it is still kept.

    With `wait` the reply comes when there is something; on the connection that read it before, even of a sandbox that was
    removed at its end.
    """

    container: str
    start: int = 0
    wait: bool = False


class Observe(Request[Done]):
    """Facts about the host and every container that the caller may know of, as JSON of Facts in a memory file: the descriptor."""

    subjects: list[str]


class Networks(Request[replies.NetworkList]):
    """The caller's networks."""


class CreateNetwork(Request[replies.NetworkCreated]):
    """Make a network: sandboxes in it reach each other, by address and by name, and nothing else."""

    name: str


class RemoveNetwork(Request[Done]):
    """Remove a network that no running sandbox is in."""

    network: str


REQUESTS: dict[str, type[Request[object]]] = {kind.__name__.lower(): kind for kind in Request.__subclasses__()}
"""The closed table of what can be asked for, by the name that it has in a packet."""


def reply_of(kind: type[Request[Reply_co]]) -> type[Reply_co]:
    """What a request of this kind is replied to with: what its class was declared with."""
    (found,) = typing.get_args(kind.__orig_bases__[0])  # type: ignore[attr-defined]  # as types.get_original_bases, from 3.12
    return typing.cast("type[Reply_co]", found)
