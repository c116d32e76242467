"""Checks of the lesson on the file system: two roots above one kernel, layers, what containers write above them."""

from __future__ import annotations

import re

from workshop.facts import Container, Evidence, Facts, Image, Root
from workshop.judging import (
    NotYet,
    Passed,
    Verdict,
    base_of,
    grown_images,
    interactive,
    layers_of,
    moment,
    new_of,
    short_digest,
    typed,
    unanswered,
)

SHOWN = 12
"""Digits of a layer's digest that its name has."""
STACKING = ("aufs", "btrfs", "overlay", "zfs")
"""What the lesson looks for among the kernel's file systems."""
UNITS = {"b": 1, "kb": 1000, "mb": 1000**2, "kib": 1024, "mib": 1024**2, "": 1}
SLACK = 0.06
"""A size may be rounded by so much."""


def started(seen: Evidence) -> Verdict:
    """A shell on a terminal started in a container whose root is stacked of layers, and is not the host's."""
    shells = [one for one in interactive(seen) if layers_of(one)]
    fresh = new_of(seen, shells)
    if fresh:
        return Passed(container=fresh[0].name, own=_told(fresh[0].root), host=_told(seen.now.host.root))
    if shells:
        return NotYet("already_there", container=shells[0].name)
    appeared = seen.appeared()
    if appeared and not layers_of(appeared[0]):
        return NotYet("no_layers", container=appeared[0].name)
    return NotYet("no_terminal", container=appeared[0].name) if appeared else NotYet("no_container")


def _told(root: Root) -> str:
    """What tells a root directory from others: device and inode, as stat(1) prints them."""
    return f"{root.device}:{root.inode}" if root.inode else "?"


def kernel_named(seen: Evidence) -> Verdict:
    """The answer is the kernel's release, which host and container share."""
    answered = typed(seen.answer)
    if not (shells := _shells(seen)):
        return NotYet("no_container")
    if not answered:
        return NotYet("no_answer")
    if answered == kernel(seen.now):
        return Passed(kernel=answered, container=shells[0].name)
    return (
        NotYet("other_release", answered=answered) if re.match(r"\d+\.\d", answered) else NotYet("no_release", answered=answered)
    )


def kernel(facts: Facts) -> str:
    """The release of the one kernel."""
    return facts.host.kernel


def base_named(seen: Evidence) -> Verdict:
    """The answer is the name of the one layer below the container's own."""
    answered, shells = typed(seen.answer).lower(), _shells(seen)
    if not shells or not answered:
        return unanswered(shells)
    for one in shells:
        if layers_of(one)[-1] in answered:
            return Passed(layer=layers_of(one)[-1], container=one.name)
    if "upper" in answered or "work" in answered:
        return NotYet("the_upper", answered=answered[:SHOWN])
    return NotYet("the_type") if "overlay" in answered else NotYet("other_layer", answered=answered[:SHOWN])


def base(facts: Facts) -> str:
    """The bottom layer of the newest container with a shell."""
    shells = _shells(moment(facts))
    return layers_of(shells[0])[-1] if shells else ""


def second_shares(seen: Evidence) -> Verdict:
    """Another container started on the layer that the first stands on."""
    shells, appeared = _shells(seen), seen.appeared()
    if not shells:
        return NotYet("no_container")
    pairs = [(first, other) for first in shells for other in seen.now.containers if _share(first, other)]
    if fresh := [(first, other) for first, other in pairs if other in appeared]:
        first, other = fresh[0]
        return Passed(first=first.name, second=other.name, layer=layers_of(first)[-1])
    if pairs:
        return NotYet("already_there", container=pairs[0][1].name)
    others = [one for one in appeared if one not in shells and layers_of(one)]
    return NotYet("other_image", container=others[0].name) if others else NotYet("no_second")


def _share(first: Container, other: Container) -> bool:
    """True for two containers that stand on the same layer."""
    return first != other and bool(layers_of(other)) and layers_of(first)[-1] == layers_of(other)[-1]


def copied_up(seen: Evidence) -> Verdict:
    """A container with a shell has a copy of the image's /etc/passwd in its own layer."""
    return _wrote(seen, "etc/passwd", "file", NotYet("no_copy"))


