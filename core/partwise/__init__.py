"""Partwise: separate a measurement into its nonnegative parts.

The engine's names are here for scripts::

    import partwise
    fit = partwise.nmf(X, rank=3)

They are loaded on first use, so that ``partwise --help`` and the window start quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from partwise.engine import Factorization as Factorization
    from partwise.engine import InputProblem as InputProblem
    from partwise.engine import match_parts as match_parts
    from partwise.engine import nmf as nmf
    from partwise.engine import refit as refit

__version__ = "0.1.0"

_ENGINE = ("Factorization", "InputProblem", "match_parts", "nmf", "refit")

__all__ = ["Factorization", "InputProblem", "__version__", "match_parts", "nmf", "refit"]


def __getattr__(name: str) -> Any:
    if name in _ENGINE:
        return getattr(importlib.import_module("partwise.engine"), name)
    msg = f"module 'partwise' has no attribute {name!r}"
    raise AttributeError(msg)
