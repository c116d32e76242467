"""A workshop on containers in which the kernel is the teacher.

The way through, in one direction; nothing to the left knows anything to the right:

    learner's shell -> kernel -> observe (helper, root) -> facts -> evidence -> check (pure)
                    -> verdict -> progress (events) -> instructor

`facts`, `course` and the verdicts of `judging` are data; `checks/` judge it; `helper` is the only part that runs as root;
`faces`, `classroom` and `authoring` are what people see. docs/architecture.md shows all packages and the floors they stand on.
"""

__version__ = "0.1.0"
