"""The watcher: a process of its own that looks at the machine, with no more rights than reading needs.

    helper                                    watcher
    fork                                  ->  import what observes, give up all other rights
    "look", with the question as a file,
    an empty file, layers                 ->  observe, write the facts into the empty file
    seal it, hand it on unread            <-  "done", or "failed ERROR"

Safe: what it reads is anybody's text, and what it makes of it the helper never reads. It is nobody (uid 65534), with three
capabilities of which the filter takes the worst uses (mounts, tracing, other programs, new namespaces); it can write to
nothing but that file, dies with the helper, and has none of the helper's descriptors. Without root it is the user, with none.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import NoReturn

from ...facts import Facts
from ..kernel import confine, memory_files, seccomp, syscalls
from ..kernel.troubles import tell_error
from .asked import Asked, Asker, Sandboxed, understood

NOBODY = 65534
CAPABILITIES = (2, 19, 21)
"""DAC_READ_SEARCH, SYS_PTRACE and SYS_ADMIN: to read all files, to look at all processes, to enter all namespaces."""
UPPERS = 250
"""Layers that come beside a question at most: the kernel takes 253 descriptors in one packet (SCM_MAX_FD, unix(7))."""
LARGEST = 64 << 20
"""Bytes of an answer at most: the kernel ends who writes more (RLIMIT_FSIZE)."""
DONE = b"done"
LONGEST = 256
"""Bytes of a packet at most."""
Observe = Callable[[Collection[str], Asker, Mapping[str, Sandboxed], str, int], Facts]


@dataclass(frozen=True)
class Process:
    """A watcher that runs: its pid, a pidfd, and the helper's end of the channel."""

    pid: int
    pidfd: int
    channel: socket.socket

    def ask(self, asked: Asked, paper: int) -> None:
        """Send a question, and the file for its answer; raises OSError."""
        bounded = asked.bounded(UPPERS)
        question = memory_files.holding(bounded.told())
        try:
            socket.send_fds(self.channel, [b"look"], [question, paper, *bounded.uppers()])
        finally:
            os.close(question)

    def close(self) -> None:
        """Let go of one that has been reaped."""
        os.close(self.pidfd)
        self.channel.close()


def start(children: set[int]) -> Process:
    """Fork a watcher, which is among the children from then on; raises OSError, with nothing left running."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    helper = os.getpid()
    with theirs:
        if not (pid := os.fork()):
            ours.detach()  # its number is closed below; the object must not close it a second time
            _be_the_watcher(theirs, helper)
    ours.setblocking(False)
    try:
        process = Process(pid, os.pidfd_open(pid), ours)
    except OSError:
        ours.close()  # the end of the channel is its end, and what nobody knows of is reaped with the next stray
        raise
    children.add(pid)
    return process


def _be_the_watcher(channel: socket.socket, helper: int) -> NoReturn:
    """The child's part; whatever happens, it does nothing that the helper would do at its own end."""
    try:
        gc.freeze()  # what the helper had thrown away would be collected here, and close numbers that are others' by now
        syscalls.close_all_but({0, 1, 2, channel.fileno()})
        from .observe import observe  # noqa: PLC0415  # here alone, while it may: the helper itself loads none of it

        restrict()
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)  # the last: a change of identity takes it back
        if os.getppid() == helper:
            _serve(channel, observe)
    except Exception as error:
        tell_error(error)
    finally:
        os._exit(0)


def restrict() -> None:
    """Become nobody, with the three capabilities, none to be had again, and the filter. Without root there is none to give up."""
    with open("/proc/self/comm", "w") as name:
        name.write("watcher")
    confine.default_signals()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = LARGEST if hard == resource.RLIM_INFINITY else min(LARGEST, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    if os.geteuid() == 0:
        syscalls.prctl(syscalls.PR_SET_SECUREBITS, syscalls.SECBIT_NO_SETUID_FIXUP)  # capabilities outlive the next lines
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        confine.keep_capabilities(CAPABILITIES)
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.install_filter(seccomp.watching())


def _serve(channel: socket.socket, observe: Observe) -> None:
    """Answer one question after the other, until the helper is gone."""
    while True:
        packet, descriptors, _, _ = socket.recv_fds(channel, LONGEST, UPPERS + 2, socket.MSG_CMSG_CLOEXEC)
        if not packet:
            return
        try:
            question, paper, *uppers = descriptors
            _look(observe, question, paper, uppers)
            told = DONE
        except Exception as error:
            tell_error(error)
            told = f"failed {type(error).__name__}".encode()[:LONGEST]
        finally:
            for one in descriptors:
                os.close(one)
        channel.send(told)
        syscalls.reap_strays(())  # visitors that took too long to end


def _look(observe: Observe, question: int, paper: int, uppers: Sequence[int]) -> None:
    """Read a question, and write the facts that are its answer."""
    asked = understood(os.pread(question, os.fstat(question).st_size, 0), uppers)
    facts = observe(asked.subjects, asked.asker, asked.sandboxes, asked.instance, os.getppid())
    memory_files.write_json(paper, asdict(replace(facts, networks=asked.networks, images=asked.images)))
