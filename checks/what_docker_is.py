"""Checks of the lesson on what Docker is: an image made by hand, its digests, and the container that runs from it."""

from __future__ import annotations

import re

from workshop.facts import Evidence, Facts, HandFile, Image
from workshop.judging import SHELLS, NotYet, Passed, Verdict, digest_digits, layers_of, new_of, short_digest, typed

PROGRAM = "greet"
BLOBS = "blobs/sha256/"
OCI = "application/vnd.oci.image"
"""So all media types of an image's parts begin (OCI image specification, media types)."""
FEWEST = 12
"""So many digits engines show, and the lesson asks for."""
FIRST, SECOND = "greet:1", "greet:2"


def layer_packed(seen: Evidence) -> Verdict:
    """An archive of the root file system appeared that begins at its root and holds the program and a shell."""
    layer = _file(seen.now, "layer.tar")
    if layer is None:
        return NotYet("no_layer")
    names = {name.removeprefix("./").rstrip("/") for name in layer.members}
    if outer := [name for name in names if name.startswith("root/")]:
        return NotYet("folder_packed", name=min(outer))
    for wanted in ("bin/busybox", "bin/sh", f"bin/{PROGRAM}"):
        if wanted not in names:
            return NotYet("lacks", name=wanted)
    return NotYet("already_there") if layer in seen.before.handmade else Passed(digest=_short(layer))


def layer_digest_named(seen: Evidence) -> Verdict:
    """The answer is the beginning of the archive's digest."""
    layer, answered = _file(seen.now, "layer.tar"), _digits(seen.answer)
    if layer is None:
        return NotYet("no_layer")
    if not answered:
        return NotYet("no_answer")
    if len(answered) < FEWEST:
        return NotYet("too_short", fewest=FEWEST)
    return Passed(digest=_short(layer)) if layer.digest.startswith(answered) else NotYet("other_digest", answered=answered)


def layer_digest(facts: Facts) -> str:
    """The beginning of the digest."""
    layer = _file(facts, "layer.tar")
    return _short(layer) if layer else ""


def config_stored(seen: Evidence) -> Verdict:
    """The layer is a blob under its digest, and so is a configuration that names it."""
    layer = _file(seen.now, "layer.tar")
    if layer is None:
        return NotYet("no_layer")
    if wrong := _misnamed(seen.now):
        return NotYet("misnamed", name=short_digest(wrong.path.removeprefix(BLOBS)), found=_short(wrong))
    if _file(seen.now, BLOBS + layer.digest) is None:
        return NotYet("layer_not_stored", digest=_short(layer))
    if not _configs(seen.now):
        return NotYet("no_config")
    if not (fitting := _fitting_configs(seen.now)):
        return NotYet("names_other_layer", digest=_short(layer))
    fresh = [one for one in fitting if one not in seen.before.handmade]
    return Passed(digest=_short(fresh[0])) if fresh else NotYet("already_there")


def manifest_stored(seen: Evidence) -> Verdict:
    """A manifest is a blob under its digest; it names configuration and layer, with their sizes."""
    configs, layer = _fitting_configs(seen.now), _file(seen.now, "layer.tar")
    if layer is None or not configs:
        return NotYet("no_config")
    if wrong := _misnamed(seen.now):
        return NotYet("misnamed", name=short_digest(wrong.path.removeprefix(BLOBS)), found=_short(wrong))
    if not _manifests(seen.now):
        return NotYet("no_manifest")
    fitting = _fitting_manifests(seen.now)
    if not fitting:
        return NotYet("names_others", config=_short(configs[0]), layer=_short(layer))
    return _parts_described(seen, fitting, configs, layer)


def _parts_described(seen: Evidence, fitting: list[HandFile], configs: list[HandFile], layer: HandFile) -> Verdict:
    """One of the manifests that name these parts says their kinds and sizes, too."""
    told = [one for one in fitting if OCI + ".layer" in one.text and OCI + ".config" in one.text]
    if not told:
        return NotYet("no_type", type=OCI)
    sized = [one for one in told if _says_size(one, layer) and any(_says_size(one, config) for config in configs)]
    if not sized:
        return NotYet("other_size", config=configs[0].size, layer=layer.size)
    fresh = [one for one in sized if one not in seen.before.handmade]
    return Passed(digest=_short(fresh[0])) if fresh else NotYet("already_there")


def index_written(seen: Evidence) -> Verdict:
    """The index names the manifest and gives the image its name; the layout says that it is one."""
    manifests, index = _fitting_manifests(seen.now), _file(seen.now, "index.json")
    if not manifests:
        return NotYet("no_manifest")
    if index is None:
        return NotYet("no_index")
    if not any(one.digest in index.text for one in manifests):
        return NotYet("names_no_manifest", digest=_short(manifests[-1]))
    return _index_complete(seen, index)


