"""What is preferred, beside a good fit? Terms added to the loss, per factor.

A penalty sees a factor F one part per row: (parts, places), where the places
are the features for W and the samples for H. A solver needs three things of it:
its value, its gradient, and a quadratic that lies above it and touches it where
F stands. Stepping to the minimum of such a quadratic can only lower the penalty
(majorisation: Hunter and Lange, Am. Statistician 58, 2004), so that every
solver descends with every penalty that it takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem

__all__ = ["L1", "L2", "Bound", "Joint", "Penalty", "Terms", "combine"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """``linear · f + ½ Σ ridge f² + ½ fᵀ along f``, an upper bound of a penalty.

    For one part f, up to a constant, equal to the penalty where f stands.

    Attributes
    ----------
    linear, ridge
        (places,) or a number; `ridge` is not negative.
    along
        CSR (places, places), symmetric and positive semidefinite, or None: how
        neighbouring places hold on to each other.
    """

    linear: Any = 0.0
    ridge: Any = 0.0
    along: Any = None

    def apart(self, f: Array) -> tuple[Any, Any]:
        """(linear, ridge) of a looser bound at `f` in which the places are independent.

        A symmetric matrix lies below the diagonal of its absolute row sums.
        """
        if self.along is None:
            return self.linear, self.ridge
        reach = abs(self.along).sum(axis=1)
        return self.linear + self.along @ f - reach * f, self.ridge + reach


@runtime_checkable
class Penalty(Protocol):
    """A term that is added to the loss, of a factor with one part per row."""

    @property
    def strength(self) -> float:
        """What the term is multiplied with, at least 0."""

    @property
    def shrinks(self) -> bool:
        """Does it fall towards 0 as the factor is scaled down?"""

    def value(self, F: Array) -> float:
        """The penalty of F (parts, places), in float64."""

    def gradient(self, F: Array) -> Array:
        """Its derivative, (parts, places)."""

    def bound(self, F: Array, part: int) -> Bound:
        """An upper bound while `part` moves and the others stay."""


@runtime_checkable
class Joint(Protocol):
    """A penalty that also has a bound while all parts move together."""

    def spread(self, F: Array) -> tuple[Any, Any]:
        """(linear, ridge) such that ``Σ linear F + ½ Σ ridge F²`` lies above it."""


@runtime_checkable
class _Checked(Protocol):
    def check(self, rank: int, places: int) -> str:
        """What is wrong for a factor of this shape, or nothing."""


@dataclass(frozen=True, slots=True)
class L1:
    """``strength · Σ F``: prefers few entries that are not zero."""

    strength: float

    @property
    def shrinks(self) -> bool:
        return True

    @property
    def linear(self) -> float:
        return self.strength

    @property
    def quadratic(self) -> float:
        return 0.0

    def value(self, F: Array) -> float:
        return self.strength * float(F.sum(dtype=np.float64))

    def gradient(self, F: Array) -> Array:
        return np.full(F.shape, float(self.strength))

    def bound(self, F: Array, part: int) -> Bound:
        return Bound(linear=float(self.strength))

    def spread(self, F: Array) -> tuple[Any, Any]:
        return float(self.strength), 0.0


@dataclass(frozen=True, slots=True)
class L2:
    """``strength / 2 · Σ F²``: prefers small entries, shared out."""

    strength: float

    @property
    def shrinks(self) -> bool:
        return True

    @property
    def linear(self) -> float:
        return 0.0

    @property
    def quadratic(self) -> float:
        return self.strength

    def value(self, F: Array) -> float:
        return 0.5 * self.strength * float(np.square(F, dtype=np.float64).sum())

    def gradient(self, F: Array) -> Array:
        return self.strength * np.asarray(F, dtype=np.float64)

    def bound(self, F: Array, part: int) -> Bound:
        return Bound(ridge=float(self.strength))

    def spread(self, F: Array) -> tuple[Any, Any]:
        return 0.0, float(self.strength)


@dataclass(frozen=True)
class Terms:
    """All penalties of one factor, added.

    `linear` and `quadratic` are those of the plain ones (`L1`, `L2`), which
    leave a block step in closed form; `structured` are the others.
    """

    items: tuple[Penalty, ...] = ()
    linear: float = field(init=False, default=0.0)
    quadratic: float = field(init=False, default=0.0)
    structured: tuple[Penalty, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        plain = [item for item in self.items if isinstance(item, L1 | L2)]
        object.__setattr__(self, "linear", float(sum(item.linear for item in plain)))
        object.__setattr__(self, "quadratic", float(sum(item.quadratic for item in plain)))
        others = tuple(item for item in self.items if not isinstance(item, L1 | L2))
        object.__setattr__(self, "structured", others)

    def __bool__(self) -> bool:
        return bool(self.items)

    @property
    def shrinks(self) -> bool:
        """Would a factor scaled down to nothing cost nothing?"""
        return bool(self.items) and all(item.shrinks for item in self.items)

    def value(self, F: Array) -> float:
        return float(sum(item.value(F) for item in self.items))

    def gradient(self, F: Array) -> Array:
        total = np.zeros(F.shape)
        for item in self.items:
            total += item.gradient(F)
        return total

    def bound(self, F: Array, part: int) -> Bound:
        linear: Any = 0.0
        ridge: Any = 0.0
        along = None
        for item in self.items:
            one = item.bound(F, part)
            linear, ridge = linear + one.linear, ridge + one.ridge
            if one.along is not None:
                along = one.along if along is None else (along + one.along).tocsr()
        return Bound(linear, ridge, along)

    def spread(self, F: Array) -> tuple[Array, Array]:
        """(linear, ridge) for all entries while all parts move; every item must be `Joint`."""
        linear, ridge = np.zeros(F.shape), np.zeros(F.shape)
        for item in self.items:
            assert isinstance(item, Joint)  # the plan asks `joint` first
            more = item.spread(F)
            linear += more[0]
            ridge += more[1]
        return linear, ridge

    @property
    def stubborn(self) -> tuple[str, ...]:
        """Names of those that have no bound while all parts move."""
        return tuple(type(item).__name__ for item in self.items if not isinstance(item, Joint))


def combine(
    penalty: Penalty | Iterable[Penalty] | None,
    argument: str,
    shape: tuple[int, int] | None = None,
) -> Terms:
    """Add up one penalty or a list of them, for a factor of `shape` (parts, places).

    Raises
    ------
    InputProblem
        For what is no penalty, does not fit the factor, or has a strength that
        is negative or not finite.
    """
    if penalty is None:
        return Terms()
    items = [penalty] if isinstance(penalty, Penalty) else penalty
    if not isinstance(items, Iterable):
        raise _not_a_penalty(items, argument)
    kept: list[Penalty] = []
    for item in items:
        if not isinstance(item, Penalty):
            raise _not_a_penalty(item, argument)
        strength: Any = item.strength
        if not (isinstance(strength, Real) and 0 <= float(strength) < np.inf):
            raise InputProblem(
                f"{argument}: a strength must be finite and at least 0, got {strength!r}",
                argument=argument,
                fix="give a strength of 0 or more",
            )
        if shape is not None and isinstance(item, _Checked):
            wrong = item.check(*shape)
            if wrong:
                raise InputProblem(
                    f"{argument}: {type(item).__name__} {wrong}",
                    argument=argument,
                    fix="a penalty on W runs over the features, one on H over the samples",
                )
        if item.strength > 0:
            kept.append(item)
    return Terms(tuple(kept))


def _not_a_penalty(item: object, argument: str) -> InputProblem:
    return InputProblem(
        f"{argument} got {item!r}, which is no penalty",
        argument=argument,
        fix="use a penalty such as L1(strength), or a list of them",
    )
