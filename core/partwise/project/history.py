"""What was before? Undo and redo over immutable values."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

__all__ = ["History"]

T = TypeVar("T")

_STEPS = 200
_MERGE_WITHIN_S = 1.0


@dataclass(frozen=True)
class _Step(Generic[T]):
    name: str
    before: T
    after: T
    merge: str
    at: float


class History(Generic[T]):
    """A bounded list of named steps between values."""

    def __init__(self) -> None:
        self._done: list[_Step[T]] = []
        self._undone: list[_Step[T]] = []

    @property
    def undo_name(self) -> str:
        return self._done[-1].name if self._done else ""

    @property
    def redo_name(self) -> str:
        return self._undone[-1].name if self._undone else ""

    def push(self, name: str, before: T, after: T, merge: str = "") -> None:
        """Note a step; one with the same merge key as the last, within a second, extends it."""
        now = time.monotonic()
        self._undone.clear()
        last = self._done[-1] if self._done else None
        if last and merge and last.merge == merge and now - last.at < _MERGE_WITHIN_S:
            self._done[-1] = replace(last, after=after, at=now)
            return
        self._done.append(_Step(name, before, after, merge, now))
        del self._done[:-_STEPS]

    def undo(self) -> T | None:
        """Return the value before the last step, or None where there is none."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1].before

    def redo(self) -> T | None:
        """Return the value after the step undone last, or None where there is none."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1].after
