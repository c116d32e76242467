"""Containers of LXC as they lie on disk, running or not. Told by the learner's side, as LXC keeps no other record of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LxcContainer:
    """A directory `folder` with a file `config` in it (lxc.container.conf(5)), which says where its root file system lies.

    `root` is what the configuration names, and `inode` that of the folder's own `rootfs`, 0 where there is none; `binds` are
    directories of the host that the configuration mounts into the container. It is `running` where its monitor listens.
    """

    folder: str
    root: str
    inode: int = 0
    binds: tuple[str, ...] = ()
    running: bool = False

    @property
    def moved(self) -> bool:
        """True where the configuration names a root that is not in this folder."""
        return not self.root.startswith(f"{self.folder}/")


@dataclass(frozen=True, slots=True)
class Lxc:
    """`groups` are control groups, absolute, that LXC has left behind: at the top of a tree, with no process in them.

    `packed` is when the learner packed an image beside them (~/travel.tar), in seconds since 1970; 0 where there is none.
    """

    containers: tuple[LxcContainer, ...] = ()
    groups: tuple[str, ...] = ()
    packed: int = 0
