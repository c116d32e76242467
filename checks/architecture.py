"""Checks of the lesson on architecture: the engine spoken to without its client, clients that die, a registry over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workshop.facts import Component, Container, Evidence, Facts, Repository, Tag
from workshop.judging import NotYet, Passed, Verdict, at_terminal, digest_digits, left_of, newest_first, short_digest, typed

HOSTNAME, ATTACHED = "rest", "lab"
"""Host names of the two containers that the lesson starts: on a shared machine there are others'."""
ENGINE_SOCKETS = frozenset({"docker.sock", "helper.sock", "podman.sock"})
SHORT_DIGEST = 12
"""Hexadecimal digits of a digest that are enough to name it."""


def socket_named(seen: Evidence) -> Verdict:
    """The answer is the path of a socket at which an engine listens for its client."""
    answered = typed(seen.answer).removeprefix("unix://")
    if not answered:
        return NotYet("no_answer")
    if not answered.startswith("/"):
        return NotYet("no_path", answered=answered)
    path = answered.removeprefix("/var") if answered.startswith("/var/run/") else answered
    if path not in seen.now.host.sockets:
        return NotYet("not_listening", answered=answered)
    return Passed(path=path) if _file(path) in ENGINE_SOCKETS else NotYet("other_socket", answered=answered)


def spoken_to(seen: Evidence) -> Verdict:
    """A container appeared that has the host name that was asked for."""
    appeared = seen.appeared()
    for container in appeared:
        if container.hostname == HOSTNAME:
            return Passed(container=container.name, pid=container.init.pid)
    if appeared:
        return NotYet("other_hostname", container=appeared[0].name, hostname=appeared[0].hostname)
    there = _asked_for(seen.now)
    return NotYet("already_there", container=there[0].name) if there else NotYet("none")


def client_stays(seen: Evidence) -> Verdict:
    """A client appeared that stays, while the container is there."""
    if not _asked_for(seen.now):
        return NotYet("no_container")
    new = _new_clients(seen)
    if stays := [one for one in new if one.lasting]:
        return Passed(name=stays[-1].name, pid=stays[-1].pid)
    if new:
        return NotYet("just_begun", pid=new[-1].pid)
    return NotYet("already_there", pid=_clients(seen.now)[-1].pid) if _clients(seen.now) else NotYet("no_client")


def client_gone(seen: Evidence) -> Verdict:
    """A client that was there is gone, and the container that it looked at is not."""
    there = _clients(seen.before)
    if not there or not _asked_for(seen.before):
        return NotYet("was_not_there")
    gone = [one for one in there if one not in _clients(seen.now)]
    if not gone:
        return NotYet("still_there", name=there[-1].name, pid=there[-1].pid)
    alive = left_of(seen, _asked_for(seen.before))
    return Passed(pid=gone[-1].pid, container=alive[0].name) if alive else NotYet("container_gone")


def attached(seen: Evidence) -> Verdict:
    """The container lab with a shell on a terminal appeared, and a client that stays with it."""
    appeared = [one for one in seen.appeared() if one.hostname == ATTACHED]
    ours = [one for one in appeared if at_terminal(one)]
    if not ours:
        return NotYet("no_terminal", container=appeared[0].name) if appeared else NotYet("no_container")
    new = _new_clients(seen)
    return Passed(container=ours[-1].name, pid=new[-1].pid) if new else NotYet("no_client", container=ours[-1].name)


def attached_client_gone(seen: Evidence) -> Verdict:
    """The client of the container lab is gone; what became of the container differs by engine."""
    ours, clients = [one for one in seen.before.containers if one.hostname == ATTACHED], _clients(seen.before)
    if not ours or not clients:
        return NotYet("was_not_there")
    container = max(ours, key=lambda one: one.init.started)
    gone = [one for one in clients if one not in _clients(seen.now)]
    if not gone:
        return NotYet("still_there", name=clients[-1].name, pid=clients[-1].pid)
    if seen.now.same(container):
        return NotYet("ending") if container.engine == "box" else Passed("lives_on", pid=gone[-1].pid, container=container.name)
    if container.engine == "box":
        return Passed("ended_too", pid=gone[-1].pid, container=container.name)
    return NotYet("left", container=container.name)


def registry_started(seen: Evidence) -> Verdict:
    """A registry answers on the loopback interface that did not when the step began."""
    if not seen.now.registry.answers:
        return NotYet("no_registry")
    return NotYet("already_there") if seen.before.registry.answers else Passed()


