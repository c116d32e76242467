"""What the helper answers: a named tuple a reply, on its way an object in JSON; `requests` says which request has which.

`box` makes all of them at each start, so they are named tuples, which take a seventh of a dataclass's time, and their annotations
are types, not texts to be evaluated.
"""

from typing import Literal, NamedTuple

State = Literal["created", "running", "paused", "exited"]


class Done(NamedTuple):
    """It is done, and there is nothing to tell of it."""


class Refusal(NamedTuple):
    """Why something was not done, whatever was asked: the key of a text (workshop/words/texts/*/helper.toml), and its values."""

    error: str
    values: dict[str, str | int]


class HelperInfo(NamedTuple):
    """Who is there: the protocol's version, the helper's pid, and whether it is root's, with cgroups and every subject."""

    version: int
    pid: int
    root: bool


class ImageInfo(NamedTuple):
    """One name of an image.

    `id` is the digest of its configuration, `layers` are diff ids, the bottom one first; `created` is in epoch seconds, `size`
    that of the layers' archives in bytes.
    """

    name: str
    id: str
    layers: tuple[str, ...]
    created: int
    size: int


class ImageList(NamedTuple):
    """The caller's own images, and those of everybody whose names none of these has."""

    images: tuple[ImageInfo, ...]


class ImageDetails(NamedTuple):
    """As ImageInfo, and the image's configuration (OCI image specification), as it was registered."""

    name: str
    id: str
    layers: tuple[str, ...]
    created: int
    size: int
    config: str


class Unpacking(NamedTuple):
    """Whether the layer is there already; where it is not, a descriptor to write it into comes beside this."""

    present: bool


class Registered(NamedTuple):
    """The image's id, and its name with a tag."""

    id: str
    name: str


class Unregistered(NamedTuple):
    """Whether this was the image's last name, so that the image is gone."""

    last: bool


class NextStep(NamedTuple):
    """Where a start by steps waits: before step `number` of `total`, from 1 on.

    `call` has the step's system calls, `why` is the key of a text (workshop/words/texts/*/helper.toml), and `pid` the process
    that becomes the sandbox, 0 where there is none yet.
    """

    number: int
    total: int
    call: str
    why: str
    pid: int


class Started(NamedTuple):
    """A sandbox that runs, or one that waits at `stop`: then `calls` are those of all steps that its start has."""

    id: str
    name: str
    calls: tuple[str, ...] = ()
    stop: NextStep | None = None


class Stepped(NamedTuple):
    """Where the start waits next; None once all its steps are made, and the sandbox runs."""

    stop: NextStep | None


class InsideView(NamedTuple):
    """What a half-made sandbox sees around itself; what it can't see is empty or 0.

    `process` is what its /proc calls it, `root` the names in its `/`, `cgroups` are paths; `namespaces` are inodes by kind,
    `capabilities` and `bounding` masks in hexadecimal, as /proc shows them (proc_pid_status(5)).
    """

    hostname: str
    uid: int
    pid: int
    process: int
    session: int
    terminal: bool
    root: tuple[str, ...]
    mounts: int
    cgroups: tuple[str, ...]
    interfaces: tuple[str, ...]
    namespaces: dict[str, int]
    capabilities: str
    bounding: str
    no_new_privileges: int
    seccomp: int


class Looked(NamedTuple):
    """What was seen."""

    seen: InsideView


class ExecStarted(NamedTuple):
    """By which number this connection can wait for the program."""

    process: int


class ExitCode(NamedTuple):
    """How a program ended: 128+n by signal n."""

    code: int


class Limits(NamedTuple):
    """Thousandths of a processor, bytes, processes; 0 is no limit. `cpus` are the processors, as `0,1`; '' for all.

    `shares` weigh it against others where a processor is wanted by more than one, as version 1 counts them; 0 for the usual.
    """

    millicpus: int = 0
    memory: int = 0
    pids: int = 0
    cpus: str = ""
    shares: int = 0


class ContainerInfo(NamedTuple):
    """One sandbox: what was asked for, and what has become of it.

    Times are in epoch seconds. It is "created" while it is half made; `code` and `ended` are 0 until it has "exited", `pid` is
    0 from then on. `cgroups` are directories by controller. `address` is where the others of its network reach it, '' without
    one and after its end. `executions` are the pids of what Exec started in it and still runs.
    """

    id: str
    name: str
    image: str
    image_id: str
    command: tuple[str, ...]
    created: float
    state: State
    code: int
    ended: float
    pid: int
    hostname: str
    limits: Limits
    cgroups: dict[str, str]
    remove: bool
    dropped: tuple[str, ...]
    variables: tuple[str, ...]
    network: str
    address: str
    executions: tuple[int, ...]


class ContainerList(NamedTuple):
    """Sandboxes, the oldest first."""

    containers: tuple[ContainerInfo, ...]


class Printed(NamedTuple):
    """Pieces of what was printed: stream 1 or 2, and text with one Latin-1 character for each byte.

    `next` is the `start` that goes on from here; with `ended` nothing more can come.
    """

    pieces: tuple[tuple[int, str], ...]
    next: int
    ended: bool


class NetworkMember(NamedTuple):
    """A sandbox in a network: its name, and its address there."""

    name: str
    address: str


class NetworkInfo(NamedTuple):
    """One network: `created` in epoch seconds, the subnet as `172.18.0.0/16`, who is in it by id."""

    id: str
    name: str
    created: float
    subnet: str
    containers: dict[str, NetworkMember]


class NetworkList(NamedTuple):
    """Networks, the oldest first."""

    networks: tuple[NetworkInfo, ...]


class NetworkCreated(NamedTuple):
    """The new network's id."""

    id: str
