"""The only part that runs as root. What it promises, so that the rest of this folder can be held to it.

A caller gets
- sandboxes of the caller's own, each limited in processes, memory and disk, and their terminals and pipes;
- facts about the machine, about those sandboxes, and about the containers that the caller may know of anyway.

A caller never gets
- root on the host: a sandbox's root is a host identity of no account, from 2**31 on, with Docker's fourteen capabilities in
  a user namespace of its own, no new privileges, and a seccomp filter;
- a host path, command or environment: a request has no field for one. What runs is in an image: `busybox`, which is made of
  the host's own programs, or one of the caller's, of layers that a confined child unpacked. No layer is ever written to;
  variables that a caller sets are put beside it at the exec, and nowhere else;
- anything of another caller's: it is "no such container" in every operation. Who calls is asked of the kernel
  (SO_PEERCRED), never of the caller, and an account with all its subordinate identities is one caller;
- the thread for long: nothing blocks on a caller, who takes much of it is served last, and waits in the end;
- everybody's end: what one request raises ends that request alone, and what ends something needs nothing that others can take.

The helper keeps
- what a user makes step by step (`stepping`) to its own code until the last step: it can be let on, looked at from a closed
  list and given up, and waits for half an hour at most;
- the host's mount table as it is: every mount is made in a sandbox's own mount namespace;
- the host's network as it is: a bridge stands in a network namespace of its own, which the kernel ends with the helper;
- nothing of a sandbox after it ended but what it was and printed, until that is removed: PID 1 dies with the helper, and what is
  left after any crash bears the helper's name, by which the next start removes it before it takes new work (`reconcile`);
- its full rights to what needs them: who looks at the machine is the watcher, who unpacks, packs and bakes a confined
  child, each with no more than that needs, and what they read of others' text, or run of the host's, the helper does not;
- to its own code: standard library, `workshop.facts`, `workshop.protocol`, and as root only files that root alone can write.

Without root the same code runs as the user, in user namespaces: isolation is the same, but there are no cgroups and so no
limits, a sandbox's root is the user, and it protects nobody from that user's own programs.

Each folder says on its first page what it promises beyond that. In order, each of which imports only those below it:

1. `service`, 440 lines of code (who calls, and the process);
2. `operations`, 540 lines (the closed table);
3. `watcher`, 1,850 lines (the facts: a process of its own that reads, and changes nothing);
4. `engine`, 2,010 lines (sandboxes, images and networks: how they begin and end);
5. `confined`, 370 lines (children that hold an enemy's bytes, or run programs);
6. `kernel`, 930 lines (the kernel's own calls), underneath it all.
"""
