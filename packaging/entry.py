"""Where does the frozen program begin?

PyInstaller makes this file the program. It is the command line, and, as far as Partwise asks that
of the interpreter it runs under, an interpreter: processes of its own are started as
``sys.executable -m partwise_app.main`` and ``sys.executable -c …``.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys

__all__ = ["main"]


def main() -> int:
    """Be a worker, a module, a piece of code, or the command line."""
    multiprocessing.freeze_support()  # a worker never comes back from here
    os.environ["NUMBA_CACHE_LOCATOR_CLASSES"] = "compiled.Locator"
    words = sys.argv[1:]
    if words[:1] == ["-m"] and len(words) > 1 and words[1].partition(".")[0].startswith("partwise"):
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return 0
    if words[:1] == ["-c"] and len(words) > 1:
        sys.argv = ["-c", *words[2:]]
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - as python -c does
        return 0
    from partwise.cli import main as command_line

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
