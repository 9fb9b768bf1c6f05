"""When is a name loaded? On first use, so that a small errand does not pay for all rooms."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["on_first_use"]


def on_first_use(module: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """Return a module-level ``__getattr__`` (PEP 562).

    Parameters
    ----------
    module : str
        The module that offers the names, for the message.
    homes : mapping of str to tuple of str
        The module that a name lives in, and the names.
    """
    home = {name: where for where, names in homes.items() for name in names}

    def find(name: str) -> Any:
        if name in home:
            return getattr(importlib.import_module(home[name]), name)
        msg = f"module {module!r} has no attribute {name!r}"
        raise AttributeError(msg)

    return find