def layer_pushed(seen: Evidence) -> Verdict:
    """The registry knows a repository that it did not know before."""
    if not seen.now.registry.answers:
        return NotYet("no_registry")
    known = {one.name for one in seen.before.registry.repositories}
    new = [one.name for one in seen.now.registry.repositories if one.name not in known]
    if new:
        return Passed(repository=new[0])
    return NotYet("already_there", repository=min(known)) if known else NotYet("no_repository")


def manifest_pushed(seen: Evidence) -> Verdict:
    """Two tags stand for one manifest that has a layer, and at least one of them is new."""
    now, before = list(_tags(seen.now)), {(where.name, tag.name) for where, tag in _tags(seen.before)}
    if not now:
        return NotYet("no_tag") if seen.now.registry.answers else NotYet("no_registry")
    if all((where.name, tag.name) in before for where, tag in now):
        return NotYet("already_there", repository=now[0][0].name)
    for where in {where for where, _ in now}:
        for digest in {tag.digest for tag in where.tags if tag.layers}:
            names = [tag.name for tag in where.tags if tag.digest == digest]
            if len(names) > 1:
                return Passed(repository=where.name, first=names[0], second=names[1], digest=short_digest(digest))
    return NotYet("no_layers", tag=now[0][1].name) if not now[0][1].layers else NotYet("one_tag", tag=now[0][1].name)


def digest_named(seen: Evidence) -> Verdict:
    """The answer is the digest of a manifest that a tag stands for."""
    tags = [tag for _, tag in _tags(seen.now)]
    if not tags:
        return NotYet("no_tag")
    found = re.match(r"(?:sha256:)?([0-9a-f]+)", typed(seen.answer).lower())
    if not found:
        return NotYet("no_answer")
    if len(found[1]) < SHORT_DIGEST:
        return NotYet("too_short", least=SHORT_DIGEST)
    for tag in tags:
        if digest_digits(tag.digest).startswith(found[1]):
            return Passed(tag=tag.name, digest=short_digest(tag.digest))
    layers = [layer for tag in tags for layer in tag.layers]
    return NotYet("layer_named") if any(digest_digits(one).startswith(found[1]) for one in layers) else NotYet("other_digest")


def tag_moved(seen: Evidence) -> Verdict:
    """A tag stands for another manifest than before, and another tag still for the one that it stood for."""
    before = {(where.name, tag.name): tag.digest for where, tag in _tags(seen.before)}
    if not before:
        return NotYet("was_not_there")
    now = {(where.name, tag.name): tag.digest for where, tag in _tags(seen.now)}
    moved = [key for key, digest in before.items() if now.get(key, digest) != digest]
    for key in moved:
        kept = [name for (where, name), digest in now.items() if where == key[0] and digest == before[key]]
        if kept:
            return Passed(tag=key[1], old=short_digest(before[key]), new=short_digest(now[key]), kept=kept[0])
    if moved:
        return NotYet("none_kept", tag=moved[0][1])
    return NotYet("new_tag", tag=min(now.keys() - before.keys())[1]) if now.keys() - before.keys() else NotYet("not_moved")


def all_gone(seen: Evidence) -> Verdict:
    """What the lesson had started has ended: containers, and the registry if there was one."""
    there = [one for one in seen.before.containers if one.hostname in (HOSTNAME, ATTACHED)]
    if not there and not seen.before.registry.answers:
        return NotYet("was_not_there")
    left = left_of(seen, there)
    if left and seen.now.registry.answers:
        return NotYet("both_left", container=left[0].name)
    if left:
        return NotYet("still_running", container=left[0].name)
    return NotYet("still_answers") if seen.now.registry.answers else Passed()


def engine_socket(facts: Facts) -> str:
    """The path of an engine's socket."""
    return next(path for path in facts.host.sockets if _file(path) in ENGINE_SOCKETS)


def manifest_digest(facts: Facts) -> str:
    """The digest of a tag's manifest."""
    return next(tag.digest for _, tag in _tags(facts))


def _file(path: str) -> str:
    return path.rpartition("/")[2]


def _clients(facts: Facts) -> tuple[Component, ...]:
    """The clients that run, of the learner's own and of root's, as whom a learner may have to work."""
    return tuple(one for one in facts.host.components if one.part == "client" and one.uid in (facts.caller, 0))


def _new_clients(seen: Evidence) -> tuple[Component, ...]:
    return tuple(one for one in _clients(seen.now) if one not in _clients(seen.before))


def _asked_for(facts: Facts) -> tuple[Container, ...]:
    """The container that was made without a client, by its host name; the newest first."""
    return tuple(newest_first(one for one in facts.containers if one.hostname == HOSTNAME))


def _tags(facts: Facts) -> Iterator[tuple[Repository, Tag]]:
    return ((where, tag) for where in facts.registry.repositories for tag in where.tags)