def whited_out(seen: Evidence) -> Verdict:
    """A container with a shell has a mark of deletion for the image's /etc/group."""
    return _wrote(seen, "etc/group", "whiteout", NotYet("not_deleted"))


def made_opaque(seen: Evidence) -> Verdict:
    """A directory of the image's was removed and made anew, which hides what the image has in it."""
    shells = _shells(seen)
    one_by_one = [path for one in shells for path, kind in _written(one) if kind == "whiteout" and path.startswith("usr/sbin/")]
    if one_by_one and not any(("usr/sbin", "opaque") in _written(one) for one in shells):
        return NotYet("emptied", count=len(one_by_one))
    if any(("usr/sbin", "whiteout") in _written(one) for one in _shells(seen)):
        return NotYet("only_removed")
    return _wrote(seen, "usr/sbin", "opaque", NotYet("not_removed"))


def _wrote(seen: Evidence, path: str, kind: str, otherwise: NotYet) -> Verdict:
    """Passed where this has come into a container's own layer since the step began."""
    if not (shells := _shells(seen)):
        return NotYet("no_container")
    there = [one for one in shells if (path, kind) in _written(one)]
    for one in there:
        before = seen.before.same(one)
        if before is None or (path, kind) not in _written(before):
            return Passed(container=one.name, count=len(one.written))
    return NotYet("already_there", container=there[0].name) if there else otherwise


def committed(seen: Evidence) -> Verdict:
    """An image appeared that has all layers of another and one more."""
    fresh = [one for one in seen.now.images if one not in seen.before.images]
    grown = [(one, below) for one in fresh if (below := base_of(one, seen.now))]
    if grown:
        image, below = grown[0]
        return Passed(image=image.name, layer=short_digest(image.layers[-1]), below=below.name)
    if fresh:
        return NotYet("no_new_layer", image=fresh[0].name)
    there = [one for one in seen.now.images if base_of(one, seen.now)]
    return NotYet("already_there", image=there[0].name) if there else NotYet("no_image")


def size_named(seen: Evidence) -> Verdict:
    """The answer is the size of the layer that an image has above another's."""
    grown = grown_images(seen.now)
    if not grown:
        return NotYet("no_image")
    answered = _bytes(seen.answer)
    if answered is None:
        return NotYet("no_answer")
    image, below = grown[0]
    size = image.size - below.size
    if abs(answered - size) <= SLACK * size:
        return Passed(size=size, image=image.size)
    if abs(answered * UNITS["kb"] - size) <= SLACK * size:
        return NotYet("no_unit", answered=typed(seen.answer))
    return NotYet("the_whole", size=image.size) if abs(answered - image.size) <= SLACK * image.size else NotYet("other_size")


def size(facts: Facts) -> str:
    """That size, in bytes."""
    grown = grown_images(facts)
    return str(grown[0][0].size - grown[0][1].size) if grown else ""


def third_stacked(seen: Evidence) -> Verdict:
    """A container started from the image with one more layer, and so stands on both."""
    grown = grown_images(seen.now)
    if not grown:
        return NotYet("no_image")
    there = [one for one in seen.now.containers for image, _ in grown if layers_of(one) == _names(image)]
    if fresh := new_of(seen, there):
        return Passed(container=fresh[0].name, upper=layers_of(fresh[0])[0], lower=layers_of(fresh[0])[-1])
    if there:
        return NotYet("already_there", container=there[0].name)
    appeared = seen.appeared()
    return NotYet("other_image", container=appeared[0].name, image=grown[0][0].name) if appeared else NotYet("no_third")


def layer_of_passwd_named(seen: Evidence) -> Verdict:
    """The answer is the upper one of the two layers, which holds the changed file."""
    answered, there = typed(seen.answer).lower(), _third(seen.now)
    if not there:
        return NotYet("no_third")
    if not answered:
        return NotYet("no_answer")
    layers = layers_of(there[0])
    named = [one for one in layers if one in answered]
    if len(named) > 1:
        return NotYet("both")
    if named:
        return Passed(layer=named[0]) if named[0] == layers[0] else NotYet("the_lower", layer=named[0])
    return NotYet("other_layer", answered=answered[:SHOWN])


