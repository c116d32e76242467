"""What the commands on images do: layouts on one side, the helper's layers on the other, everything unpacked by neither."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO

from .. import protocol
from ..client.connection import Client
from ..words import escaped
from . import layer_paths, oci
from .helper_call import BoxError
from .options import say, told
from .tables import HistoryLine


def load(client: Client, source: str) -> Iterator[str]:
    """Take in every image of a layout, by the path of a file or directory, or from standard input; gives their names."""
    with _told(source or "-"), _layout(source) as layout:
        for image in oci.images_of(layout):
            name = image.name or Path(source).stem.lower()
            if not name:
                raise oci.OciError("no_name")
            for layer in image.layers:
                put_layer(client, layer.diff_id, oci.pieces(layout, layer))
            yield client.ask(protocol.Register(name, image.config)).value.name


@contextlib.contextmanager
def _layout(source: str) -> Iterator[oci.Layout]:
    """The layout at a path, or on standard input, which is kept in a file since it is read more than once."""
    if source and Path(source).is_dir():
        yield oci.Folder(Path(source))
        return
    if not source and os.isatty(0):
        raise oci.OciError("no_input")
    with Path(source).open("rb") if source else _kept(iter(lambda: sys.stdin.buffer.read(oci.CHUNK), b"")) as file:
        yield oci.Archive(file)


@contextlib.contextmanager
def _kept(found: Iterable[bytes]) -> Iterator[BinaryIO]:
    """All of it in a file without a name, at its beginning."""
    with tempfile.TemporaryFile() as file:
        file.writelines(found)
        file.seek(0)
        yield file


def put_layer(client: Client, diff_id: str, found: Iterable[bytes]) -> None:
    """Hand a layer to the helper, unless it has it; raises HelperError where it does not take it."""
    reply = client.ask(protocol.Unpack(diff_id))
    if reply.value.present:
        return
    try:
        # A pipe that the helper closed says nothing of why: the answer does.
        with contextlib.suppress(BrokenPipeError), open(reply.descriptors[0], "wb", buffering=0) as pipe:
            for piece in found:
                _write_all(pipe, piece)
    except oci.OciError:
        with contextlib.suppress(Exception):  # the first trouble is the one to be told
            client.ask(protocol.Transferred())
        raise
    client.ask(protocol.Transferred())


def _write_all(pipe: IO[bytes], piece: bytes) -> None:
    """All bytes of a piece, of which a pipe may take a part at a time."""
    while piece:
        piece = piece[pipe.write(piece) :]


def save(client: Client, reference: str, target: str) -> None:
    """Write an image as a layout into a file, or to standard output where that is none that somebody looks at."""
    image = client.ask(protocol.Image(reference)).value
    if not target and os.isatty(1):
        raise BoxError(say("images.no_output"))
    with _told(target), contextlib.ExitStack() as held:
        layers = [(digest, held.enter_context(layer_file(client, digest))) for digest in image.layers]
        file = held.enter_context(Path(target).open("wb")) if target else sys.stdout.buffer
        oci.write_layout(file, image.name, image.config, layers)


def layer_file(client: Client, digest: str) -> BinaryIO:
    """A layer's archive, to be read from its beginning."""
    return open(client.ask(protocol.Layer(digest)).descriptors[0], "rb")  # a descriptor has no path


def commit(client: Client, container: str, name: str, message: str) -> str:
    """Make an image of a box; gives its id."""
    box = client.ask(protocol.Inspect(container)).value
    config = client.ask(protocol.Image(box.image_id)).value.config
    with _own_layer(client, container) as layer:
        told = hashlib.sha256()
        for piece in iter(lambda: layer.read(oci.CHUNK), b""):
            told.update(piece)
        digest = f"sha256:{told.hexdigest()}"
        layer.seek(0)
        put_layer(client, digest, iter(lambda: layer.read(oci.CHUNK), b""))
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    bigger = oci.grown(config, digest, created, message or " ".join(box.command))
    return client.ask(protocol.Register(name, bigger)).value.id


@contextlib.contextmanager
def _own_layer(client: Client, container: str) -> Iterator[BinaryIO]:
    """What a box has written, as a layer's archive; raises HelperError where it is not all of it."""
    reply = client.ask(protocol.Pack(container))
    with open(reply.descriptors[0], "rb") as pipe, _kept(iter(lambda: pipe.read(oci.CHUNK), b"")) as file:
        client.ask(protocol.Transferred())
        yield file


def diff(client: Client, container: str) -> list[tuple[str, str]]:
    """What a box has added (A), changed (C) and deleted (D) against its image."""
    box = client.ask(protocol.Inspect(container)).value
    below: frozenset[str] = frozenset()
    for digest in client.ask(protocol.Image(box.image_id)).value.layers:
        with layer_file(client, digest) as archive:
            below = layer_paths.stacked(below, layer_paths.members(archive))
    with _own_layer(client, container) as own:
        return layer_paths.changes(below, layer_paths.members(own))


def history(client: Client, reference: str) -> list[HistoryLine]:
    """A line for each step of an image's making, the latest first, with the size of the layer that it made."""
    image = client.ask(protocol.Image(reference)).value
    told = json.loads(image.config).get("history") or [{} for _ in image.layers]
    sizes = [_size_of(client, digest) for digest in image.layers]
    lines = []
    for step in told:
        size = 0 if step.get("empty_layer") else sizes.pop(0) if sizes else 0
        lines.append(HistoryLine(str(step.get("created", "")), str(step.get("created_by", "")), size))
    return lines[::-1]


def _size_of(client: Client, digest: str) -> int:
    """Bytes of a layer's archive."""
    with layer_file(client, digest) as file:
        return file.seek(0, io.SEEK_END)


@contextlib.contextmanager
def _told(file: str) -> Iterator[None]:
    """Trouble with a layout or this file ends box with its sentence; with standard output ('') as it does everywhere."""
    try:
        yield
    except oci.OciError as error:
        raise BoxError(told(error)) from error
    except OSError as error:
        if not (name := error.filename or file):
            raise
        raise BoxError(say("images.file_trouble", file=escaped(str(name)), reason=error.strerror or "")) from error
