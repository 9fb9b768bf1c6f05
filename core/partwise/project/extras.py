"""What did a newer version write inside records that we know? It is carried along untouched.

While a project is read, each unknown field is noted with its place; when it is written, the
field goes back to that place if the place still exists. Places are told by the ids and keys of
entries, so that they survive edits, additions and removals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["FIELDS", "Place", "graft", "step_of"]

FIELDS = "\0fields"  # under this key of `State.unknown`; no file can hold it, see `graft`
Place = tuple[str, ...]


def step_of(item: Any, index: int) -> str:
    """Return how an entry of a list is told from the others."""
    if isinstance(item, dict):
        for name in ("id", "key"):
            if isinstance(item.get(name), str):
                return f"{name}={item[name]}"
    return f"#{index}"


def graft(data: Any, fields: Mapping[Place, Any]) -> None:
    """Put unknown fields back into encoded JSON, in place, where they came from."""
    for place, value in fields.items():
        node = data
        for step in place[:-1]:
            node = _child(node, step)
        if isinstance(node, dict):
            node.setdefault(place[-1], value)


def _child(node: Any, step: str) -> Any:
    if isinstance(node, dict):
        return node.get(step)
    if isinstance(node, list):
        return next((item for k, item in enumerate(node) if step_of(item, k) == step), None)
    return None
