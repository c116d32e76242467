"""Images: what containers are started from (OCI image specification), and what containers write above them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Image:
    """One name of an image, with its tag.

    `id` is the digest of its configuration, `layers` are diff ids (digests of the layers' tar archives), the bottom one
    first; `size` is that of these archives in bytes. `created` is when the name was given, in seconds since 1970: the
    same name given once more is the same image.
    """

    name: str
    id: str
    layers: tuple[str, ...] = ()
    size: int = 0
    created: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Written:
    """One path in a container's own layer, without a slash in front.

    `kind` is file, directory, opaque (a directory that hides all that other layers have in it), whiteout (a name that is
    deleted), or other.
    """

    path: str
    kind: str
