"""How is a loop compiled, wherever Partwise happens to be installed?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["compiled"]

_Function = TypeVar("_Function", bound=Callable[..., object])

# Sums may be reordered so that they run in vector registers. The order is a
# property of the machine code, so the same block gives the same bits on any
# thread. NaN and infinity keep their meaning: no `nnan`, no `ninf`.
_FASTMATH = {"reassoc", "contract", "nsz", "arcp"}


def compiled(function: _Function) -> _Function:
    """Compile `function` without the interpreter lock, cached on disk if that is possible.

    A read-only installation, or a cache folder that cannot be written, is no
    error: the loop is then compiled in memory, once per process.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "fastmath": _FASTMATH,
        "error_model": "numpy",
        # A loop that another one calls becomes part of it. Were it called, the process that
        # compiles would run its separate copy and the process that loads from the cache the one
        # inside: the same sums in another order, hence other last bits.
        "forceinline": True,
    }
    try:
        return cast("_Function", numba.njit(cache=True, **options)(function))
    except (RuntimeError, OSError):  # numba: "no locator available"
        return cast("_Function", numba.njit(**options)(function))
