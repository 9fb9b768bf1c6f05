"""Where does the frozen program keep its compiled loops?

numba names the folder of a loop's cache after the path of its source. A frozen program has no
sources, and the name would follow the folder that the person happens to be in: each new one would
compile everything again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from numba.core.caching import UserWideCacheLocator

__all__ = ["Locator", "cache_folder"]


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


class Locator(UserWideCacheLocator):
    """One folder per module; numba itself adds the line, the processor and the program's hash."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        super().__init__(py_func, py_file)  # type: ignore[no-untyped-call]  # as all of numba
        module = str(py_func.__module__).replace(os.sep, ".")
        self._cache_path = str(cache_folder() / module)
