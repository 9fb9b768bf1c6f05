"""How does a model descend? Rounds of block updates, made bolder where that pays.

A model says how to build the whole from its factors, how to improve each factor
in turn, and how a derivative by the whole becomes one by each factor. All the
rest, the same for every model, is here: extrapolation that never lets the
objective rise (Ang and Gillis, Neural Computation 31, 2019), the optimality
residual, the starts, and what a result says.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine import kernels
from partwise.engine.judge.certify import natural_residual
from partwise.engine.loop import OnStep, drive_starts, rule_for
from partwise.engine.models.target import Target
from partwise.engine.pool import blocks, run_blocks, single_blas
from partwise.engine.stop import Clock

__all__ = ["Budget", "Descent", "Form", "ModelFit", "empty_note", "solve", "sweep"]

Array = NDArray[Any]
_EVERY = 5  # steps between two looks at the optimality residual, which costs about one step
_SWEEPS = 4
_SMALL = 1 << 20  # entries of X


@dataclass(frozen=True, kw_only=True)
class ModelFit:
    """What every fitted model says beside its factors.

    Attributes
    ----------
    loss, objective
        The divergence over the entries that count, and that with penalties.
    trace
        Objective at the start and after each iteration; never rises.
    stop
        "converged", "max_iter", "max_seconds" or "cancelled".
    kkt
        Optimality residual of this model, free of scale: the projected gradient
        over all factors, 0 at a stationary point.
    seed, starts
        What was used; `starts` holds the objective that each start reached.
    notes
        What a person should know, in sentences.
    """

    loss: float
    objective: float
    trace: NDArray[np.float64]
    stop: str
    kkt: float
    iterations: int
    seconds: float
    seed: int
    starts: tuple[float, ...]
    notes: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        return self.stop == "converged"


@dataclass(frozen=True, slots=True)
class Budget:
    """The arguments that all models share."""

    starts: int
    seed: int
    tol: float
    max_iter: int
    max_seconds: float | None
    on_step: OnStep | None


class Form:
    """The equation of a model, as the few things that a descent must know of it.

    `signed` says which factors may be negative; `axes` which axis of a factor
    counts its components (None: it has none); `spheres` which factors have
    components of unit length; `scale_at` which factor carries the scale,
    and `degree` how often it occurs in the equation.
    """

    signed: tuple[bool, ...] = (False, False)
    axes: tuple[int | None, ...] = (1, 0)
    spheres: tuple[bool, ...] = ()
    scale_at: int = -1
    degree: int = 1
    adds_only = False  # multiplicative updates: a leap must not lock a zero

    def value(self, target: Target, factors: list[Array]) -> float:
        """Objective: the loss and whatever the model prefers beside it."""
        return target.value(self.build(factors)) + self.penalty(factors)

    def level(self, target: Target, factors: list[Array]) -> float:
        """The number that the model of the whole is best multiplied with."""
        return target.level(self.build(factors))

    def build(self, factors: list[Array]) -> Array:
        """The model of the whole."""
        return np.asarray(factors[0] @ factors[1])

    def improve(self, target: Target, factors: list[Array]) -> list[Array]:
        """New factors, none of which is worse; the old ones stay as they are."""
        raise NotImplementedError

    def pull(self, E: Array, factors: list[Array]) -> list[Array]:
        """Derivatives by the factors where `E` is the one by the whole."""
        return [E @ factors[1].T, factors[0].T @ E]

    def gradients(self, target: Target, factors: list[Array]) -> tuple[list[Array], float]:
        """Derivatives of the objective by each factor, and the size that sets their scale."""
        Y = self.build(factors)
        return self.pull(target.slope(Y), factors), target.size(Y)

    def penalty(self, factors: list[Array]) -> float:
        return 0.0

    def tidy(self, factors: list[Array]) -> None:
        """Put factors back, in place, where the model wants them after a leap."""

    def show(self, factors: list[Array]) -> tuple[Any, ...]:
        """Factors as the person knows them."""
        return tuple(factors)


class Descent:
    """Steps of a `Form` on a `Target`; see `partwise.engine.loop.Stepper`."""

    def __init__(self, form: Form, target: Any, factors: list[Array]) -> None:
        self._form, self._target = form, target
        self.held = factors
        self._before: list[Array] | None = None
        self._boldness, self._cap = 0.5, 1.0
        self._steps = 0

    def value(self) -> float:
        self._form.tidy(self.held)
        level = self._form.level(self._target, self.held)
        if level > 0:
            # A start that is off in scale would be judged by its scale alone.
            at = self._form.scale_at
            factor = level ** (1 / self._form.degree)
            self.held[at] = self.held[at] * self.held[at].dtype.type(factor)
        self._value = self._form.value(self._target, self.held)
        return self._value

    def step(self, show: bool) -> float:
        self._steps += 1
        plain = self._form.improve(self._target, self.held)
        before, self._before = self._before, plain
        if before is not None:
            ahead = self._ahead(plain, before)
            value = self._form.value(self._target, ahead)
            if value <= self._value:
                self._cap = min(1.0, 1.05 * self._cap)
                self._boldness = min(self._cap, 1.1 * self._boldness)
                self.held, self._value = ahead, value
                return value
            self._cap = max(0.1, self._boldness)
            self._boldness /= 1.7
            self._before = None
        value = self._form.value(self._target, plain)
        if value <= self._value:  # else rounding is all that is left to gain
            self.held, self._value = plain, value
        return self._value

    def kkt(self) -> float:
        return self.residual() if self._steps % _EVERY == 0 else np.inf

    def factors(self) -> tuple[Any, ...]:
        return self._form.show(self.held)

    def residual(self) -> float:
        """Optimality residual of the factors as they stand."""
        gradients, size = self._form.gradients(self._target, self.held)
        signed, axes = self._form.signed, self._form.axes
        spheres = self._form.spheres or (False,) * len(signed)
        return max(
            _residual(*one, size)
            for one in zip(self.held, gradients, signed, axes, spheres, strict=True)
        )

    def _ahead(self, plain: list[Array], before: list[Array]) -> list[Array]:
        ahead = []
        for now, then, signed in zip(plain, before, self._form.signed, strict=True):
            move = now - then
            if self._form.adds_only:
                np.maximum(move, 0, out=move)
            move *= now.dtype.type(self._boldness)
            move += now
            ahead.append(move if signed else np.maximum(move, 0, out=move))
        self._form.tidy(ahead)
        return ahead


def _residual(
    F: Array, gradient: Array, signed: bool, axis: int | None, sphere: bool, size: float
) -> float:
    if size <= 0 or F.size == 0:
        return 0.0
    length = 1 if axis is None else F.shape[axis]
    rows = [np.moveaxis(A, axis or 0, 0).reshape(length, -1) for A in (F, gradient)]
    f, g = (A.astype(np.float64) for A in rows)
    if sphere:
        # Only what points along the sphere can lower the objective.
        g = g - (f * g).sum(axis=1, keepdims=True) * f
    if signed:
        return float(np.linalg.norm(g * np.linalg.norm(f, axis=1, keepdims=True))) / size
    return natural_residual(f, g, size)


def sweep(F: Array, gram: Array, atb: Array, number: int = _SWEEPS) -> Array:
    """Coordinate descent on ``F' gram F / 2 - F' atb`` over F >= 0 (HALS); returns a copy.

    F and atb are (parts, samples).
    """
    dtype = F.dtype
    gram = np.ascontiguousarray(gram, dtype=dtype)
    atb = np.ascontiguousarray(atb, dtype=dtype)
    out = np.array(F, order="C")
    none = np.empty(0, dtype)

    def work(slot: int, lo: int, hi: int) -> None:
        kernels.sweeps(gram, atb, out, lo, hi, 0, number, none, none)

    run_blocks(work, blocks(F.shape[1], 1 << 14))
    return out


@dataclass(frozen=True, slots=True)
class _Solved:
    factors: list[Array]
    facts: dict[str, Any]


def solve(form: Form, target: Any, begin: Callable[[int], list[Array]], budget: Budget) -> _Solved:
    """Fit a model from each start and keep the best.

    Returns
    -------
    _Solved
        The best factors, and `facts`: the fields of `ModelFit` without notes.
    """
    rule = rule_for(budget.tol, budget.max_iter, budget.max_seconds, budget.starts)
    clock = Clock(budget.max_seconds)
    # A second thread gains nothing on small products, and stalls them where
    # another program wants the core.
    small = getattr(target, "X", np.empty(0)).size < _SMALL
    with single_blas() if small else nullcontext():
        best, driven, reached = drive_starts(
            lambda start: Descent(form, target, begin(start)),
            int(budget.starts),
            rule,
            clock,
            budget.on_step,
        )
    facts = {
        "loss": driven.objective - form.penalty(best.held),
        "objective": driven.objective,
        "trace": driven.trace,
        "stop": driven.stop,
        "kkt": best.residual(),
        "iterations": driven.iterations,
        "seconds": clock.seconds,
        "seed": budget.seed,
        "starts": reached,
    }
    return _Solved(best.held, facts)


def empty_note(*shares: Array) -> tuple[str, ...]:
    """A sentence on the parts that came out empty; each argument is (parts, anything)."""
    alive = np.ones(len(shares[0]), np.bool_)
    for share in shares:
        alive &= share.reshape(len(share), -1).any(axis=1)
    empty = [str(k + 1) for k in np.flatnonzero(~alive)]
    if not empty:
        return ()
    what = "Part" if len(empty) == 1 else "Parts"
    return (f"{what} {', '.join(empty)} came out empty: fewer parts fit the data as well.",)