def _index_complete(seen: Evidence, index: HandFile) -> Verdict:
    """The index says of which kind what it names is, and what it is called, and the layout says what it is."""
    if OCI + ".manifest" not in index.text:
        return NotYet("no_type", type=OCI)
    if not re.search(r'ref\.name"\s*:\s*"[^"]+"', index.text):
        return NotYet("no_name")
    if _file(seen.now, "oci-layout") is None:
        return NotYet("no_layout")
    there_before = index in seen.before.handmade and _file(seen.before, "oci-layout") is not None
    return NotYet("already_there") if there_before else Passed(count=len(seen.now.handmade))


def image_loaded(seen: Evidence) -> Verdict:
    """The engine has an image whose one layer is the archive made by hand."""
    layer, ours = _file(seen.now, "layer.tar"), _our_images(seen.now)
    if layer is None:
        return NotYet("no_layer")
    if fresh := [one for one in ours if one not in seen.before.images]:
        return Passed(image=fresh[0].name, digest=short_digest(fresh[0].id))
    if others := [one for one in seen.now.images if one not in seen.before.images]:
        return NotYet("other_layer", image=others[0].name, digest=_short(layer))
    return NotYet("already_there", image=ours[0].name) if ours else NotYet("no_image")


def id_explained(seen: Evidence) -> Verdict:
    """The answer is the file whose digest the image's id is: the configuration."""
    answered, ids = typed(seen.answer), _our_ids(seen.now)
    if not ids:
        return NotYet("no_image")
    if not answered:
        return NotYet("no_answer")
    digests = {one.digest for one in seen.now.handmade if answered.rpartition("/")[2].lower() in _names(one)}
    if not digests:
        return NotYet("no_such_file", answered=answered)
    if right := digests & ids:
        return Passed(file=answered, digest=short_digest(min(right)))
    if digests & {one.digest for one in _manifests(seen.now)}:
        return NotYet("the_manifest")
    layer = _file(seen.now, "layer.tar")
    return NotYet("the_layer") if layer and layer.digest in digests else NotYet("other_file", answered=answered)


def id_file(facts: Facts) -> str:
    """The file."""
    return next((one.path for one in facts.handmade if one.digest in _our_ids(facts)), "")


def greeter_started(seen: Evidence) -> Verdict:
    """A container appeared that is made of the one layer, and in which its program runs on a terminal."""
    layer = _file(seen.now, "layer.tar")
    if layer is None:
        return NotYet("no_layer")
    ours = [one for one in seen.now.containers if layers_of(one) == (_short(layer),)]
    running = [one for one in ours if one.init.name in SHELLS | {PROGRAM} and one.init.terminal]
    if fresh := new_of(seen, running):
        return Passed(container=fresh[0].name, program=fresh[0].init.name, pid=fresh[0].init.pid)
    if running:
        return NotYet("already_there", container=running[0].name)
    if ours:
        return NotYet("no_terminal", container=ours[0].name, program=ours[0].init.name)
    appeared = seen.appeared()
    return NotYet("other_image", container=appeared[0].name) if appeared else NotYet("no_container")


def packed_again(seen: Evidence) -> Verdict:
    """A second archive, of a copy of the files, has the same digest."""
    first, second = _file(seen.now, "layer.tar"), _file(seen.now, "again.tar")
    if first is None:
        return NotYet("no_layer")
    if second is None:
        return NotYet("no_second")
    if first.digest != second.digest:
        return NotYet("differs", first=_short(first), second=_short(second))
    return NotYet("already_there") if second in seen.before.handmade else Passed(digest=_short(second))


def change_noticed(seen: Evidence) -> Verdict:
    """The answer is the digest that the exchanged blob really has."""
    wrong, answered = _misnamed(seen.now), _digits(seen.answer)
    if wrong is None:
        return NotYet("not_exchanged")
    if not answered:
        return NotYet("no_answer")
    if len(answered) < FEWEST:
        return NotYet("too_short", fewest=FEWEST)
    if wrong.path.removeprefix(BLOBS).startswith(answered):
        return NotYet("promised", answered=short_digest(answered))
    return Passed(digest=_short(wrong)) if wrong.digest.startswith(answered) else NotYet("other_digest", answered=answered)


def real_digest(facts: Facts) -> str:
    """What the exchanged blob's digest begins with."""
    wrong = _misnamed(facts)
    return _short(wrong) if wrong else ""


