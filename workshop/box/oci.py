"""The OCI image layout, read and written: index, manifest, configuration and layers, each named by its digest. No privileges.

https://github.com/opencontainers/image-spec, version 1.1. What is read may be an enemy's: every blob is compared with its
digest before it is believed, and what is no layout says what is wrong with it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

from ..words import WordedError

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
PLAIN = (LAYER, "application/vnd.docker.image.rootfs.diff.tar")
ZIPPED = (f"{LAYER}+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip")
TAG_KEY = "org.opencontainers.image.ref.name"
FULL_NAME_KEY = "io.containerd.image.name"
MOST_JSON = 4 << 20
CHUNK = 1 << 16
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class OciError(WordedError):
    """What is wrong with a layout."""

    area = "images"


class Layout(Protocol):
    """The files of a layout, wherever they are."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file by its path in the layout; raises OciError `missing_file`."""


class Folder:
    """A layout that is a directory."""

    def __init__(self, path: Path) -> None:
        """Files below this path."""
        self._path = path

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file of the directory."""
        try:
            return (self._path / name).open("rb")
        except OSError as error:
            raise OciError("missing_file", file=name) from error


class Archive:
    """A layout that is a tar archive, of a directory's contents or of `.`."""

    def __init__(self, file: BinaryIO) -> None:
        """The archive in this file; raises OciError `not_an_archive`."""
        try:
            self._tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115  # it closes with the file
            self._files = {_plain(one.name): one for one in self._tar if one.isreg()}
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise OciError("not_an_archive", reason=str(error)) from error

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A member of the archive."""
        content = self._tar.extractfile(self._files[name]) if name in self._files else None
        if content is None:
            raise OciError("missing_file", file=name)
        return content


def _plain(name: str) -> str:
    """A member's name without the leading `./` that `tar -c .` gives it."""
    return name.removeprefix("./")


@dataclass(frozen=True)
class Layer:
    """One layer: the digest of its tar archive, and the blob that holds it, which may be compressed."""

    diff_id: str
    blob: str
    zipped: bool


@dataclass(frozen=True)
class Image:
    """An image of a layout: its name ('' where it has none), its configuration as it stands there, its layers from below."""

    name: str
    config: str
    layers: tuple[Layer, ...]


def images_of(layout: Layout) -> list[Image]:
    """Every image of a layout; raises OciError."""
    version = _json(_read(layout, "oci-layout"), "oci-layout")
    if not isinstance(version.get("imageLayoutVersion"), str):
        raise OciError("bad_file", file="oci-layout", key="imageLayoutVersion")
    index = _json(_read(layout, "index.json"), "index.json")
    images = [_image(layout, one) for one in _list(index, "manifests", "index.json")]
    if not images:
        raise OciError("no_image")
    return images


def _image(layout: Layout, told: Any) -> Image:
    """The image behind an entry of the index."""
    name = _name(told)
    manifest, file = _described(layout, told, "index.json")
    if manifest.get("mediaType") in INDEXES or "manifests" in manifest:
        manifest, file = _described(layout, _of_this_machine(_list(manifest, "manifests", file)), file)
    config = _blob(layout, _part(manifest, "config", file), file)
    where = _path(_digest(manifest["config"], file))
    rootfs = _part(_json(config, where), "rootfs", where)
    diff_ids, layers = _list(rootfs, "diff_ids", where), _list(manifest, "layers", file)
    if len(diff_ids) != len(layers):
        raise OciError("layers_differ", config=len(diff_ids), manifest=len(layers))
    if not all(isinstance(one, str) and DIGEST.fullmatch(one) for one in diff_ids):
        raise OciError("bad_file", file=where, key="diff_ids")
    found = tuple(_layer(layout, diff_id, one, file) for diff_id, one in zip(diff_ids, layers, strict=True))
    try:
        return Image(name, config.decode("utf-8"), found)
    except UnicodeDecodeError as error:
        raise OciError("bad_json", file=where, reason=str(error)) from error


def _described(layout: Layout, told: Any, by: str) -> tuple[dict[str, Any], str]:
    """The manifest or index that an entry describes, and the file that it is in."""
    file = _path(_digest(told, by))
    return _json(_blob(layout, told, by), file), file


def _of_this_machine(choices: Sequence[Any]) -> Any:
    """The entry for this machine's processor, of an image for several."""
    machine = platform.machine()
    wanted = ARCHITECTURES.get(machine, machine)
    for one in choices:
        if isinstance(one, dict) and (one.get("platform") or {}).get("architecture", wanted) == wanted:
            return one
    raise OciError("other_machine", machine=wanted)


def _name(told: Any) -> str:
    """The image's name by its annotations: containerd's, which is whole, or the one of the specification."""
    notes = told.get("annotations") if isinstance(told, dict) else None
    notes = notes if isinstance(notes, dict) else {}
    name = notes.get(FULL_NAME_KEY) or notes.get(TAG_KEY) or ""
    return str(name).removeprefix("docker.io/").removeprefix("library/")


