"""Checks of the lesson on the reasons for Docker: what was measured, what runs, and which reason belongs to which use."""

from __future__ import annotations

import re

from workshop.facts import Container, Evidence, Facts, Image, Measured, Series
from workshop.judging import (
    SHELLS,
    NotYet,
    Passed,
    Verdict,
    base_of,
    digest_digits,
    grown_images,
    layers_of,
    memory_used,
    number,
    short_digest,
    typed,
)

MANY = 5
WAITING = SHELLS | {"cat", "sleep", "tail"}
"""What a container runs that only waits, as the lesson asks for: a service that happens to run here is none of the five."""
NEAR = 0.06
"""How far an answer read off a chart may be from what was measured: people round."""
SLACK_BYTES = 128 << 10
"""How far a counter of the kernel's may have moved since it was read: it charges memory in batches."""
FIRST_USES = {"configuration": "c", "pipeline": "a", "productivity": "d", "isolation": "b"}
SECOND_USES = {"consolidation": "b", "debugging": "d", "tenants": "a", "deployment": "c"}


def starts_measured(seen: Evidence) -> Verdict:
    """Starts of a plain process and of a container were measured since the step began."""
    found = seen.measured("start_times")
    if found is None:
        return NotYet("not_measured")
    ratio = _milliseconds(found, "container") / max(_milliseconds(found, "process"), 0.001)
    return Passed(ratio=round(ratio) if ratio >= 10 else round(ratio, 1))


def median_read(seen: Evidence) -> Verdict:
    """The answer is the median of the container's starts, as the learner's own chart shows it."""
    found, answered = seen.now.result("start_times"), _decimal(seen.answer)
    if found is None:
        return NotYet("not_measured")
    if answered is None:
        return NotYet("no_answer")
    if _near(answered, _milliseconds(found, "container")):
        return Passed(median_ms=_told(found, "container"))
    return _other_time(found, answered)


def _other_time(found: Measured, answered: float) -> NotYet:
    """Which other number of the chart the answer is."""
    if _near(answered, _milliseconds(found, "process")):
        return NotYet("process_named", answered=f"{answered:g}")
    if _near(answered, _milliseconds(found, "engine")):
        return NotYet("engine_named", answered=f"{answered:g}")
    values = _series(found, "container").values
    if any(_near(answered, 1000 * one) for one in (min(values), max(values))):
        return NotYet("extreme_named", answered=f"{answered:g}")
    if _near(1000 * answered, _milliseconds(found, "container")):
        return NotYet("in_seconds")
    return NotYet("other_value", answered=f"{answered:g}")


def machine_measured(seen: Evidence) -> Verdict:
    """A virtual machine was booted since the step began."""
    found = seen.measured("vm_start")
    if found is None:
        return NotYet("not_measured")
    times, sizes = ([one for one in found.series if one.unit == unit] for unit in ("seconds", "bytes"))
    return Passed(seconds=round(times[0].median, 2), mebibytes=round(sizes[0].median / (1 << 20)))


