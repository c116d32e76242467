"""What a registry on this machine holds, as it tells everybody who asks (OCI Distribution Specification)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tag:
    """A name that can be moved, and the digest of the manifest that it stands for now."""

    name: str
    digest: str
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repository:
    """One name, such as `lab/hello`, with its tags in their order; it may have none yet."""

    name: str
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class Registry:
    """`answers`: one of the learner's own listens on the learner's port of the loopback interface."""

    answers: bool = False
    repositories: tuple[Repository, ...] = ()

    def tag(self, repository: str, name: str) -> Tag | None:
        """A tag of a repository, None where there is none of this name."""
        tags = next((one.tags for one in self.repositories if one.name == repository), ())
        return next((one for one in tags if one.name == name), None)
