"""Facts about the host and every container on it, read from the kernel: a module a subject, each parser pure.

`observe` goes over the processes once, groups them by PID namespace, holds each PID 1 by its directory in /proc, and reads
of it only the subjects that were asked for. Hostname, System V objects and links belong to namespaces that must be entered:
one child process does that. Nothing is written anywhere, and what ends while it is looked at is left out.

All of this runs in a process of its own, the watcher, with no more rights than reading needs: the helper's thread asks it,
and waits for nobody's look.

In order: `looks` (whose turn it is, in the helper), `asked` (a question as data), `process` (the watcher: what it may);
`observe`; `held` (a process that can't be mistaken for another), `host`, `survey`, `visibility` (who may know of what),
`containers` (its `READERS` say how each field is read), `engines`, `ancestors`, `starters` (whose it is), `half_made`; a
module for each subject, of its name, and beside them `namespaces`, `network` (interfaces and listeners), `links`,
`controllers`, `block`, `groups`; `interior` and `inside` (what is told only inside a namespace); `text` underneath.
"""
