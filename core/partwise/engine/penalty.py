"""What is preferred, beside a good fit? Terms added to the loss, per factor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem

__all__ = ["L1", "L2", "Penalty", "combine"]


@runtime_checkable
class Penalty(Protocol):
    """A term ``linear * sum(F) + quadratic / 2 * sum(F**2)`` of a nonnegative factor.

    Terms of this kind leave a block step in closed form, and any number of
    them add up to one of them.
    """

    @property
    def linear(self) -> float: ...
    @property
    def quadratic(self) -> float: ...


@dataclass(frozen=True, slots=True)
class L1:
    """``strength * sum(F)``: prefers few entries that are not zero."""

    strength: float

    @property
    def linear(self) -> float:
        return self.strength

    @property
    def quadratic(self) -> float:
        return 0.0


@dataclass(frozen=True, slots=True)
class L2:
    """``strength / 2 * sum(F**2)``: prefers small entries, shared out."""

    strength: float

    @property
    def linear(self) -> float:
        return 0.0

    @property
    def quadratic(self) -> float:
        return self.strength


@dataclass(frozen=True, slots=True)
class _Sum:
    """All penalties of one factor, added."""

    linear: float = 0.0
    quadratic: float = 0.0

    def __bool__(self) -> bool:
        return self.linear > 0 or self.quadratic > 0

    def value(self, factor: NDArray[Any]) -> float:
        """The penalty of `factor`, in float64."""
        total = 0.0
        if self.linear:
            total += self.linear * float(factor.sum(dtype=np.float64))
        if self.quadratic:
            total += 0.5 * self.quadratic * float(np.square(factor, dtype=np.float64).sum())
        return total


def combine(penalty: Penalty | Iterable[Penalty] | None, argument: str) -> _Sum:
    """Add up one penalty or a list of them.

    Raises
    ------
    InputProblem
        For what is no penalty, or a strength that is negative or not finite.
    """
    if penalty is None:
        return _Sum()
    items = [penalty] if isinstance(penalty, Penalty) else penalty
    linear = quadratic = 0.0
    if not isinstance(items, Iterable):
        raise _not_a_penalty(items, argument)
    for item in items:
        if not isinstance(item, Penalty):
            raise _not_a_penalty(item, argument)
        for strength in (item.linear, item.quadratic):
            if not (np.isfinite(strength) and strength >= 0):
                raise InputProblem(
                    f"{argument}: a strength must be finite and at least 0, got {strength}",
                    argument=argument,
                    fix="give a strength of 0 or more",
                )
        linear += item.linear
        quadratic += item.quadratic
    return _Sum(float(linear), float(quadratic))


def _not_a_penalty(item: object, argument: str) -> InputProblem:
    return InputProblem(
        f"{argument} got {item!r}, which is no penalty",
        argument=argument,
        fix="use L1(strength), L2(strength) or a list of them",
    )
