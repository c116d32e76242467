"""A workshop on containers in which the kernel is the teacher.

The way through, in one direction; nothing to the left knows anything to the right:

    learner's shell -> kernel -> observe (helper, root) -> facts -> evidence -> check (pure)
                    -> verdict -> progress (events) -> instructor

`facts`, `verdict` and `lesson` are data; `checks/` judge it; `helper` is the only part that runs as root;
`tui` and `classroom` are the two ends that people see.
"""

__version__ = "0.1.0"
