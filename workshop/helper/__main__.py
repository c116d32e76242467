"""The helper's process: `python3 -I -S -X utf8 PACKAGE/helper/__main__.py run [--idle SECONDS]`, or `reconcile`.

As root it first makes sure that nobody but root could have written the code that it is about to run.
"""

import os
import stat
import sys

PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
NEEDED = ("__init__.py", "protocol", "facts", "helper")
"""All that the helper imports besides the standard library, within the package."""


def writable_by_others(path: str) -> bool:
    """True where somebody but root can change this file or directory."""
    seen = os.lstat(path)
    shared = stat.S_ISDIR(seen.st_mode) and seen.st_mode & stat.S_ISVTX  # in /tmp nobody can replace another's entries
    return seen.st_uid != 0 or (bool(seen.st_mode & 0o022) and not shared)


def code() -> list[str]:
    """Every directory above the package and every file in it that is imported."""
    paths = ["/"]
    for part in PACKAGE.strip("/").split("/"):
        paths.append(os.path.join(paths[-1], part))
    for name in NEEDED:
        top = os.path.join(PACKAGE, name)
        paths.append(top)
        for directory, names, files in os.walk(top):
            paths += [os.path.join(directory, one) for one in (*names, *files)]
    return paths


def refuse_foreign_code() -> None:
    """End, with what to do, where root would run code that somebody else could have written."""
    for path in code():
        if writable_by_others(path):
            sys.exit(
                f"helper: {path} can be changed by others than root, so root must not run it. "
                "Install a copy that only root can change: sudo workshop helper install"
            )


if __name__ == "__main__":
    os.umask(0o022)  # so that the bytecode that Python keeps of this code is not for others to write either
    # Begin again without site-packages, which can hold anybody's start-up code, and without the locale of whoever started it:
    # file names of images and words of the log are UTF-8.
    if not (sys.flags.no_site and sys.flags.utf8_mode):
        os.execv(sys.executable, [sys.executable, "-I", "-S", "-X", "utf8", *sys.argv])  # noqa: S606  # itself, and no shell
    if os.geteuid() == 0:
        refuse_foreign_code()
    sys.path.insert(0, os.path.dirname(PACKAGE))
    from workshop.helper.service.process import main

    main(sys.argv[1:])
