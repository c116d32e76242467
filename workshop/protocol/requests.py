"""Everything that the helper can be asked for, a frozen dataclass each; what comes back stands in each one's docstring."""

from __future__ import annotations

import re
import typing
from dataclasses import dataclass, field

VERSION = 1

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}")
"""Container, image and host names, as Docker restricts them."""

NO_NETWORK = "none"
"""Instead of a network's name: its own loopback only."""


@dataclass(frozen=True)
class Hello:
    """Who is there: `{"version", "pid", "root"}`. `root` tells whether cgroups and every subject are available."""


@dataclass(frozen=True)
class Images:
    """Images of the caller: `{"images": [{"name", "id", "layers", "created", "size"}]}`.

    `id` is the digest of its configuration, `layers` are diff ids, the bottom one first; size in bytes, created in epoch
    seconds.
    """


@dataclass(frozen=True)
class Image:
    """One image, as Images gives it, and its `config` (OCI image specification), as it was registered."""

    image: str


@dataclass(frozen=True)
class Layer:
    """A layer, by its diff id: `{}`, with a descriptor to read its tar archive from."""

    digest: str


@dataclass(frozen=True)
class Unpack:
    """Take a layer in: `{"present"}`. Where it was not there, with a descriptor to write the tar archive into.

    Close that, and ask for Transferred.
    """

    digest: str


@dataclass(frozen=True)
class Pack:
    """Give a running sandbox's own layer out: `{}`, with a descriptor to read a tar archive from; then ask for Transferred."""

    container: str


@dataclass(frozen=True)
class Transferred:
    """Reply when this connection's Unpack or Pack is over: `{}`, or why it failed."""


@dataclass(frozen=True)
class Register:
    """Give a name to the image of this configuration, whose layers are there: `{"id", "name"}`. Also a second name."""

    name: str
    config: str


@dataclass(frozen=True)
class Unregister:
    """Take a name away; with the last one go layers that no other image has: `{"last"}`."""

    image: str


@dataclass(frozen=True)
class Run:
    """Start a sandbox: `{"id", "name"}`.

    Descriptors: with `terminal` the master of its pseudo-terminal; without it and not `detach`, its stdin (write end;
    only with `interactive`), stdout and stderr (read ends). A sandbox that is not detached dies with the connection that
    asked for it. `millicpus` in thousandths of a processor, `memory` in bytes, 0 for the default (no cpu limit).
    `shares` weigh its processor time against others', 0 for the usual 1024.
    `cpus` are processors by number, as `0,2-3`, '' for all; `dropped` names capabilities that its programs do without
    (`NET_RAW`, `CAP_NET_RAW` or `ALL`); `variables` are `KEY=VALUE` of its programs' environment. What a detached one prints
    is kept for Logs. `network` is one of the caller's.
    With `step` (and `terminal`, and not `detach`) it is not started but waits before its first step. The reply tells beside
    id and name all `calls` of the walk, and where it waits as `stop`: `{"number", "total", "call", "why", "pid"}`; see Step.
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


@dataclass(frozen=True)
class Step:
    """Make the next step of a sandbox that this connection runs with `step`: `{"stop"}`, where it waits next.

    After the last one `stop` is null, it runs, and the master of its terminal is the reply's descriptor. One that waits for
    half an hour, or whose connection ends, is removed.
    """

    container: str


@dataclass(frozen=True)
class Look:
    """What such a half-made sandbox sees, looking around itself: `{"seen"}`, with the fields of helper/look.py's Seen."""

    container: str


@dataclass(frozen=True)
class Exec:
    """Run one more program in a running sandbox: `{"process"}`, with descriptors as Run gives them."""

    container: str
    command: list[str]
    terminal: bool = False
    interactive: bool = False
    detach: bool = False
    rows: int = 24
    columns: int = 80


@dataclass(frozen=True)
class Wait:
    """Reply when the sandbox, or the process of Exec on this connection if not 0, has ended: `{"code"}` (128+n by signal n)."""

    container: str
    process: int = 0


@dataclass(frozen=True)
class List:
    """The caller's sandboxes: `{"containers": [...]}`, each as Inspect gives it; ended ones only with `all`."""

    all: bool = False


@dataclass(frozen=True)
class Inspect:
    """One sandbox.

    `{"id", "name", "image", "image_id", "command": [...], "created", "state": "created"|"running"|"paused"|"exited", "code",
    "ended", "pid", "hostname", "limits": {"millicpus", "memory", "pids", "cpus", "shares"}, "cgroups": {controller:
    directory}, "remove", "dropped", "variables", "network", "address", "executions": [...]}`; times in epoch seconds. The state
    is "created" while it is half made (see Step). The address is empty without a network, and after its end. `executions` are
    the pids of what Exec started and still runs.
    """

    container: str


@dataclass(frozen=True)
class Stop:
    """End a sandbox: SIGTERM to its PID 1, SIGKILL after `seconds`: `{"code"}`."""

    container: str
    seconds: int = 10


@dataclass(frozen=True)
class Remove:
    """Forget an ended sandbox, or with `force` end it first: `{}`."""

    container: str
    force: bool = False


@dataclass(frozen=True)
class Update:
    """Change limits; 0, and '' for `cpus`, leaves a limit as it is, -1 lifts it: `{}`."""

    container: str
    millicpus: int = 0
    memory: int = 0
    pids: int = 0
    cpus: str = ""
    shares: int = 0


@dataclass(frozen=True)
class Pause:
    """Freeze a sandbox: no process of it runs until Unpause. `{}`, once the kernel says that it is so."""

    container: str


@dataclass(frozen=True)
class Unpause:
    """Let a frozen sandbox run on: `{}`."""

    container: str


@dataclass(frozen=True)
class Logs:
    """What a detached sandbox printed after its first `start` bytes, as far as it is still kept.

    `{"pieces": [[STREAM, TEXT]...], "next", "ended"}`: stream 1 or 2, text with one Latin-1 character for each byte, `next`
    the `start` that continues this, `ended` where nothing more can come. With `wait` the reply comes when there is something;
    on the connection that read it before, even of a sandbox that was removed at its end.
    """

    container: str
    start: int = 0
    wait: bool = False


@dataclass(frozen=True)
class Observe:
    """Facts about the host and every container that the caller may know of: `{}`, with JSON of Facts in a memory file."""

    subjects: list[str]


@dataclass(frozen=True)
class Networks:
    """The caller's networks.

    `{"networks": [{"id", "name", "created", "subnet", "containers": {id: {"name", "address"}}}]}`.
    """


@dataclass(frozen=True)
class CreateNetwork:
    """Make a network: `{"id"}`. Sandboxes in it reach each other, by address and by name, and nothing else."""

    name: str


@dataclass(frozen=True)
class RemoveNetwork:
    """Remove a network that no running sandbox is in: `{}`."""

    network: str


ImageRequest = Images | Image | Layer | Unpack | Pack | Transferred | Register | Unregister
Request = (
    Hello | Run | Step | Look | Exec | Wait | List | Inspect | Stop | Remove | Update | Pause | Unpause | Logs
    | Observe | Networks | CreateNetwork | RemoveNetwork | ImageRequest
)  # fmt: skip
REQUESTS: dict[str, type[Request]] = {kind.__name__.lower(): kind for kind in typing.get_args(Request)}
