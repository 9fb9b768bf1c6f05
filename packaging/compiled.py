"""Where does the frozen program keep its compiled loops?

numba names the folder of a loop's cache after the path of its source. A frozen program has no
sources, and the name would follow the folder that the person happens to be in: each new one would
compile everything again.

A person's cache begins as a copy of what was compiled when the program was made or installed. What
was compiled for another processor is not found in it, and is compiled anew.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numba.core.caching import UserWideCacheLocator

__all__ = ["FOLDER", "Locator", "begin_from", "cache_folder", "made_before"]

FOLDER = "loops"  # beside the program's libraries
_INSTALLED = Path("/var/cache/partwise/compiled")  # filled by the package's postinst


def cache_folder() -> Path:
    """Return a folder of the person's own: the program's may not be writable."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(base, "Partwise", "Cache", "compiled")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "Partwise" / "compiled"
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = named if os.path.isabs(named) else Path.home() / ".cache"
    return Path(base, "partwise", "compiled")


def made_before() -> Iterator[Path]:
    """Yield where loops may be that were compiled before this person began."""
    if sys.platform == "linux":
        yield _INSTALLED
    beside = getattr(sys, "_MEIPASS", None)
    if beside:
        yield Path(beside, FOLDER)


def begin_from(made: Path, own: Path) -> bool:
    """Copy one module's loops to where a person's have never been; return whether that was done.

    They appear whole or not at all: several processes of the program begin at once.
    """
    try:
        if own.exists() or not made.is_dir():
            return False
        own.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=own.parent) as temporary:
            copied = shutil.copytree(made, Path(temporary, own.name))
            copied.rename(own)
    except OSError:  # no room, or another process was first
        return False
    return True


class Locator(UserWideCacheLocator):
    """One folder per program and module; numba itself adds the line and the processor."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        super().__init__(py_func, py_file)  # type: ignore[no-untyped-call]  # as all of numba
        module = str(py_func.__module__).replace(os.sep, ".")
        stamp = self.get_source_stamp()  # type: ignore[no-untyped-call]  # as all of numba
        place = Path(stamp.hex()[:12], module)  # numba takes nothing of another program
        own = cache_folder() / place
        any(begin_from(made / place, own) for made in made_before())
        self._cache_path = str(own)