def layer_of_passwd(facts: Facts) -> str:
    """That layer."""
    there = _third(facts)
    return layers_of(there[0])[0] if there else ""


def drivers_named(seen: Evidence) -> Verdict:
    """The answer names those of the stacking file systems that the kernel has now, and no others."""
    words = set(re.findall(r"[^\W\d_]+", typed(seen.answer).lower()))
    if not seen.now.host.filesystems:
        return NotYet("not_seen")
    named, here = words & set(STACKING), set(_stacking(seen.now))
    if not words:
        return NotYet("no_answer")
    if wrong := sorted(named - here):
        return NotYet("not_here", name=wrong[0])
    if missed := sorted(here - named):
        return NotYet("missed", count=len(missed))
    return Passed(names=", ".join(sorted(here)) or "-")


def drivers(facts: Facts) -> str:
    """Those names."""
    return " ".join(_stacking(facts)) or "none"


def shown_and_hidden(seen: Evidence) -> Verdict:
    """Of two containers of one image of the learner's, one has deleted a file of the image's that the other shows."""
    own = [one for one in seen.now.containers if len(layers_of(one)) > 1]
    hidden = [one for one in own if _hides(one)]
    pairs = [(one, other) for one in hidden for other in own if layers_of(one) == layers_of(other) and _untouched(other)]
    for one, other in pairs:
        if not _hides(seen.before.same(one)) or seen.before.same(other) is None:
            return Passed(hidden=one.name, shown=other.name, layers=len(layers_of(one)))
    if pairs:
        return NotYet("already_there", container=pairs[0][0].name)
    if hidden:
        alike = [one for one in hidden if layers_of(one) == layers_of(hidden[0])]
        return NotYet("both_deleted" if len(alike) > 1 else "one_only", container=hidden[0].name)
    if replaced := [one for one in own if {("srv", "whiteout"), ("srv", "opaque")} & _written(one)]:
        return NotYet("whole_directory", container=replaced[0].name)
    return NotYet("not_deleted", container=own[0].name) if own else NotYet("no_own_image")


def _hides(container: Container | None) -> bool:
    """The file of the last task is deleted in its own layer: overlay makes such a mark only where one is below."""
    return container is not None and ("srv/note", "whiteout") in _written(container)


def _untouched(container: Container) -> bool:
    """It shows the file of the last task as the image has it."""
    return not any(path in ("srv", "srv/note") and kind != "directory" for path, kind in _written(container))


def tidied(seen: Evidence) -> Verdict:
    """The image that was made is gone."""
    before = [image for image, _ in grown_images(seen.before)]
    gone = [one for one in before if one not in seen.now.images]
    if not before:
        return NotYet("was_not_there")
    left = [one for one in before if one not in gone]
    return NotYet("image_left", image=left[-1].name) if left else Passed(image=gone[0].name)


def _shells(seen: Evidence) -> list[Container]:
    """Containers stacked of layers that somebody sits at: the newest first."""
    return [one for one in interactive(seen) if layers_of(one)]


def _written(container: Container) -> set[tuple[str, str]]:
    """Paths in its own layer, with their kinds."""
    return {(one.path, one.kind) for one in container.written}


def _names(image: Image) -> tuple[str, ...]:
    """Its layers as a container shows them, the topmost first."""
    return tuple(short_digest(one) for one in reversed(image.layers))


def _third(facts: Facts) -> list[Container]:
    """Containers that stand on an image with one more layer."""
    return [one for one in facts.containers for image, _ in grown_images(facts) if layers_of(one) == _names(image)]


def _stacking(facts: Facts) -> list[str]:
    """Those of the file systems in question that the kernel has."""
    return [one for one in STACKING if one in facts.host.filesystems]


def _bytes(answer: str | None) -> float | None:
    """A size as people write it (`10.2kB`, `10240`), None where it is none."""
    found = re.fullmatch(r"([0-9][0-9_ ]*(?:[.,][0-9]+)?)\s*([km]?i?b)?(?:ytes)?", typed(answer).lower())
    if not found:
        return None
    return float(found[1].replace("_", "").replace(" ", "").replace(",", ".")) * UNITS[found[2] or ""]
