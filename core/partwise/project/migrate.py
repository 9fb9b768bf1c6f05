"""How does an older file become one of today? Step by step, one version at a time.

Each step takes the parsed ``project.json`` of its version and returns that of the next. A step
is written once and not changed again; a frozen file of its version stays among the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["SCHEMA", "STEPS", "migrate"]

SCHEMA = 2  # what this version writes

Step = Callable[[dict[str, Any]], dict[str, Any]]


def _from_1(data: dict[str, Any]) -> dict[str, Any]:
    # Schema 2 may hold inputs beside the arrays; what project.json says did not change.
    return data


STEPS: Mapping[int, Step] = MappingProxyType({1: _from_1})


def migrate(
    data: Mapping[str, Any], schema: int, steps: Mapping[int, Step] = STEPS
) -> dict[str, Any]:
    """Return ``project.json`` as the newest schema says it.

    Parameters
    ----------
    data : mapping
        Not modified at its top level.
    schema : int
        The version that `data` is of; one beyond the newest step is left as it is.
    steps : mapping of int to callable
        By the version that a step begins at.

    Raises
    ------
    ValueError
        A step is missing or could not make sense of the data.
    """
    today = max(steps) + 1
    found = dict(data)
    while schema < today:
        if schema not in steps:
            msg = f"nobody knows how to read schema {schema}"
            raise ValueError(msg)
        try:
            found = steps[schema](found)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            msg = f"schema {schema} does not say what it should ({error!r})"
            raise ValueError(msg) from error
        schema += 1
    return found