def _layer(layout: Layout, diff_id: str, told: Any, by: str) -> Layer:
    """A layer whose blob is what the manifest says."""
    digest, kind = _digest(told, by), told.get("mediaType", LAYER)
    if kind not in PLAIN + ZIPPED:
        raise OciError("unknown_layer", kind=str(kind))
    found, size = hashlib.sha256(), 0
    with layout.open(_path(digest)) as file:
        while piece := file.read(CHUNK):
            found.update(piece)
            size += len(piece)
    _compare(told, size, found.hexdigest(), by)
    return Layer(diff_id, digest, kind in ZIPPED)


def pieces(layout: Layout, layer: Layer) -> Iterator[bytes]:
    """The layer's tar archive, piece by piece; raises OciError `bad_gzip`."""
    with layout.open(_path(layer.blob)) as file:
        plain: IO[bytes] = gzip.GzipFile(fileobj=file) if layer.zipped else file  # type: ignore[assignment]  # it reads alike
        try:
            while piece := plain.read(CHUNK):
                yield piece
        except (OSError, EOFError, zlib.error) as error:
            raise OciError("bad_gzip", file=_path(layer.blob), reason=str(error)) from error


def _blob(layout: Layout, told: Any, by: str) -> bytes:
    """A small blob, which is what the file that names it says."""
    data = _read(layout, _path(_digest(told, by)))
    _compare(told, len(data), hashlib.sha256(data).hexdigest(), by)
    return data


def _compare(told: Mapping[str, Any], size: int, found: str, by: str) -> None:
    """Raise OciError where digest or size is not what is promised."""
    file = _path(told["digest"])
    if f"sha256:{found}" != told["digest"]:
        raise OciError("blob_differs", file=file, by=by, found=found)
    if told.get("size") != size:
        raise OciError("size_differs", file=file, by=by, told=str(told.get("size")), found=size)


def _digest(told: Any, by: str) -> str:
    """The digest in an entry; raises OciError `bad_file`."""
    digest = told.get("digest") if isinstance(told, dict) else None
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise OciError("bad_file", file=by, key="digest")
    return digest


def _path(digest: str) -> str:
    """Where a layout has a blob."""
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _read(layout: Layout, name: str) -> bytes:
    """A file that is not large; raises OciError `bad_file` for one that is."""
    with layout.open(name) as file:
        data = file.read(MOST_JSON + 1)
    if len(data) > MOST_JSON:
        raise OciError("bad_file", file=name, key="size")
    return data


def _json(data: bytes, file: str) -> dict[str, Any]:
    """An object in JSON; raises OciError `bad_json` with what the parser says."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise OciError("bad_json", file=file, reason=str(error)) from error
    if not isinstance(told, dict):
        raise OciError("bad_json", file=file, reason="it is no object")
    return told


def _part(told: Mapping[str, Any], key: str, file: str) -> dict[str, Any]:
    """The object under a key; raises OciError `bad_file`."""
    value = told.get(key)
    if not isinstance(value, dict):
        raise OciError("bad_file", file=file, key=key)
    return value


def _list(told: Mapping[str, Any], key: str, file: str) -> list[Any]:
    """The list under a key; raises OciError `bad_file`."""
    value = told.get(key)
    if not isinstance(value, list):
        raise OciError("bad_file", file=file, key=key)
    return value


def write_layout(target: BinaryIO, name: str, config: str, layers: Sequence[tuple[str, BinaryIO]]) -> None:
    """An image as a layout in a tar archive; layers are diff ids with their archives, from below. Same image, same bytes."""
    data = config.encode()
    described = [_entry(LAYER, digest, _size(file)) for digest, file in layers]
    manifest = _written(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": _entry(CONFIG, _hash(data), len(data)), "layers": described}
    )
    entry = {**_entry(MANIFEST, _hash(manifest), len(manifest)), "annotations": {TAG_KEY: name}}
    # Docker's own `load` takes the whole name from containerd's annotation alone.
    entry["annotations"][FULL_NAME_KEY] = name if "/" in name else f"docker.io/library/{name}"
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, "oci-layout", _written({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", _written({"schemaVersion": 2, "manifests": [entry]}))
        _add(archive, _path(_hash(manifest)), manifest)
        _add(archive, _path(_hash(data)), data)
        for digest, file in dict(layers).items():
            member = tarfile.TarInfo(_path(digest))
            member.size = _size(file)
            archive.addfile(member, file)


def _entry(kind: str, digest: str, size: int) -> dict[str, Any]:
    """A descriptor of the specification."""
    return {"mediaType": kind, "digest": digest, "size": size}


def _hash(data: bytes) -> str:
    """The digest of these bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _written(value: object) -> bytes:
    """JSON, always the same for the same value."""
    return json.dumps(value, separators=(",", ":")).encode()


def _size(file: BinaryIO) -> int:
    """Bytes in a file, which is at its beginning afterwards."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """A small file, without time and owner."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def grown(config: str, diff_id: str, created: str, created_by: str) -> str:
    """The configuration of an image with one more layer on top, and a line in its history that says so."""
    told = json.loads(config)
    rootfs = told["rootfs"]
    line = {"created": created, "created_by": created_by}
    with suppress(AttributeError):
        told["history"] = [*(told.get("history") or ()), line]
    return json.dumps({**told, "created": created, "rootfs": {**rootfs, "diff_ids": [*rootfs["diff_ids"], diff_id]}})