def same_layer_used(seen: Evidence) -> Verdict:
    """A second image appeared on the layer made by hand, with a configuration that starts a shell; the first is still there."""
    layer, images = _file(seen.now, "layer.tar"), {one.name: one for one in seen.now.images}
    if layer is None:
        return NotYet("no_layer")
    if (second := images.get(SECOND)) is None:
        wrong = _misnamed(seen.now)
        short = short_digest(wrong.path.removeprefix(BLOBS)) if wrong else ""
        return NotYet("misnamed", name=short, found=_short(wrong)) if wrong else NotYet("no_second")
    if second not in _our_images(seen.now):
        return NotYet("other_layers", digest=_short(layer))
    return _another_image(seen, images.get(FIRST), second, _short(layer))


def _another_image(seen: Evidence, first: Image | None, second: Image, layer: str) -> Verdict:
    """The second image is not the first under another name, starts what it should, and has cost nobody the first."""
    if first and first.id == second.id:
        return NotYet("same_image", digest=short_digest(first.id))
    if any(one.digest == digest_digits(second.id) and not _starts_shell(one) for one in seen.now.handmade):
        return NotYet("still_greets")
    if first is None or first not in _our_images(seen.now):
        return NotYet("first_gone")
    if second in seen.before.images:
        return NotYet("already_there")
    return Passed(first=short_digest(first.id), second=short_digest(second.id), layer=layer)


def _starts_shell(config: HandFile) -> bool:
    """True where this configuration's command or entry point is the shell."""
    return re.search(r'"(?:Cmd|Entrypoint)"\s*:\s*\[\s*"(?:/bin/sh|sh)"', config.text) is not None


def tidied(seen: Evidence) -> Verdict:
    """The image and the folder were there when the step began, and are not now."""
    images = [one for one in _our_images(seen.before) if one in seen.now.images]
    if not seen.before.handmade:
        return NotYet("was_not_there")
    if images:
        return NotYet("image_left", image=images[0].name)
    return NotYet("folder_left", count=len(seen.now.handmade)) if seen.now.handmade else Passed()


def _file(facts: Facts, path: str) -> HandFile | None:
    """A file of the folder."""
    return next((one for one in facts.handmade if one.path == path), None)


def _short(file: HandFile) -> str:
    """As many digits of its digest as engines show."""
    return short_digest(file.digest)


def _blobs(facts: Facts) -> list[HandFile]:
    """Everything that is stored under a digest."""
    return [one for one in facts.handmade if one.path.startswith(BLOBS)]


def _misnamed(facts: Facts) -> HandFile | None:
    """A blob that is not what its name says."""
    return next((one for one in _blobs(facts) if one.path != BLOBS + one.digest), None)


def _configs(facts: Facts) -> list[HandFile]:
    """Blobs that are configurations."""
    return [one for one in _blobs(facts) if '"diff_ids"' in one.text]


def _fitting_configs(facts: Facts) -> list[HandFile]:
    """Those that name the layer."""
    layer = _file(facts, "layer.tar")
    return [one for one in _configs(facts) if layer and f"sha256:{layer.digest}" in one.text]


def _manifests(facts: Facts) -> list[HandFile]:
    """Blobs that are manifests."""
    return [one for one in _blobs(facts) if re.search(r'"layers"\s*:', one.text)]


def _fitting_manifests(facts: Facts) -> list[HandFile]:
    """Those that name the layer and a configuration of it, the latest last."""
    layer, configs = _file(facts, "layer.tar"), [one.digest for one in _fitting_configs(facts)]
    naming = [one for one in _manifests(facts) if any(digest in one.text for digest in configs)]
    return sorted((one for one in naming if layer and layer.digest in one.text), key=lambda one: one.time)


def _says_size(manifest: HandFile, file: HandFile) -> bool:
    """True where the file's size stands beside its digest, on whichever side."""
    entries: list[str] = re.findall(r"\{[^{}]*\}", manifest.text)
    return any(file.digest in one and re.search(rf'"size"\s*:\s*{file.size}\b', one) for one in entries)


def _our_images(facts: Facts) -> list[Image]:
    """Images of the one layer."""
    layer = _file(facts, "layer.tar")
    wanted = f"sha256:{layer.digest}" if layer else ""
    return [one for one in facts.images if one.layers == (wanted,)]


def _our_ids(facts: Facts) -> set[str]:
    """The digests that are their ids."""
    return {digest_digits(one.id) for one in _our_images(facts)}


def _names(file: HandFile) -> tuple[str, str]:
    """What the learner may call a file: its name, with what stands behind the dot and without."""
    name = file.path.rpartition("/")[2].lower()
    return name, name.partition(".")[0]


def _digits(answer: str | None) -> str:
    """The digest in an answer, as far as it was typed, '' where there is none."""
    found = re.findall(r"[0-9a-f]+", typed(answer).lower().replace("sha256:", ""))
    return max(found, key=len) if found else ""