def density_measured(seen: Evidence) -> Verdict:
    """Containers side by side were weighed since the step began."""
    found = seen.measured("density")
    if found is None:
        return NotYet("not_measured")
    each = _series(found, "container").median
    return Passed(kibibytes=round(each / 1024), fitting=int((1 << 30) // max(1.0, each)))


def five_running(seen: Evidence) -> Verdict:
    """Five containers run that were not there when the step began."""
    new = _waiting(seen.appeared())
    if len(new) >= MANY:
        return Passed(count=len(new), kibibytes=sum(map(memory_used, new)) // 1024)
    if new:
        return NotYet("too_few", count=len(new))
    return NotYet("there_before") if len(_waiting(seen.now.containers)) >= MANY else NotYet("none")


def usage_read(seen: Evidence) -> Verdict:
    """The answer is what some container is charged now, in bytes."""
    weighed, answered = [one for one in _waiting(seen.now.containers) if one.cgroups.memory], number(seen.answer)
    if not weighed:
        return NotYet("no_container")
    if answered is None:
        return NotYet("no_answer") if _decimal(seen.answer) is None else NotYet("rounded")
    nearest = min(weighed, key=lambda one: abs(memory_used(one) - answered))
    if abs(memory_used(nearest) - answered) <= SLACK_BYTES and answered >= 4096:  # less than a page is no account of anything
        return Passed(container=nearest.name, answered=answered, kibibytes=answered // 1024)
    if answered in {one.cgroups.memory.limit for one in weighed if one.cgroups.memory}:
        return NotYet("limit_named", answered=answered)
    return NotYet("rounded") if answered < 4096 else NotYet("other_value", answered=answered)


def five_gone(seen: Evidence) -> Verdict:
    """Of the waiting containers that were there when the step began, five or more are gone."""
    if len(_waiting(seen.before.containers)) < MANY:
        return NotYet("were_not_there")
    gone = _waiting(seen.gone())
    return Passed(count=len(gone)) if len(gone) >= MANY else NotYet("still_there", count=MANY - len(gone))


def layer_added(seen: Evidence) -> Verdict:
    """An image appeared that has the layers of another, and one more on top."""
    old = {one.name: one.id for one in seen.before.images}
    for image in seen.now.images:
        if old.get(image.name) != image.id and (base := base_of(image, seen.now)):
            own = image.size - base.size
            return Passed(image=image.name, base=base.name, own=own, common=base.size, layers=len(base.layers))
    for image in seen.now.images:
        twin = next((one for one in seen.now.images if one.name != image.name and one.layers == image.layers), None)
        if image.name not in old and twin:
            return NotYet("no_new_layer", image=image.name, base=twin.name)
    grown = _grown(seen.now)
    return NotYet("there_before", image=grown[0].name) if grown else NotYet("no_image")


def shared_layer_named(seen: Evidence) -> Verdict:
    """The answer is the digest, or its beginning, of a layer that an image and the one below it have in common."""
    named, grown = re.findall(r"[0-9a-f]{12,64}", typed(seen.answer).lower()), _grown(seen.now)
    if not grown:
        return NotYet("no_image")
    if not named:
        return NotYet("other_value", answered=typed(seen.answer)) if typed(seen.answer) else NotYet("no_answer")
    if len(named) > 1:
        return NotYet("both_named")
    return _layer(named[0], grown[0], seen.now)


def _layer(digits: str, grown: Image, facts: Facts) -> Verdict:
    """What the digits name: a shared layer, the image's own one, an image, or nothing here."""
    if any(digest_digits(layer).startswith(digits) for layer in grown.layers[:-1]):
        count = sum(any(digest_digits(layer).startswith(digits) for layer in one.layers) for one in facts.images)
        return Passed(answered=digits[:12], count=count)
    if digest_digits(grown.layers[-1]).startswith(digits):
        return NotYet("new_layer")
    if any(digest_digits(one.id).startswith(digits) for one in facts.images):
        return NotYet("image_named", answered=digits[:12])
    return NotYet("other_value", answered=digits[:12])


def fleet_started(seen: Evidence) -> Verdict:
    """Five containers appeared that wait and stand on the layers of an image with a layer of its own."""
    if not (grown := _grown(seen.now)):
        return NotYet("no_image")
    new = _waiting(seen.appeared())
    for image in grown:
        if len(own := [one for one in new if _stands_on(image, one)]) >= MANY:
            return Passed(count=len(own), image=image.name, layers=len(image.layers))
    return _fleet_lacks(seen, grown, new)


def _fleet_lacks(seen: Evidence, grown: list[Image], new: tuple[Container, ...]) -> NotYet:
    """What keeps the new containers from being five of the learner's own image."""
    if others := [one for one in new if not any(_stands_on(image, one) for image in grown)]:
        return NotYet("other_image", container=others[0].name, image=grown[0].name)
    if new:
        return NotYet("too_few", count=len(new))
    old = [one for one in _waiting(seen.now.containers) if _stands_on(grown[0], one)]
    return NotYet("there_before") if len(old) >= MANY else NotYet("none", image=grown[0].name)


def _stands_on(image: Image, container: Container) -> bool:
    """True where the container's root is made of the image's layers, all of them and no others."""
    return layers_of(container) == tuple(short_digest(one) for one in reversed(image.layers))


def image_gone(seen: Evidence) -> Verdict:
    """An image with a layer of its own was there when the step began and is not now, and the one below it still is."""
    there = _grown(seen.before)
    if not there:
        return NotYet("was_not_there")
    left = {one.id for one in seen.now.images}
    for image in there:
        base = base_of(image, seen.before)
        if image.id not in left and base and base.id in left:
            return Passed(image=image.name, base=base.name)
    return NotYet("still_there", image=there[0].name)


def _grown(facts: Facts) -> list[Image]:
    """Images that have one layer more than another."""
    return [one for one, _ in grown_images(facts)]


def first_uses_matched(seen: Evidence) -> Verdict:
    """The letters are those of the first four uses."""
    letters = _letters(seen.answer)
    if letters is None:
        return NotYet("not_four") if typed(seen.answer) else NotYet("no_answer")
    wrong = _first_wrong(FIRST_USES, letters)
    if wrong == "configuration":
        return NotYet("wrong_configuration")
    if wrong == "pipeline":
        return NotYet("wrong_pipeline")
    if wrong == "productivity":
        return NotYet("wrong_productivity")
    return NotYet("wrong_isolation") if wrong else Passed()


def second_uses_matched(seen: Evidence) -> Verdict:
    """The letters are those of the last four uses."""
    letters = _letters(seen.answer)
    if letters is None:
        return NotYet("not_four") if typed(seen.answer) else NotYet("no_answer")
    wrong = _first_wrong(SECOND_USES, letters)
    if wrong == "consolidation":
        return NotYet("wrong_consolidation")
    if wrong == "debugging":
        return NotYet("wrong_debugging")
    if wrong == "tenants":
        return NotYet("wrong_tenants")
    return NotYet("wrong_deployment") if wrong else Passed()


def _waiting(containers: tuple[Container, ...]) -> tuple[Container, ...]:
    return tuple(one for one in containers if one.init.name in WAITING)


def _first_wrong(uses: dict[str, str], letters: str) -> str:
    return next((use for use, letter in zip(uses, letters, strict=True) if uses[use] != letter), "")


def _letters(answer: str | None) -> str | None:
    """The four letters of an answer such as `c a d b`, `1c 2a 3d 4b` or `CADB`; None where it is no such answer."""
    found = re.sub(r"[\d\s.,;:=()、，；：。-]", "", typed(answer).lower())
    return found if len(found) == len(FIRST_USES) and set(found) <= set("abcd") else None


def _series(found: Measured, name: str) -> Series:
    """The series of this name, one of nothing where it was not measured."""
    return found.of(name) or Series(name, "seconds", (0.0,))


def _milliseconds(found: Measured, name: str) -> float:
    """The median of a series, to three digits as the chart shows it."""
    return float(f"{1000 * _series(found, name).median:.3g}")


def _told(found: Measured, name: str) -> str:
    """The same for people: `1.3`, `80`, `1250`."""
    value = _milliseconds(found, name)
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _near(answered: float, measured: float) -> bool:
    return measured > 0 and abs(answered - measured) <= NEAR * measured


def _decimal(answer: str | None) -> float | None:
    """The only number in an answer, with or without a fraction."""
    found = re.findall(r"\d+(?:[.,]\d+)?", typed(answer))
    return float(found[0].replace(",", ".")) if len(found) == 1 else None


def container_median(facts: Facts) -> str:
    """The median of the container's starts, in milliseconds."""
    found = facts.result("start_times")
    return _told(found, "container") if found else ""


def usage(facts: Facts) -> str:
    """What the newest container is charged, in bytes."""
    newest = max((one for one in _waiting(facts.containers) if one.cgroups.memory), key=lambda one: one.init.started)
    return str(memory_used(newest))


def shared_layer(facts: Facts) -> str:
    """The bottom layer of an image that has one more than another, as the mounts name it."""
    return short_digest(_grown(facts)[0].layers[0])


def first_uses(_: Facts) -> str:
    """The letters of the first four uses."""
    return " ".join(FIRST_USES.values())


def second_uses(_: Facts) -> str:
    """The letters of the last four uses."""
    return " ".join(SECOND_USES.values())
