"""Facts: what was seen of the kernel at one moment, as frozen dataclasses. Imports nothing of ours but itself."""

from . import trees
from .asked import Asked
from .cgroups import Cgroups, Cpu, Hierarchy, Io, Membership, Memory, Pids, Throttle, Transfer
from .clocks import Clocks
from .components import Component
from .handmade import HAND_FOLDER, HandFile
from .images import Image, Written
from .ipc import Ipc, Others, Queue, Segment, Semaphores
from .lxc import Lxc, LxcContainer
from .measured import Measured, Series, Virtual
from .mounts import Mount
from .namespaces import KINDS, Namespaces
from .network import Interface, Network, Pings
from .own import own, own_objects, unclaimed
from .processes import Process
from .registry import Registry, Repository, Tag
from .roots import Chrooted, Root
from .security import Security
from .seen import SUBJECT_GUIDE, SUBJECTS, Container, Evidence, Facts, HalfMade, Host
from .users import IdRange, Users

__all__ = [
    "HAND_FOLDER",
    "KINDS",
    "SUBJECTS",
    "SUBJECT_GUIDE",
    "Asked",
    "Cgroups",
    "Chrooted",
    "Clocks",
    "Component",
    "Container",
    "Cpu",
    "Evidence",
    "Facts",
    "HalfMade",
    "HandFile",
    "Hierarchy",
    "Host",
    "IdRange",
    "Image",
    "Interface",
    "Io",
    "Ipc",
    "Lxc",
    "LxcContainer",
    "Measured",
    "Membership",
    "Memory",
    "Mount",
    "Namespaces",
    "Network",
    "Others",
    "Pids",
    "Pings",
    "Process",
    "Queue",
    "Registry",
    "Repository",
    "Root",
    "Security",
    "Segment",
    "Semaphores",
    "Series",
    "Tag",
    "Throttle",
    "Transfer",
    "Users",
    "Virtual",
    "Written",
    "own",
    "own_objects",
    "trees",
    "unclaimed",
]  # fmt: skip
