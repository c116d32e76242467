"""What checks say often about containers: which are meant, which are new, what keeps one from being the right one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..facts import Container, Evidence, Facts, Mount, Namespaces, Process
from .verdict import NotYet

SHELLS = frozenset({"ash", "bash", "busybox", "dash", "fish", "ksh", "mksh", "sh", "zsh"})
"""Names that a shell's process goes by; busybox is its own shell."""
NO_ENGINE = frozenset({"unshare", "unknown"})
"""What a container's `engine` is where none of those that are known has left its mark: whoever works by hand leaves none."""


def moment(facts: Facts) -> Evidence:
    """Evidence of one moment, at which nothing has appeared or gone: `interactive(moment(seen.before))` are those of then."""
    return Evidence(facts, facts)


def is_shell(container: Container) -> bool:
    """PID 1 is a shell that takes commands, not one that runs a command given by -c."""
    return container.init.name in SHELLS and "-c" not in container.init.arguments


def at_terminal(container: Container) -> bool:
    """PID 1 is a shell that takes commands, on a terminal."""
    return is_shell(container) and container.init.terminal != 0


def command_of(container: Container) -> str:
    """What PID 1 was started as: its arguments, or its name where it has none."""
    return " ".join(container.init.arguments) or container.init.name


def interactive(seen: Evidence) -> tuple[Container, ...]:
    """Containers whose PID 1 is a shell on a terminal: those that appeared since the step began first, then the newest."""
    appeared = seen.appeared()
    ordered = sorted(newest_first(seen.now.containers), key=lambda one: one not in appeared)
    return tuple(one for one in ordered if at_terminal(one))


def newest_first(containers: Iterable[Container]) -> list[Container]:
    """The same containers, the one that was started last before the others."""
    return sorted(containers, key=lambda one: -one.init.started)


def new_of(seen: Evidence, containers: Iterable[Container]) -> list[Container]:
    """Those of them that appeared since the step began."""
    appeared = seen.appeared()
    return [one for one in containers if one in appeared]


def gone_of(seen: Evidence, containers: Iterable[Container]) -> list[Container]:
    """Those of them, seen when the step began, that have ended since."""
    return [one for one in containers if seen.now.same(one) is None]


def left_of(seen: Evidence, containers: Iterable[Container]) -> list[Container]:
    """Those of them, seen when the step began, that are still here, as they were then."""
    return [one for one in containers if seen.now.same(one)]


def has_own(container: Container, host: Namespaces, kinds: Iterable[str]) -> bool:
    """True where it has its own namespace of each of these kinds."""
    return set(kinds) <= set(container.namespaces.apart_from(host))


def shared_of(container: Container, host: Namespaces, kinds: Iterable[str]) -> list[str]:
    """The kinds of these of which it has the host's namespace."""
    shared = container.namespaces.shared_with(host)
    return [kind for kind in kinds if kind in shared]


def mounted_at(mounts: Sequence[Mount], target: str) -> Mount | None:
    """What is mounted there: the last one, as later mounts cover earlier ones; None where nothing is."""
    return next((one for one in reversed(mounts) if one.target == target), None)


def targets_of(facts: Facts) -> set[str]:
    """Where something is mounted on the host."""
    return {one.target for one in facts.host.mounts}


def is_new(seen: Evidence, container: Container, process: Process) -> bool:
    """True for a process of the container that was not there when the step began."""
    earlier = seen.before.same(container)
    known = earlier.processes if earlier else ()
    return (process.pid, process.started) not in {(one.pid, one.started) for one in known}


def unanswered(ours: Sequence[Container]) -> NotYet:
    """What is missing before an answer can be judged: the answer (`no_answer`), or a container to ask of (`no_container`)."""
    return NotYet("no_answer") if ours else NotYet("no_container")


def none_new(ours: Sequence[Container]) -> NotYet:
    """Where a container was to appear and none did: `already_there` {container}, or `no_container`."""
    return NotYet("already_there", container=ours[0].name) if ours else NotYet("no_container")


def not_a_shell(container: Container) -> NotYet:
    """`not_a_shell` {container, command}: its PID 1 takes no commands."""
    return NotYet("not_a_shell", container=container.name, command=command_of(container))


def not_at_terminal(container: Container) -> NotYet:
    """What keeps it from being one to work in: `not_a_shell` {container, command}, or `no_terminal` {container}."""
    return NotYet("no_terminal", container=container.name) if is_shell(container) else not_a_shell(container)


def not_by_hand(container: Container, host: Namespaces, kinds: Iterable[str]) -> NotYet | None:
    """What keeps it from being made by hand, with namespaces of these kinds; None where nothing of this does.

    `engine_made` {container, maker}, `not_a_shell` {command} or `shares_namespaces` {names}.
    """
    if container.engine not in NO_ENGINE:
        return NotYet("engine_made", container=container.name, maker=container.engine)
    if not at_terminal(container):
        return NotYet("not_a_shell", command=command_of(container))
    shared = shared_of(container, host, kinds)
    return NotYet("shares_namespaces", names=", ".join(shared)) if shared else None
