"""OCI layouts and layers made by hand for tests, rightly and wrongly."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from workshop.client.connection import Client
from workshop.protocol import Transferred, Unpack


def archive(*files: tuple[str, bytes], members: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """A tar archive with these files, and then these members without contents."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as opened:
        for name, data in files:
            one = tarfile.TarInfo(name)
            one.size, one.mode = len(data), 0o755
            opened.addfile(one, io.BytesIO(data))
        for one in members:  # written by hand: Python 3.13's own writer refuses what an enemy's would not
            header = one.tobuf(tarfile.PAX_FORMAT)
            made.write(header)
            opened.offset += len(header)
    return made.getvalue()


def member(name: str, kind: bytes, target: str = "", **others: Any) -> tarfile.TarInfo:
    """A member that is no file."""
    one = tarfile.TarInfo(name)
    one.type, one.linkname = kind, target
    for key, value in others.items():
        setattr(one, key, value)
    return one


def digest(data: bytes) -> str:
    """The name of a blob."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def config(*diff_ids: str, command: str = "/bin/true") -> dict[str, Any]:
    """An image's configuration."""
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": [command]},
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
    }


def layout(
    folder: Path,
    layers: Iterable[bytes],
    name: str = "made:1",
    blobs: Callable[[bytes], bytes] = lambda data: data,
    kind: str = "application/vnd.oci.image.layer.v1.tar",
) -> Path:
    """A layout as a directory; `blobs` is what each layer is stored as, of this kind."""
    layers = list(layers)

    def put(data: bytes, kind: str) -> dict[str, Any]:
        place = folder / "blobs" / "sha256" / digest(data)[7:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}

    told = json.dumps({**config(*map(digest, layers)), "history": [{} for _ in layers]}).encode()
    manifest = {
        "schemaVersion": 2,
        "config": put(told, "application/vnd.oci.image.config.v1+json"),
        "layers": [put(blobs(one), kind) for one in layers],
    }
    entry = put(json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")
    if name:
        entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def hand_over(client: Client, data: bytes, promised: str = "") -> None:
    """Give a layer to the helper; raises HelperError where it refuses it."""
    reply = client.ask(Unpack(promised or digest(data)))
    if reply.descriptors:
        try:
            with open(reply.descriptors[0], "wb") as pipe:
                pipe.write(data)
        except BrokenPipeError:
            pass
        client.ask(Transferred())
